package softmax_test

import (
	"math"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// exactly is how far weights may be from scikit-learn's, which are exact to about 1e-9: they are
// within 4e-8 on amd64, and other processors round differently.
const exactly = 1e-6

func TestFitFindsScikitLearnsModel(t *testing.T) {
	t.Parallel()
	for _, o := range readOracles(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			data := readTable(t, o.Dataset)
			data.weigh(t, o.Weights)
			result := data.fit(t, softmax.FitOptions{C: o.C, NoIntercept: !o.FitIntercept})
			got, want := result.Model.Definition(), o.definition(t, data.signature, data.classes)
			if off := farthest(got.Weights, want.Weights); off > exactly {
				t.Errorf("a weight is %v from scikit-learn's", off)
			}
			if off := farthest(got.Intercepts, want.Intercepts); off > exactly {
				t.Errorf("an intercept is %v from scikit-learn's", off)
			}
			if result.Objective > o.Objective*(1+1e-12) {
				t.Errorf("objective %.17g, scikit-learn reaches %.17g", result.Objective, o.Objective)
			}
			for i, row := range o.Rows {
				if p, _ := predict(t, result.Model, data.row(row)); farthest(p, o.Probabilities[i]) > exactly {
					t.Errorf("row %d: %v, scikit-learn has %v", row, p, o.Probabilities[i])
				}
			}
			checkReport(t, &data, o.C, result)
		})
	}
}

// checkReport compares objective and gradient of the result with those of its model, computed
// the plain way from the rows.
func checkReport(t *testing.T, data *table, c float64, result *softmax.FitResult) {
	t.Helper()
	value, gradient := naive(data, c, result.Model.Definition())
	if math.Abs(value-result.Objective) > 1e-12*value {
		t.Errorf("objective reported %v, is %v", result.Objective, value)
	}
	largest, heaviest, size := 0.0, 1.0, 0.0
	for _, g := range gradient {
		largest = max(largest, math.Abs(g))
	}
	for _, w := range result.Model.Definition().Weights {
		heaviest = max(heaviest, math.Abs(w))
	}
	for _, v := range data.samples.Rows {
		size += math.Abs(v)
	}
	// The model's weights are rounded, and so are the sums of the plain way.
	rounding := 1e-15 * size * heaviest
	if math.Abs(largest-result.GradientMax) > rounding {
		t.Errorf("largest gradient reported %v, is %v (± %v)", result.GradientMax, largest, rounding)
	}
}

// naive returns the objective that Fit documents and its gradient by the free weights and
// intercepts, straight from the definitions. Features are numeric.
func naive(data *table, c float64, d softmax.Definition) (float64, []float64) {
	k, p := len(d.Classes), data.signature.Len()
	first := 0
	if k == 2 {
		first = 1
	}
	var value float64
	byWeight, byIntercept := make([]float64, k*p), make([]float64, k)
	logits, probabilities := make([]float64, k), make([]float64, k)
	for i, label := range data.samples.Labels {
		row, weight := data.row(i), 1.0
		if data.samples.Weights != nil {
			weight = data.samples.Weights[i]
		}
		for class := range logits {
			logits[class] = d.Intercepts[class]
			for j, x := range row {
				logits[class] += x * d.Weights[class*p+j]
			}
		}
		softmax.Softmax(probabilities, logits)
		value -= weight * math.Log(probabilities[label])
		probabilities[label]--
		for class, residual := range probabilities {
			byIntercept[class] += weight * residual
			for j, x := range row {
				byWeight[class*p+j] += weight * residual * x
			}
		}
	}
	for i, w := range d.Weights {
		value += w * w / (2 * c)
		byWeight[i] += w / c
	}
	gradient := byWeight[first*p:]
	for _, v := range d.Intercepts {
		if v != 0 { // fitted with intercepts
			return value, append(gradient, byIntercept[first:]...)
		}
	}
	return value, gradient
}
