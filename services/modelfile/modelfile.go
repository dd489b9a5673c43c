// Package modelfile reads a model file of whatever format Sepal knows: its own (see package
// native), ONNX (package onnx), and scikit-learn's pickles and joblib dumps (package sklearn).
// Nothing in a file is ever run. The package does no I/O.
package modelfile

import (
	"math"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/modelfile/onnx"
	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
	"github.com/sepal-ml/sepal/services/softmax"
)

// MaxBytes is the size of the largest file that Decode takes.
const MaxBytes = native.MaxBytes

// File is a model file that was read.
type File struct {
	// Message is the model as Sepal's own file would have it. That of a foreign file has no
	// name and no version: see [File.Identify].
	Message *modelv1.Model
	// Model is the model, ready to predict.
	Model *softmax.Model
	// Origin tells of a foreign file; nil for one of Sepal's own.
	Origin *Origin
}

// Origin is what a foreign file was and what became of it. Each text is one line.
type Origin struct {
	// Format names the format, such as "pickle protocol 4".
	Format string
	// Library is what wrote the file, with its version; empty if the file does not say.
	Library string
	// Estimator is what the file holds, such as "Pipeline(StandardScaler, LogisticRegression)";
	// and then ", one against the rest" where the probabilities are no softmax.
	Estimator string
	// Folded are the steps that went into the weights or features, one phrase each.
	Folded []string
	// FeatureNames says whether the file names the features; else they are x0, x1 and so on.
	FeatureNames bool
	// Notes are what someone should know who compares the model with the file.
	Notes []string
}

// Decode reads a model file. Which format it has is told from the data. The error is that of the
// format's package.
func Decode(data []byte) (*File, error) {
	switch {
	case sklearn.Sniff(data):
		model, report, err := sklearn.Decode(data)
		if err != nil {
			return nil, err
		}
		library := "scikit-learn"
		if report.LibraryVersion != "" {
			library += " " + report.LibraryVersion
		}
		return foreign(model, &Origin{
			Format: report.Format, Library: library, Estimator: report.Estimator,
			Folded: report.Folded, FeatureNames: report.FeatureNames, Notes: report.Notes,
		}), nil
	case onnx.Sniff(data):
		model, report, err := onnx.Decode(data)
		if err != nil {
			return nil, err
		}
		return foreign(model, &Origin{
			Format: report.Format, Library: report.Producer, Estimator: report.Graph,
			Folded: report.Folded, FeatureNames: report.FeatureNames, Notes: report.Notes,
		}), nil
	}
	message, model, err := native.Decode(data)
	if err != nil {
		return nil, err
	}
	return &File{Message: message, Model: model}, nil
}

func foreign(model *softmax.Model, origin *Origin) *File {
	message := native.Define(model)
	message.GoldenRows = goldenRows(model)
	return &File{Message: message, Model: model, Origin: origin}
}

// Identify gives a foreign file its name and version; one of Sepal's own keeps those it has.
func (f *File) Identify(name, version string) {
	if f.Origin != nil {
		f.Message.Name, f.Message.Version = name, version
	}
}

// goldenRows scores a few made-up rows, so that the file written of the model shows when its
// weights are damaged. A row whose logits overflow is left out.
func goldenRows(m *softmax.Model) []*modelv1.GoldenRow {
	s := m.Signature()
	values := []func(j int) float64{
		func(int) float64 { return 0 },
		func(int) float64 { return 1 },
		func(j int) float64 { return math.Mod(float64(j+1)*0.618, 1) },
	}
	var rows []*modelv1.GoldenRow
	for _, value := range values {
		row := make([]float64, s.Len())
		for j := range row {
			if !s.Feature(j).Categorical() {
				row[j] = value(j)
			}
		}
		probabilities := make([]float64, m.NumClasses())
		if _, err := m.Predict(probabilities, row); err == nil {
			rows = append(rows, &modelv1.GoldenRow{Features: row, Probabilities: probabilities})
		}
	}
	return rows
}
