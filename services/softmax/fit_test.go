package softmax_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/softmax"
)

func (tb *table) fit(t testing.TB, options softmax.FitOptions) *softmax.FitResult {
	t.Helper()
	result, err := softmax.Fit(context.Background(), tb.signature, tb.classes, tb.samples, options)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// six are rows of mixed features and two classes.
func six() softmax.Samples {
	return softmax.Samples{
		Rows: []float64{
			1, 0, 30, 0,
			2, 1, 20, 1,
			3, 2, 10, 0,
			4, 0, 60, 1,
			5, 1, 50, 0,
			6, 2, 40, 1,
		},
		Labels: []int{0, 0, 0, 1, 1, 1},
	}
}

func TestFitRefuses(t *testing.T) {
	t.Parallel()
	type arguments struct {
		signature *softmax.Signature
		classes   []string
		samples   softmax.Samples
		options   softmax.FitOptions
	}
	undefined := func(field, problem string) error {
		return &softmax.DefinitionError{Field: field, Problem: problem}
	}
	const (
		c         = "expected a number from 1e-150 to 1e150, or 0 for 1"
		tolerance = "expected a finite number above 0, or 0 for 1e-11"
	)
	for name, test := range map[string]struct {
		spoil func(*arguments)
		want  error
	}{
		"no signature":     {func(a *arguments) { a.signature = nil }, undefined("signature", "is missing")},
		"one class":        {func(a *arguments) { a.classes = a.classes[:1] }, undefined("classes", "a classifier needs at least two, has 1")},
		"a class twice":    {func(a *arguments) { a.classes[1] = "no" }, undefined("classes[1]", `"no" stands at 0 too`)},
		"no row":           {func(a *arguments) { a.samples = softmax.Samples{} }, undefined("samples", "there is no row to fit")},
		"rows cut short":   {func(a *arguments) { a.samples.Rows = a.samples.Rows[:10] }, &softmax.ShapeError{Row: 2, Got: 2, Want: 4}},
		"a row missing":    {func(a *arguments) { a.samples.Rows = a.samples.Rows[:20] }, &softmax.ShapeError{Row: 5, Got: 0, Want: 4}},
		"a label missing":  {func(a *arguments) { a.samples.Labels = a.samples.Labels[:5] }, undefined("samples.Rows", "has 24 values, expected 20: 4 per label")},
		"NaN":              {func(a *arguments) { a.samples.Rows[6] = math.NaN() }, &softmax.ValueError{Row: 1, Column: 2, Feature: "age", Value: math.NaN(), Want: "a finite number"}},
		"an infinite":      {func(a *arguments) { a.samples.Rows[8] = math.Inf(1) }, &softmax.ValueError{Row: 2, Column: 0, Feature: "amount", Value: math.Inf(1), Want: "a finite number"}},
		"a huge value":     {func(a *arguments) { a.samples.Rows[8] = -2e150 }, &softmax.ValueError{Row: 2, Column: 0, Feature: "amount", Value: -2e150, Want: "at most 1e150 in magnitude"}},
		"no category":      {func(a *arguments) { a.samples.Rows[21] = 3 }, &softmax.ValueError{Row: 5, Column: 1, Feature: "colour", Value: 3, Want: "the position of a category, 0 to 2"}},
		"a label too far":  {func(a *arguments) { a.samples.Labels[4] = 2 }, &softmax.LabelError{Row: 4, Label: 2, Classes: 2}},
		"a label below 0":  {func(a *arguments) { a.samples.Labels[0] = -1 }, &softmax.LabelError{Row: 0, Label: -1, Classes: 2}},
		"an empty class":   {func(a *arguments) { a.classes = append(a.classes, "maybe") }, &softmax.EmptyClassError{Class: "maybe"}},
		"a weightless one": {func(a *arguments) { a.samples.Weights = []float64{0, 0, 0, 1, 1, 1} }, &softmax.EmptyClassError{Class: "no"}},
		"too few weights":  {func(a *arguments) { a.samples.Weights = []float64{1} }, undefined("samples.Weights", "has 1 values, expected 6: one per label")},
		"a weight below 0": {func(a *arguments) { a.samples.Weights = []float64{1, 1, -1, 1, 1, 1} }, &softmax.WeightError{Row: 2, Weight: -1}},
		"a weight NaN":     {func(a *arguments) { a.samples.Weights = []float64{1, 1, 1, math.NaN(), 1, 1} }, &softmax.WeightError{Row: 3, Weight: math.NaN()}},
		"a huge weight":    {func(a *arguments) { a.samples.Weights = []float64{1, math.Inf(1), 1, 1, 1, 1} }, &softmax.WeightError{Row: 1, Weight: math.Inf(1)}},
		"C below 0":        {func(a *arguments) { a.options.C = -1 }, undefined("options.C", "is -1, "+c)},
		"C NaN":            {func(a *arguments) { a.options.C = math.NaN() }, undefined("options.C", "is NaN, "+c)},
		"C infinite":       {func(a *arguments) { a.options.C = math.Inf(1) }, undefined("options.C", "is +Inf, "+c)},
		"tolerance NaN":    {func(a *arguments) { a.options.Tolerance = math.NaN() }, undefined("options.Tolerance", "is NaN, "+tolerance)},
		"tolerance below":  {func(a *arguments) { a.options.Tolerance = -1 }, undefined("options.Tolerance", "is -1, "+tolerance)},
		"no end":           {func(a *arguments) { a.options.Tolerance = math.Inf(1) }, undefined("options.Tolerance", "is +Inf, "+tolerance)},
		"iterations":       {func(a *arguments) { a.options.MaxIterations = -1 }, undefined("options.MaxIterations", "is -1, expected at least 1, or 0 for 10000")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := arguments{signature: newSignature(t, mixed()), classes: []string{"no", "yes"}, samples: six()}
			test.spoil(&a)
			result, err := softmax.Fit(context.Background(), a.signature, a.classes, a.samples, a.options)
			checkSame(t, err, test.want)
			if result != nil {
				t.Error("a result comes with the error")
			}
		})
	}
}

