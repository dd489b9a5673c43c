package softmax_test

import (
	"math"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestFitFindsScikitLearnsModel(t *testing.T) {
	t.Parallel()
	for file, count := range map[string]int{
		"l2_sklearn_1.9.0.json":           86,
		"l2_sklearn_1.2.1.json":           12,
		"standardised_sklearn_1.9.0.json": 62,
	} {
		for _, o := range readOracleFile(t, file, count) {
			t.Run(file+": "+o.String(), func(t *testing.T) {
				t.Parallel()
				data := readTable(t, o.Dataset)
				data.weigh(t, o.Weights)
				options := o.options(t, &data)
				result := data.fit(t, options)
				checkOracle(t, &o, &data, result)
				checkReport(t, &data, options, result)
			})
		}
	}
}

// checkOracle compares a result with scikit-learn's, which is exact to about 1e-9 of the
// weights where they are about 1.
func checkOracle(t *testing.T, o *oracle, data *table, result *softmax.FitResult) {
	t.Helper()
	const exactly, likely = 1e-6, 1e-8
	got, want := result.Model.Definition(), o.definition(t, data.signature, data.classes)
	if off := farthest(got.Weights, want.Weights); off > exactly {
		t.Errorf("a weight is %v from scikit-learn's", off)
	}
	if off := farthest(got.Intercepts, want.Intercepts); off > exactly {
		t.Errorf("an intercept is %v from scikit-learn's", off)
	}
	if off := (result.Objective - o.Objective) / o.Objective; off > 1e-12 || off < -1e-10 {
		t.Errorf("objective %.17g, scikit-learn reaches %.17g", result.Objective, o.Objective)
	}
	for i, row := range o.Rows {
		if p, _ := predict(t, result.Model, data.row(row)); farthest(p, o.Probabilities[i]) > likely {
			t.Errorf("row %d: %v, scikit-learn has %v", row, p, o.Probabilities[i])
		}
	}
	if o.C == 0 {
		if !math.IsInf(result.Gap, 1) || !math.IsInf(result.Distance, 1) {
			t.Errorf("without a penalty, a gap of %v and a distance of %v", result.Gap, result.Distance)
		}
		return
	}
	if !(result.Gap >= 0 && result.Gap <= 1e-10*result.Objective) {
		t.Errorf("the gap is at most %v of %v", result.Gap, result.Objective)
	}
	// The distance is that of the weights as the penalty sees them, and scikit-learn's are off too.
	var square float64
	factors := penaltyFactors(data, o.Standardise)
	for i, w := range got.Weights {
		off := (w - want.Weights[i]) * factors[i%len(factors)]
		square += off * off
	}
	slack := 1e-7 + o.C*o.GradInf*math.Sqrt(float64(len(got.Weights)))
	if !(math.Sqrt(square) <= result.Distance+slack) {
		t.Errorf("the weights are off by %v, by %v at most as reported", math.Sqrt(square), result.Distance)
	}
}

// checkReport compares objective and gradient of the result with those of its model, computed
// the plain way from the rows.
func checkReport(t *testing.T, data *table, options softmax.FitOptions, result *softmax.FitResult) {
	t.Helper()
	value, gradient := naiveFor(data, options, result.Model.Definition())
	if math.Abs(value-result.Objective) > 1e-12*value {
		t.Errorf("objective reported %v, is %v", result.Objective, value)
	}
	largest, heaviest, size := 0.0, 1.0, 0.0
	var square float64
	for _, g := range gradient {
		largest = max(largest, math.Abs(g))
		square += g * g
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
	if n := float64(len(gradient)); math.Abs(math.Sqrt(square)-result.GradientNorm) > n*rounding {
		t.Errorf("norm of the gradient reported %v, is %v (± %v)", result.GradientNorm, math.Sqrt(square), n*rounding)
	}
}

// naive is naiveFor with the penalty alone.
func naive(data *table, c float64, d softmax.Definition) (float64, []float64) {
	return naiveFor(data, softmax.FitOptions{C: c}, d)
}

// naiveFor returns the objective that Fit documents and its gradient by the free weights and
// intercepts, straight from the definitions. Features are numeric.
func naiveFor(data *table, options softmax.FitOptions, d softmax.Definition) (float64, []float64) {
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
		if options.ClassWeights != nil {
			weight *= options.ClassWeights[label]
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
	if !options.Unpenalised {
		factors := penaltyFactors(data, options.Standardise)
		for i, w := range d.Weights {
			f := factors[i%p]
			value += (f * w) * (f * w) / (2 * options.C)
			byWeight[i] += f * f * w / options.C
		}
	}
	gradient := byWeight[first*p:]
	if !options.NoIntercept {
		gradient = append(gradient, byIntercept[first:]...)
	}
	return value, gradient
}

// penaltyFactors returns what the weights of each column are multiplied by in the penalty.
func penaltyFactors(data *table, standardise bool) []float64 {
	p := data.signature.Len()
	factors := make([]float64, p)
	n := float64(len(data.samples.Labels))
	for j := range factors {
		factors[j] = 1
		if !standardise {
			continue
		}
		var mean, square float64
		for i := range data.samples.Labels {
			mean += data.row(i)[j] / n
		}
		for i := range data.samples.Labels {
			square += (data.row(i)[j] - mean) * (data.row(i)[j] - mean) / n
		}
		if square > 0 {
			factors[j] = math.Sqrt(square)
		}
	}
	return factors
}
