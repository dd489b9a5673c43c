package native

import (
	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// Compile holds a message against the rules of the contract, makes the model that it
// describes, and scores its golden rows. The error is a [*FormatError].
func Compile(m *modelv1.Model) (*softmax.Model, error) {
	if v := m.GetFormatVersion(); v != FormatVersion {
		return nil, refuse("file", "has format version %d; this Sepal reads version %d", v, FormatVersion)
	}
	if err := checkKnown(m); err != nil {
		return nil, err
	}
	if err := CheckName(m.GetName()); err != nil {
		return nil, err
	}
	if err := CheckVersion(m.GetVersion()); err != nil {
		return nil, err
	}
	compiled, err := compileModel(m)
	if err != nil {
		return nil, err
	}
	if err := checkTraining(m.GetTraining(), compiled); err != nil {
		return nil, err
	}
	if err := checkReference(m.GetReference(), compiled); err != nil {
		return nil, err
	}
	if err := checkGolden(m.GetGoldenRows(), compiled); err != nil {
		return nil, err
	}
	return compiled, nil
}
