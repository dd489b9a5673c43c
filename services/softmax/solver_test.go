package softmax

import (
	"slices"
	"testing"

	"gonum.org/v1/gonum/optimize"
)

func TestSolverStopsWhenNothingIsGained(t *testing.T) {
	t.Parallel()
	o, _ := sampleObjective(t, 3, FitOptions{})
	for name, test := range map[string]struct {
		step func(l *optimize.Location, iteration int)
		idle bool
	}{
		"nothing moves":          {func(*optimize.Location, int) {}, true},
		"values waver":           {func(l *optimize.Location, i int) { l.F = 1 + 1e-13*float64(i%3) }, true},
		"gradients waver":        {func(l *optimize.Location, i int) { l.Gradient[0] = 1 + float64(i%7) }, true},
		"the objective falls":    {func(l *optimize.Location, _ int) { l.F *= 1 - 1e-6 }, false},
		"a slow fall":            {func(l *optimize.Location, _ int) { l.F *= 1 - 1e-13 }, false},
		"only the gradient does": {func(l *optimize.Location, _ int) { l.Gradient[0] *= 0.999 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSolver(o, FitOptions{Tolerance: 1e-11, MaxIterations: 1000})
			l := &optimize.Location{X: make([]float64, o.size()), F: 1, Gradient: slices.Repeat([]float64{1e-3}, o.size())}
			l.Gradient[0] = 1
			s.Init(0)
			status := s.Converged(l)
			for i := 0; status == optimize.NotTerminated; i++ {
				test.step(l, i)
				status = s.Converged(l)
			}
			if test.idle && (status != optimize.FunctionConvergence || s.stalled == nil || s.progress.Iteration > 2*maxIdle) {
				t.Errorf("%v after %d iterations, stalled: %v", status, s.progress.Iteration, s.stalled)
			}
			if !test.idle && (status != optimize.IterationLimit || s.stalled != nil || s.progress.Iteration != 1000) {
				t.Errorf("%v after %d iterations, stalled: %v", status, s.progress.Iteration, s.stalled)
			}
		})
	}
}