// Values of large sets are checked by several goroutines.
func TestFitNamesTheFirstOfManyRowsAtFault(t *testing.T) {
	t.Parallel()
	const n, p = 300_000, 4
	samples := softmax.Samples{Rows: make([]float64, n*p), Labels: make([]int, n)}
	for _, row := range []int{n - 1, n / 2, 77, 3} {
		samples.Rows[row*p+2] = math.Inf(-1)
		_, err := softmax.Fit(context.Background(), newSignature(t, numeric(p)), names("class", 2), samples, softmax.FitOptions{})
		wantError(t, err, &softmax.ValueError{Row: row, Column: 2, Feature: "x2", Value: math.Inf(-1), Want: "a finite number"})
	}
}

func TestFitReportsProgress(t *testing.T) {
	t.Parallel()
	iris := readTable(t, "iris")
	var seen []softmax.FitProgress
	result := iris.fit(t, softmax.FitOptions{Progress: func(p softmax.FitProgress) { seen = append(seen, p) }})
	if len(seen) != result.Iterations || result.Iterations < 5 {
		t.Fatalf("%d reports of %d iterations", len(seen), result.Iterations)
	}
	for i, p := range seen {
		if p.Iteration != i+1 {
			t.Errorf("report %d is of iteration %d", i, p.Iteration)
		}
		if i > 0 && p.Objective > seen[i-1].Objective*(1+1e-12) {
			t.Errorf("iteration %d: the objective rose from %v to %v", p.Iteration, seen[i-1].Objective, p.Objective)
		}
	}
	last := softmax.FitProgress{Iteration: result.Iterations, Objective: result.Objective, GradientMax: result.GradientMax}
	if seen[len(seen)-1] != last {
		t.Errorf("the last report is %+v, the result %+v", seen[len(seen)-1], last)
	}
	if !result.Converged || result.Solver != "newton" {
		t.Errorf("converged %v by %q", result.Converged, result.Solver)
	}
	if seen[0].GradientMax < 1e3*result.GradientMax {
		t.Errorf("the gradient fell from %v to %v only", seen[0].GradientMax, result.GradientMax)
	}
}

func TestFitStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	iris := readTable(t, "iris")
	ctx, cancel := context.WithCancel(context.Background())
	iterations := 0
	result, err := softmax.Fit(ctx, iris.signature, iris.classes, iris.samples, softmax.FitOptions{
		Progress: func(softmax.FitProgress) {
			if iterations++; iterations == 3 {
				cancel()
			}
		},
	})
	if !errors.Is(err, context.Canceled) || result != nil || iterations != 3 {
		t.Errorf("result %v, error %v after %d iterations, expected a cancelled fit after 3", result, err, iterations)
	}
	if _, err := softmax.Fit(ctx, iris.signature, iris.classes, iris.samples, softmax.FitOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before it began: %v", err)
	}
	late, cancelLate := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancelLate()
	if _, err := softmax.Fit(late, iris.signature, iris.classes, iris.samples, softmax.FitOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past its deadline: %v", err)
	}
}

