package softmax_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// noisy returns n rows of p features whose labels follow a linear rule with noise.
func noisy(t testing.TB, r *rand.Rand, n, p, classes int, noise float64) table {
	t.Helper()
	rule := normals(r, p*classes, 1)
	data := table{signature: newSignature(t, numeric(p)), classes: names("class", classes)}
	data.samples.Rows = normals(r, n*p, 1)
	for i := range n {
		logits := normals(r, classes, noise)
		for k := range logits {
			for j, x := range data.row(i) {
				logits[k] += x * rule[k*p+j]
			}
		}
		data.samples.Labels = append(data.samples.Labels, softmax.Rank(make([]int, 1), logits)[0])
	}
	return data
}

// scaled returns the table with each column multiplied and then moved.
func (tb *table) scaled(factor, shift []float64) table {
	other := *tb
	other.samples.Rows = slices.Clone(tb.samples.Rows)
	for i := range other.samples.Rows {
		j := i % len(factor)
		other.samples.Rows[i] = other.samples.Rows[i]*factor[j] + shift[j]
	}
	return other
}

func TestAWeightCountsAsThatManyRows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"iris", "breast_cancer_std"} {
		data := readTable(t, name)
		data.weigh(t, "1+(i%3)")
		repeated := data
		repeated.samples = softmax.Samples{}
		for i, label := range data.samples.Labels {
			for range int(data.samples.Weights[i]) {
				repeated.samples.Rows = append(repeated.samples.Rows, data.row(i)...)
				repeated.samples.Labels = append(repeated.samples.Labels, label)
			}
		}
		got, want := data.fit(t, softmax.FitOptions{}), repeated.fit(t, softmax.FitOptions{})
		a, b := got.Model.Definition(), want.Model.Definition()
		if off := max(farthest(a.Weights, b.Weights), farthest(a.Intercepts, b.Intercepts)); off > 1e-7 {
			t.Errorf("%s: a weight is off by %v", name, off)
		}
		if farthest(a.Reference, b.Reference) > 1e-11 || math.Abs(got.Objective-want.Objective) > 1e-11*want.Objective {
			t.Errorf("%s: objective %v, expected %v", name, got.Objective, want.Objective)
		}
	}
}

func TestARowOfWeight0CountsAsNone(t *testing.T) {
	t.Parallel()
	data := noisy(t, random(20), 60, 3, 3, 1)
	data.samples.Weights = slices.Repeat([]float64{1}, 60)
	want := data.fit(t, softmax.FitOptions{})
	data.samples.Rows = append(data.samples.Rows, 1e140, -1e140, 0)
	data.samples.Labels = append(data.samples.Labels, 2)
	data.samples.Weights = append(data.samples.Weights, 0)
	got := data.fit(t, softmax.FitOptions{})
	if !reflect.DeepEqual(got.Model.Definition(), want.Model.Definition()) {
		t.Errorf("the row changed the fit: %+v, expected %+v", got.Model.Definition(), want.Model.Definition())
	}
}

// Weights that all grow by a factor, with C shrunk by it, are the same problem.
func TestTheScaleOfTheWeightsIsThatOfC(t *testing.T) {
	t.Parallel()
	data := noisy(t, random(21), 80, 3, 3, 1)
	want := data.fit(t, softmax.FitOptions{C: 2})
	for _, factor := range []float64{1e-120, 1e-9, 1e9, 1e120} {
		data.samples.Weights = slices.Repeat([]float64{factor}, 80)
		got := data.fit(t, softmax.FitOptions{C: 2 / factor})
		if off := farthest(got.Model.Definition().Weights, want.Model.Definition().Weights); off > 1e-8 {
			t.Errorf("weights of %v: off by %v", factor, off)
		}
		if math.Abs(got.Objective/factor/want.Objective-1) > 1e-12 {
			t.Errorf("weights of %v: objective %v, expected %v", factor, got.Objective, want.Objective*factor)
		}
	}
}

func TestAShiftOfTheColumnsMovesOnlyTheIntercepts(t *testing.T) {
	t.Parallel()
	data := noisy(t, random(22), 100, 3, 3, 1)
	want := data.fit(t, softmax.FitOptions{}).Model.Definition()
	shift := []float64{1 << 20, -1000, 0.5}
	moved := data.scaled([]float64{1, 1, 1}, shift)
	got := moved.fit(t, softmax.FitOptions{}).Model.Definition()
	if off := farthest(got.Weights, want.Weights); off > 1e-7 {
		t.Errorf("a weight is off by %v", off)
	}
	for k, intercept := range want.Intercepts {
		for j, s := range shift {
			intercept -= want.Weights[k*3+j] * s
		}
		if math.Abs(got.Intercepts[k]-intercept) > 0.1 { // 1<<20 times what the weights may be off
			t.Errorf("intercept %d is %v, expected %v", k, got.Intercepts[k], intercept)
		}
	}
}

