package native

import (
	"fmt"
	"math"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// goldenTolerance is how far a probability of a golden row may lie from the one expected.
const goldenTolerance = 1e-9

// Compile holds a message against the rules of the contract, makes the model that it
// describes, and scores its golden rows. The error is a [*FormatError].
func Compile(m *modelv1.Model) (*softmax.Model, error) {
	if v := m.GetFormatVersion(); v != FormatVersion {
		return nil, refuse("file", "has format version %d; this Sepal reads version %d", v, FormatVersion)
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
	if err := checkReference(m.GetReference(), compiled); err != nil {
		return nil, err
	}
	if err := checkGolden(m.GetGoldenRows(), compiled); err != nil {
		return nil, err
	}
	return compiled, nil
}

func checkGolden(rows []*modelv1.GoldenRow, m *softmax.Model) error {
	got := make([]float64, m.NumClasses())
	for i, row := range rows {
		field := fmt.Sprintf("golden_rows[%d]", i)
		if len(row.GetProbabilities()) != len(got) {
			return refuse(field, "has %d probabilities, expected %d", len(row.GetProbabilities()), len(got))
		}
		if _, err := m.Predict(got, row.GetFeatures()); err != nil {
			return refuse(field+".features", "%s", err)
		}
		for k, want := range row.GetProbabilities() {
			if !(math.Abs(got[k]-want) <= goldenTolerance) {
				return refuse(field, "gives class %q the probability %.12g, expected %.12g: the weights are not those of the trained model",
					m.Class(k), got[k], want)
			}
		}
	}
	return nil
}

func checkReference(r *modelv1.ReferenceProfile, m *softmax.Model) error {
	if r == nil {
		return nil
	}
	if got, want := len(r.GetFeatures()), m.Signature().Len(); got != want {
		return refuse("reference.features", "has %d profiles, expected %d", got, want)
	}
	if got, want := len(r.GetPredictedClassShares()), m.NumClasses(); got != want {
		return refuse("reference.predicted_class_shares", "has %d values, expected %d", got, want)
	}
	for i, p := range r.GetFeatures() {
		field := fmt.Sprintf("reference.features[%d]", i)
		bins := len(p.GetEdges()) + 1
		if f := m.Signature().Feature(i); f.Categorical() {
			bins = len(f.Categories)
			if len(p.GetEdges()) > 0 {
				return refuse(field+".edges", "a categorical feature has none")
			}
		}
		if got := len(p.GetShares()); got != bins {
			return refuse(field+".shares", "has %d values, expected %d", got, bins)
		}
		for j, edge := range p.GetEdges() {
			if math.IsNaN(edge) || math.IsInf(edge, 0) || j > 0 && edge <= p.GetEdges()[j-1] {
				return refuse(field+".edges", "are not finite and ascending at %d", j)
			}
		}
		if !isShares(p.GetShares()) || !isShares([]float64{p.GetMissingShare(), 1 - p.GetMissingShare()}) {
			return refuse(field, "holds shares that are not 0 to 1 with the sum 1")
		}
	}
	if !isShares(r.GetPredictedClassShares()) {
		return refuse("reference.predicted_class_shares", "are not 0 to 1 with the sum 1")
	}
	return nil
}

// isShares reports whether the values are shares of a whole.
func isShares(values []float64) bool {
	var sum float64
	for _, v := range values {
		if !(v >= 0 && v <= 1) {
			return false
		}
		sum += v
	}
	return math.Abs(sum-1) <= 1e-6
}
