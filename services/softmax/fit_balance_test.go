package softmax_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestBalancedWeights(t *testing.T) {
	t.Parallel()
	labels := []int{0, 1, 1, 1, 2, 2}
	for name, test := range map[string]struct {
		weights []float64
		classes int
		want    []float64
	}{
		"counts":             {nil, 3, []float64{2, 2. / 3, 1}},
		"weights":            {[]float64{2, 1, 1, 2, 2, 0}, 3, []float64{8. / 6, 8. / 12, 8. / 6}},
		"a class of no rows": {nil, 4, []float64{1.5, .5, .75, 0}},
	} {
		if got := softmax.BalancedWeights(labels, test.classes, test.weights); farthest(got, test.want) > 1e-15 || len(got) != test.classes {
			t.Errorf("%s: %v, expected %v", name, got, test.want)
		}
	}
	wantPanic(t, "softmax: BalancedWeights: length mismatch", func() { softmax.BalancedWeights(labels, 3, []float64{1}) })
}

// A class weight is a weight of each of the rows.
func TestClassWeightsAreWeightsOfRows(t *testing.T) {
	t.Parallel()
	data := readTable(t, "iris")
	data.weigh(t, "1+(i%3)")
	classWeights := []float64{0.5, 3, 1.25}
	got := data.fit(t, softmax.FitOptions{ClassWeights: classWeights})
	data.samples.Weights = slices.Clone(data.samples.Weights)
	for i, label := range data.samples.Labels {
		data.samples.Weights[i] *= classWeights[label]
	}
	want := data.fit(t, softmax.FitOptions{})
	a, b := got.Model.Definition(), want.Model.Definition()
	if !slices.Equal(a.Weights, b.Weights) || !slices.Equal(a.Intercepts, b.Intercepts) || !slices.Equal(a.Reference, b.Reference) {
		t.Errorf("weights %v, expected %v", a.Weights, b.Weights)
	}
}

func TestFitRefusesClassWeights(t *testing.T) {
	t.Parallel()
	data := readTable(t, "iris")
	for name, test := range map[string]struct {
		weights []float64
		want    string
	}{
		"too few": {[]float64{1, 2}, "options.ClassWeights: has 2 values, expected 3: one per class"},
		"below 0": {[]float64{1, -2, 1}, "options.ClassWeights: value 1 is -2, expected a number from 0 to 1e150"},
		"none":    {[]float64{1, 1, 0}, `class "2" has no row of a weight above 0: give it rows or leave it out`},
	} {
		_, err := softmax.Fit(context.Background(), data.signature, []string{"0", "1", "2"}, data.samples, softmax.FitOptions{ClassWeights: test.weights})
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, expected %v", name, err, test.want)
		}
	}
	// Both are positive, and their product is 0.
	data.samples.Weights = slices.Repeat([]float64{1e-200}, 150)
	_, err := softmax.Fit(context.Background(), data.signature, data.classes, data.samples,
		softmax.FitOptions{ClassWeights: []float64{1e-200, 1, 1}})
	var empty *softmax.EmptyClassError
	if !errors.As(err, &empty) {
		t.Errorf("weights that vanish: %v", err)
	}
}