// With hardly any penalty, the unit of a column changes its weight by the factor, no more; with a
// penalty, the fit must still be the minimum, which checkReport's gradient tells.
func TestColumnsOfAllScales(t *testing.T) {
	t.Parallel()
	factor := []float64{1e6, 1e-6, 1, 1e3}
	for _, classes := range []int{2, 3} {
		data := noisy(t, random(23), 300, 4, classes, 1)
		units := data.scaled(factor, make([]float64, 4))
		want := data.fit(t, softmax.FitOptions{C: 1e18}).Model.Definition()
		got := units.fit(t, softmax.FitOptions{C: 1e18}).Model.Definition()
		for i, w := range want.Weights {
			if v := got.Weights[i] * factor[i%4]; math.Abs(v-w) > 1e-6*max(1, math.Abs(w)) {
				t.Errorf("%d classes: weight %d is %v of a column × %v, expected %v", classes, i, v, factor[i%4], w)
			}
		}
		result := units.fit(t, softmax.FitOptions{})
		checkReport(t, &units, softmax.FitOptions{C: 1}, result)
		checkMinimum(t, &units, 1, result)
	}
}

// checkMinimum fails if a step along any one weight or intercept lowers the objective.
func checkMinimum(t *testing.T, data *table, c float64, result *softmax.FitResult) {
	t.Helper()
	d := result.Model.Definition()
	best, _ := naive(data, c, d)
	for _, values := range [][]float64{d.Weights, d.Intercepts} {
		for i, v := range values {
			for _, step := range []float64{-1e-3, 1e-3} {
				values[i] = v + step*max(math.Abs(v), 1e-9)
				if value, _ := naive(data, c, d); value < best*(1-1e-12) {
					t.Errorf("value %d × %v: the objective falls from %.17g to %.17g", i, 1+step, best, value)
				}
			}
			values[i] = v
		}
	}
}

func TestAConstantColumnHasNoWeight(t *testing.T) {
	t.Parallel()
	data := noisy(t, random(24), 90, 3, 3, 1)
	for _, constant := range []float64{0, 0.1, 1e6 / 3} {
		still := data.scaled([]float64{1, 0, 1}, []float64{0, constant, 0})
		result := still.fit(t, softmax.FitOptions{})
		d := result.Model.Definition()
		if d.Weights[1] != 0 || d.Weights[4] != 0 || d.Weights[7] != 0 || d.Reference[1] != constant {
			t.Errorf("constant %v: weights %v, reference %v", constant, d.Weights, d.Reference)
		}
		checkMinimum(t, &still, 1, result)
		plain := still.fit(t, softmax.FitOptions{NoIntercept: true}).Model.Definition()
		if !slices.Equal(plain.Intercepts, []float64{0, 0, 0}) {
			t.Errorf("constant %v: intercepts %v, expected none", constant, plain.Intercepts)
		}
	}
}

func TestTwoEqualColumnsShareTheWeight(t *testing.T) {
	t.Parallel()
	data := noisy(t, random(25), 90, 2, 2, 1)
	for i := range data.samples.Labels {
		data.samples.Rows[2*i+1] = data.samples.Rows[2*i]
	}
	d := data.fit(t, softmax.FitOptions{}).Model.Definition()
	if math.Abs(d.Weights[2]-d.Weights[3]) > 1e-9 || math.Abs(d.Weights[2]) < 0.01 {
		t.Errorf("weights %v", d.Weights)
	}
}

func TestSeparableRows(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 4} {
		data := noisy(t, random(26), 200, 3, classes, 0)
		var weaker float64
		for _, c := range []float64{1, 1e3, 1e9} {
			result := data.fit(t, softmax.FitOptions{C: c})
			d := result.Model.Definition()
			heaviest := max(slices.Max(d.Weights), -slices.Min(d.Weights))
			if heaviest <= weaker {
				t.Errorf("%d classes, C %v: the largest weight is %v, with less freedom %v", classes, c, heaviest, weaker)
			}
			weaker = heaviest
			if c < 1e9 {
				continue
			}
			for i, label := range data.samples.Labels {
				if p, class := predict(t, result.Model, data.row(i)); class != label || p[label] < 0.99 {
					t.Errorf("%d classes, row %d: class %d, %v, expected class %d", classes, i, class, p, label)
				}
			}
		}
	}
}

