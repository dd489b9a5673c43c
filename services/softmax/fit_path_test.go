package softmax_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// Each fit of a path is the one that it would be alone, in fewer iterations.
func TestFitPath(t *testing.T) {
	t.Parallel()
	data := readTable(t, "breast_cancer_std")
	for _, cs := range [][]float64{{0.01, 0.015, 0.02, 0.03}, {0.03, 0.02, 0.015, 0.01}} {
		results, err := softmax.FitPath(context.Background(), data.signature, data.classes, data.samples, cs, softmax.FitOptions{})
		if err != nil || len(results) != len(cs) {
			t.Fatalf("%d results: %v", len(results), err)
		}
		for i, c := range cs {
			alone := data.fit(t, softmax.FitOptions{C: c})
			got, want := results[i].Model.Definition(), alone.Model.Definition()
			if off := max(farthest(got.Weights, want.Weights), farthest(got.Intercepts, want.Intercepts)); off > 1e-8 {
				t.Errorf("C %v: off by %v", c, off)
			}
			if i > 0 && results[i].Iterations >= alone.Iterations {
				t.Errorf("C %v: %d iterations, alone %d", c, results[i].Iterations, alone.Iterations)
			}
		}
	}
}

func TestFitPathStopsAtWhatFails(t *testing.T) {
	t.Parallel()
	data := readTable(t, "iris")
	ctx := context.Background()
	results, err := softmax.FitPath(ctx, data.signature, data.classes, data.samples, []float64{1, 2, -1, 3}, softmax.FitOptions{})
	var undefined *softmax.DefinitionError
	if !errors.As(err, &undefined) || len(results) != 2 {
		t.Errorf("%d results and %v, expected two and that -1 is refused", len(results), err)
	}
	if _, err := softmax.FitPath(ctx, data.signature, data.classes, data.samples, []float64{1}, softmax.FitOptions{C: 2}); !errors.As(err, &undefined) {
		t.Errorf("C besides the path: %v", err)
	}
	results, err = softmax.FitPath(ctx, data.signature, data.classes, data.samples, []float64{1, 0}, softmax.FitOptions{})
	if !errors.As(err, &undefined) || undefined.Field != "cs[1]" || len(results) != 1 {
		t.Errorf("%d results and %v, expected one and that a C of 0 is refused", len(results), err)
	}
	if results, err := softmax.FitPath(ctx, data.signature, data.classes, data.samples, nil, softmax.FitOptions{}); err != nil || len(results) != 0 {
		t.Errorf("an empty path: %v, %v", results, err)
	}
}

func TestStartMustSuit(t *testing.T) {
	t.Parallel()
	iris, cancer := readTable(t, "iris"), readTable(t, "breast_cancer")
	fitted := iris.fit(t, softmax.FitOptions{}).Model
	d := fitted.Definition()
	d.Link = softmax.LinkOneVsRest
	fewer := d
	fewer.Link, fewer.Classes = softmax.LinkSoftmax, d.Classes[:2]
	fewer.Weights, fewer.Intercepts = d.Weights[:8], d.Intercepts[:2]
	for name, start := range map[string]*softmax.Model{
		"other columns": cancer.fit(t, softmax.FitOptions{}).Model,
		"fewer classes": newModel(t, fewer),
		"another link":  newModel(t, d),
	} {
		_, err := softmax.Fit(context.Background(), iris.signature, iris.classes, iris.samples, softmax.FitOptions{Start: start})
		var undefined *softmax.DefinitionError
		if !errors.As(err, &undefined) || undefined.Field != "options.Start" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A start with weights in both of two classes, or with any summand in all of three, is the model
// that it predicts as.
func TestStartCountsByItsPredictions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"iris", "breast_cancer_std"} {
		data := readTable(t, name)
		cold := data.fit(t, softmax.FitOptions{})
		d := cold.Model.Definition()
		width := data.signature.Width()
		for k := range d.Classes {
			for j := range width {
				d.Weights[k*width+j] += float64(j) - 1
			}
			d.Intercepts[k] += 7
		}
		warm := data.fit(t, softmax.FitOptions{Start: newModel(t, d)})
		if warm.Iterations > 2 || math.Abs(warm.Objective-cold.Objective) > 1e-12*cold.Objective {
			t.Errorf("%s: %d iterations to %v, expected %v at once", name, warm.Iterations, warm.Objective, cold.Objective)
		}
	}
}