func TestFitThatRunsOutOfIterationsHasAModel(t *testing.T) {
	t.Parallel()
	iris := readTable(t, "iris")
	for _, most := range []int{1, 4} {
		result, err := softmax.Fit(context.Background(), iris.signature, iris.classes, iris.samples, softmax.FitOptions{MaxIterations: most})
		var short *softmax.NotConvergedError
		if !errors.As(err, &short) || result != nil {
			t.Fatalf("result %v, error %v, expected a *NotConvergedError", result, err)
		}
		got := short.Result
		if got.Iterations != most || got.Converged || got.Model == nil || short.Cause != nil {
			t.Errorf("at most %d: %+v, cause %v", most, got, short.Cause)
		}
		if start := 150 * math.Log(3); !(got.Objective < start) {
			t.Errorf("at most %d: objective %v, expected less than %v", most, got.Objective, start)
		}
		if want := fmt.Sprintf("the fit has not converged after %d iterations", most); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %q, expected %q", err, want)
		}
	}
}

// A tolerance that no arithmetic meets: the fit ends of itself and says what kept it.
func TestFitAtTheFloorOfRounding(t *testing.T) {
	t.Parallel()
	iris := readTable(t, "iris")
	_, err := softmax.Fit(context.Background(), iris.signature, iris.classes, iris.samples, softmax.FitOptions{Tolerance: 1e-300})
	var short *softmax.NotConvergedError
	if !errors.As(err, &short) {
		t.Fatalf("error %v, expected a *NotConvergedError", err)
	}
	if short.Cause == nil || !errors.Is(err, short.Cause) || short.Result.Iterations > 2000 {
		t.Errorf("cause %v after %d iterations", short.Cause, short.Result.Iterations)
	}
	if short.Result.GradientMax > 1e-9 {
		t.Errorf("stopped at a gradient of %v", short.Result.GradientMax)
	}
}

func TestFitIsDeterministic(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"iris", "breast_cancer_std"} {
		data := readTable(t, name)
		want := data.fit(t, softmax.FitOptions{})
		for range 3 {
			got := data.fit(t, softmax.FitOptions{})
			if !reflect.DeepEqual(got.Model.Definition(), want.Model.Definition()) ||
				got.Iterations != want.Iterations || got.Objective != want.Objective || got.GradientMax != want.GradientMax {
				t.Errorf("%s: fits of the same rows differ", name)
			}
		}
	}
}

func TestFitLeavesItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	iris := readTable(t, "iris")
	iris.weigh(t, "1+(i%3)")
	rows, labels, weights := slices.Clone(iris.samples.Rows), slices.Clone(iris.samples.Labels), slices.Clone(iris.samples.Weights)
	result := iris.fit(t, softmax.FitOptions{MaxIterations: 500})
	if !slices.Equal(rows, iris.samples.Rows) || !slices.Equal(labels, iris.samples.Labels) || !slices.Equal(weights, iris.samples.Weights) {
		t.Error("the samples changed")
	}
	want := result.Model.Definition()
	clear(iris.samples.Rows)
	iris.classes[0] = "spoilt"
	if !reflect.DeepEqual(result.Model.Definition(), want) {
		t.Error("the model shares memory with the arguments")
	}
}

func TestReferenceIsTheMeanOfTheEncodedRows(t *testing.T) {
	t.Parallel()
	data := table{signature: newSignature(t, mixed()), classes: []string{"no", "yes"}, samples: six()}
	for name, test := range map[string]struct {
		weights []float64
		want    []float64
	}{
		"plain":    {nil, []float64{3.5, 1. / 3, 1. / 3, 1. / 3, 35, .5, .5}},
		"weighted": {[]float64{1, 0, 0, 3, 0, 0}, []float64{3.25, 1, 0, 0, 52.5, .25, .75}},
	} {
		for _, plain := range []bool{false, true} {
			data.samples.Weights = test.weights
			got := data.fit(t, softmax.FitOptions{NoIntercept: plain}).Model.Definition().Reference
			if farthest(got, test.want) > 1e-14 {
				t.Errorf("%s: reference %v, expected %v", name, got, test.want)
			}
		}
	}
}