// One numeric column per category is the same as a categorical feature.
func TestACategoricalFeatureIsItsColumns(t *testing.T) {
	t.Parallel()
	r := random(27)
	signature := newSignature(t, mixed())
	encoded := table{signature: newSignature(t, numeric(signature.Width())), classes: names("class", 3)}
	data := table{signature: signature, classes: encoded.classes}
	for i := range 120 {
		row := mixedRow(r)
		label := (int(row[1]) + i%2*r.IntN(3)) % 3
		data.samples.Rows = append(data.samples.Rows, row...)
		encoded.samples.Rows = append(encoded.samples.Rows, signature.Encode(make([]float64, signature.Width()), row)...)
		data.samples.Labels = append(data.samples.Labels, label)
	}
	encoded.samples.Labels = data.samples.Labels
	got, want := data.fit(t, softmax.FitOptions{}), encoded.fit(t, softmax.FitOptions{})
	a, b := got.Model.Definition(), want.Model.Definition()
	if !slices.Equal(a.Weights, b.Weights) || !slices.Equal(a.Intercepts, b.Intercepts) || !slices.Equal(a.Reference, b.Reference) {
		t.Errorf("weights %v, expected %v", a.Weights, b.Weights)
	}
	checkMinimum(t, &encoded, 1, want)
}

func TestConventionsOfTheSolution(t *testing.T) {
	t.Parallel()
	r := random(28)
	two := noisy(t, r, 90, 3, 2, 1)
	if d := two.fit(t, softmax.FitOptions{}).Model.Definition(); !slices.Equal(d.Weights[:3], []float64{0, 0, 0}) || d.Intercepts[0] != 0 || d.Intercepts[1] == 0 {
		t.Errorf("two classes: weights %v, intercepts %v, expected none for the first", d.Weights, d.Intercepts)
	}
	// Far from the origin, so that the intercepts are large.
	plain := noisy(t, r, 90, 3, 4, 1)
	four := plain.scaled([]float64{1, 1, 1}, []float64{1e7, 1e7, 1e7})
	d := four.fit(t, softmax.FitOptions{}).Model.Definition()
	var intercepts float64
	weights := make([]float64, 3)
	for k, b := range d.Intercepts {
		intercepts += b
		for j := range weights {
			weights[j] += d.Weights[k*3+j]
		}
	}
	if math.Abs(intercepts) > 1e-15*slices.Max(d.Intercepts) || farthest(weights, make([]float64, 3)) > 1e-14 {
		t.Errorf("four classes: intercepts sum to %v, weights to %v", intercepts, weights)
	}
}

func TestNothingToLearn(t *testing.T) {
	t.Parallel()
	data := table{
		signature: newSignature(t, numeric(1)), classes: names("class", 3),
		samples: softmax.Samples{Rows: []float64{7, 7, 7}, Labels: []int{2, 0, 1}},
	}
	result := data.fit(t, softmax.FitOptions{})
	if d := result.Model.Definition(); result.Iterations != 0 || !result.Converged || !slices.Equal(d.Weights, []float64{0, 0, 0}) {
		t.Errorf("%+v of weights %v, expected zeros at once", result, d.Weights)
	}
	if math.Abs(result.Objective-3*math.Log(3)) > 1e-15*4 {
		t.Errorf("objective %v, expected 3 ln 3", result.Objective)
	}
}

// Values, weights and C of all magnitudes: a fit ends with a finite model, converged or not.
func TestFitOfExtremes(t *testing.T) {
	t.Parallel()
	r := random(29)
	magnitude := func(low, high float64) float64 { return math.Pow(10, low+(high-low)*r.Float64()) }
	for range 300 {
		classes := 2 + r.IntN(2)
		data := noisy(t, r, 30, 2, classes, 1)
		for k := range classes {
			data.samples.Labels[k] = k
		}
		data = data.scaled([]float64{magnitude(-300, 149), magnitude(-20, 20)}, []float64{0, magnitude(-20, 20)})
		data.samples.Weights = make([]float64, 30)
		scale, spread := magnitude(-140, 140), 10*r.Float64()
		for i := range data.samples.Weights {
			data.samples.Weights[i] = scale * magnitude(-spread, spread)
		}
		options := softmax.FitOptions{C: magnitude(-149, 149), NoIntercept: r.IntN(2) == 0, MaxIterations: 200}
		result, err := softmax.Fit(context.Background(), data.signature, data.classes, data.samples, options)
		var short *softmax.NotConvergedError
		if errors.As(err, &short) {
			result, err = short.Result, nil
		}
		if err != nil {
			t.Fatalf("%+v: %v", options, err)
		}
		if !isFinite(result.Objective) {
			t.Errorf("%+v: objective %v", options, result.Objective)
		}
	}
}
