package solver

import (
	"context"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/optimize"
)

// methods are those for the squares' penalty, whatever the policy makes of the shape.
func methods() []method {
	kron := func(rows int) func(context.Context, *Problem) (preconditioner, error) {
		return func(ctx context.Context, p *Problem) (preconditioner, error) { return newKronecker(ctx, p, rows) }
	}
	bare := func(context.Context, *Problem) (preconditioner, error) { return plain{}, nil }
	return []method{
		{name: "newton", minimise: newton, curves: true, idle: 10},
		{name: "plain newton-cg", minimise: newtonCG(bare), curves: true, idle: 10},
		{name: "newton-cg", minimise: newtonCG(kron(1 << 20)), curves: true, idle: 10},
		{name: "newton-cg, sampled", minimise: newtonCG(kron(500)), curves: true, idle: 10},
		{name: "sampled", minimise: sampled, idle: 50},
	}
}

// methodsFor are the methods for a shape: that of few rows is no use with many.
func methodsFor(sh shape) []method {
	if sh.rows > maxSpan {
		return methods()
	}
	return append(methods(), method{name: "row-space", minimise: rowSpace, curves: true, idle: 10})
}

func solve(t testing.TB, p *Problem, m method, o Options) *Result {
	t.Helper()
	if o.Tolerance == 0 {
		o.Tolerance = 1e-11
	}
	if o.MaxIterations == 0 {
		o.MaxIterations = 1000
	}
	result, err := minimise(context.Background(), p, o, m)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// reference is the minimum by gonum's L-BFGS, which shares no line with the methods.
func reference(t testing.TB, p *Problem) float64 {
	t.Helper()
	problem := optimize.Problem{
		Func: func(x []float64) float64 { value, _ := evaluate(t, p, x); return value },
		Grad: func(g, x []float64) { _, gradient := evaluate(t, p, x); copy(g, gradient) },
	}
	settings := &optimize.Settings{GradientThreshold: 1e-8, MajorIterations: 3000, Converger: optimize.NeverTerminate{}}
	result, err := optimize.Minimize(problem, make([]float64, p.Size()), settings, &optimize.LBFGS{Store: 40})
	if err != nil && result == nil {
		t.Fatal(err)
		return 0
	}
	return result.F
}

func TestMethodsAgree(t *testing.T) {
	t.Parallel()
	for _, sh := range []shape{
		{rows: 300, features: 6, classes: 2},
		{rows: 300, features: 6, classes: 4, weighted: true},
		{rows: 400, features: 5, classes: 3, noIntercept: true, c: 100},
		{rows: 2500, features: 60, classes: 3, c: 0.1},
		{rows: 2500, features: 60, classes: 2, form: far},
		{rows: 2500, features: 60, classes: 3, form: made, weighted: true},
		{rows: 40, features: 80, classes: 3}, // more columns than rows
		{rows: 40, features: 80, classes: 2, form: far, weighted: true},
		{rows: 60, features: 200, classes: 3, form: made, noIntercept: true},
	} {
		t.Run(sh.String(), func(t *testing.T) {
			t.Parallel()
			least := reference(t, problem(t, config(sh)))
			var first *Result
			for _, m := range methodsFor(sh) {
				p := problem(t, config(sh))
				got := solve(t, p, m, Options{})
				if !got.Converged {
					t.Errorf("%s: not converged after %d iterations: %v", m.name, got.Iteration, got.Stalled)
				}
				if value := got.Objective / p.total; math.Abs(value-least) > 1e-9*least || value > least*(1+1e-12) {
					t.Errorf("%s: value %.15g, gonum finds %.15g", m.name, value, least)
				}
				if first == nil {
					first = got
				}
				if off := farthest(got.X, first.X); off > 1e-7 {
					t.Errorf("%s: variables are %v apart", m.name, off)
				}
			}
		})
	}
}

// The result is the same to the last bit for any number of goroutines, and each time. The shapes
// have work enough for several.
func TestTheNumberOfWorkersChangesNothing(t *testing.T) {
	t.Parallel()
	for _, sh := range []shape{
		{rows: 6000, features: 40, classes: 3},
		{rows: 12000, features: 40, classes: 2, form: far, weighted: true},
		{rows: 12000, features: 70, classes: 4, form: sparseRows},
		{rows: 6000, features: 40, classes: 3, form: single},
		{rows: 6000, features: 40, classes: 3, form: made},
	} {
		t.Run(sh.String(), func(t *testing.T) {
			t.Parallel()
			candidates := methodsFor(sh)
			if sh.form == sparseRows {
				candidates = candidates[1:2]
			}
			for _, m := range candidates {
				var want *Result
				for _, workers := range []int{1, 2, 7, 7} {
					sh.workers = workers
					p := problem(t, config(sh))
					if p.plan.work < serialWork || p.plan.shards < 3 {
						t.Fatalf("work %d in %d shards: too little to share", p.plan.work, p.plan.shards)
					}
					got := solve(t, p, m, Options{})
					if want == nil {
						want = got
					}
					if !slices.Equal(got.X, want.X) || !slices.Equal(got.Gradient, want.Gradient) ||
						got.Objective != want.Objective || got.Gap != want.Gap || got.Iteration != want.Iteration {
						t.Errorf("%s with %d workers: %.17g after %d iterations, with one %.17g after %d",
							m.name, workers, got.Objective, got.Iteration, want.Objective, want.Iteration)
					}
				}
			}
		})
	}
}

// A good start saves iterations, a bad one costs nothing but a pass.
func TestStart(t *testing.T) {
	t.Parallel()
	sh := shape{rows: 2500, features: 60, classes: 3}
	for _, m := range methods() {
		p := problem(t, config(sh))
		cold := solve(t, p, m, Options{})
		warm := solve(t, p, m, Options{Start: cold.X})
		if warm.Iteration > 1 || !warm.Converged {
			t.Errorf("%s: %d iterations from the minimum", m.name, warm.Iteration)
		}
		astray := solve(t, p, m, Options{Start: point(p, 8, 1e6)})
		if !astray.Converged || astray.Iteration > 3*cold.Iteration+10 || farthest(astray.X, cold.X) > 1e-7 {
			t.Errorf("%s: %d iterations from afar, %d from zeros", m.name, astray.Iteration, cold.Iteration)
		}
	}
}

// stopping ends its context when so many blocks were asked for, and counts those after.
type stopping struct {
	blocks
	cancel func()
	left   *int
}

func (s stopping) Block(scratch []float64, from, to int) []float64 {
	if *s.left--; *s.left == 0 {
		s.cancel()
	}
	return s.blocks.Block(scratch, from, to)
}

func TestMethodsStopWithinABlock(t *testing.T) {
	t.Parallel()
	sh := shape{rows: 8000, features: 70, classes: 3, workers: 1}
	dense, _ := config(sh).Rows.(Dense)
	for _, m := range methods() {
		for _, after := range []int{1, 7, 50, 400} {
			ctx, cancel := context.WithCancel(context.Background())
			left := after
			c := config(sh)
			c.Rows = stopping{blocks{dense}, cancel, &left}
			p, err := New(ctx, c)
			if err == nil {
				_, err = minimise(ctx, p, Options{Tolerance: 1e-13, MaxIterations: 1000}, m)
			}
			if left > 0 && after > 50 {
				cancel()
				continue // it was done before
			}
			if err != context.Canceled || left < -300 {
				t.Errorf("%s, cancelled at block %d: %v, %d blocks later", m.name, after, err, -left)
			}
			cancel()
		}
	}
}

func TestRunEndsWhenNothingIsGained(t *testing.T) {
	t.Parallel()
	const patience = 20
	for name, test := range map[string]struct {
		step func(r *run, iteration int)
		idle bool
	}{
		"nothing moves":          {func(*run, int) {}, true},
		"values waver":           {func(r *run, i int) { r.value = 1 + 1e-13*float64(i%3) }, true},
		"gradients waver":        {func(r *run, i int) { r.next.gradient[0] = 1 + float64(i%7) }, true},
		"the objective falls":    {func(r *run, _ int) { r.value *= 1 - 1e-6 }, false},
		"a slow fall":            {func(r *run, _ int) { r.value *= 1 - 1e-13 }, false},
		"only the gradient does": {func(r *run, _ int) { r.next.gradient[0] *= 0.999 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := problem(t, config(shape{rows: 30, features: 2, classes: 3}))
			r := newRun(p, Options{Tolerance: 1e-11, MaxIterations: 300}, method{idle: patience})
			r.value, r.gradient[0] = 1, 1
			r.note()
			for i := 0; !r.over(); i++ {
				copy(r.next.gradient, r.gradient)
				test.step(r, i)
				r.move(r.value)
			}
			if test.idle != (r.stalled != nil) || test.idle && r.progress.Iteration > 2*patience {
				t.Errorf("stalled %v after %d iterations", r.stalled, r.progress.Iteration)
			}
		})
	}
}
