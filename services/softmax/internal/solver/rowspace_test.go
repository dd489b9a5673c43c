package solver

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// wide is a problem of far more columns than rows.
func wide(workers int) Config {
	return config(shape{rows: 200, features: 900, classes: 4, form: made, workers: workers})
}

func TestFewRowsAreFittedInTheirSpace(t *testing.T) {
	t.Parallel()
	for name, sh := range map[string]shape{
		"dense":                     {rows: 200, features: 900, classes: 4, form: made},
		"sparse":                    {rows: 70, features: 1500, classes: 4, form: sparseRows},
		"sparse, many classes":      {rows: 90, features: 1500, classes: 12, form: sparseRows},
		"sparse, weighted":          {rows: 70, features: 1500, classes: 4, form: sparseRows, weighted: true},
		"sparse, without intercept": {rows: 70, features: 1500, classes: 4, form: sparseRows, noIntercept: true},
		"sparse, of two classes":    {rows: 30, features: 900, classes: 2, form: sparseRows},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want *Result
			for _, workers := range []int{1, 2, 7, 7} {
				sh.workers = workers
				got, err := Minimise(t.Context(), problem(t, config(sh)), Options{Tolerance: 1e-9, MaxIterations: 100})
				if err != nil || got.Method != "row-space" || !got.Converged || got.Gap > 1e-11*got.Objective {
					t.Fatalf("got %+v, %v", got, err)
				}
				if want == nil {
					want = got
				}
				if !slices.Equal(got.X, want.X) || got.Objective != want.Objective {
					t.Errorf("with %d workers: %.17g, with one %.17g", workers, got.Objective, want.Objective)
				}
			}
			if want.Passes > 10 {
				t.Errorf("took %v passes over all columns", want.Passes)
			}
			warm, err := Minimise(t.Context(), problem(t, config(sh)), Options{Tolerance: 1e-9, MaxIterations: 100, Start: want.X})
			if err != nil || !warm.Converged || warm.Iteration > 1 {
				t.Errorf("from the minimum: got %d iterations, %v", warm.Iteration, err)
			}
		})
	}
}

// Where a pass over the rows is short, their space is not worth what it takes.
func TestSparseRowsWithFewValuesAreNotFittedInTheirSpace(t *testing.T) {
	t.Parallel()
	for _, sh := range []shape{
		{rows: 200, features: 900, classes: 12, form: sparseRows},
		{rows: 33, features: 2000, classes: 2, form: sparseRows},
	} {
		if problem(t, config(sh)).spans() {
			t.Errorf("%+v is fitted in the space of its rows", sh)
		}
	}
}

func TestFewRowsStopWithTheirContext(t *testing.T) {
	t.Parallel()
	dense, _ := wide(1).Rows.(blocks)
	for _, after := range []int{1, 50, 300, 500} {
		ctx, cancel := context.WithCancel(t.Context())
		left := after
		c := wide(1)
		c.Rows = stopping{dense, cancel, &left}
		p, err := New(ctx, c)
		if err == nil {
			_, err = Minimise(ctx, p, Options{Tolerance: 1e-13, MaxIterations: 100})
		}
		if left <= 0 && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at block %d: %v", after, err)
		}
		cancel()
	}
}

func TestFewRowsThatAreAlike(t *testing.T) {
	t.Parallel()
	for _, value := range []float64{0, 7} {
		values := make([]float64, 3*8)
		for i := range values {
			values[i] = value
		}
		c := Config{Rows: Dense{Values: values, Columns: 8}, Labels: []int{0, 1, 1}, Classes: 2, Intercept: true, C: 1, Workers: 1}
		got, err := Minimise(t.Context(), problem(t, c), Options{Tolerance: 1e-9, MaxIterations: 100})
		if err != nil || !got.Converged {
			t.Errorf("of %v: got %+v, %v", value, got, err)
		}
	}
}
