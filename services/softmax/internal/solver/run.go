package solver

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
)

// run is one minimisation: where it is, how far it came, and whether it is over.
type run struct {
	problem *Problem
	options Options
	method  method

	x, gradient []float64
	value       float64
	astray      bool                            // the start was worse than zeros
	next        struct{ x, gradient []float64 } // where the line search looks
	progress    Progress
	converged   bool // the tolerance was met
	proving     int  // iterations since, to bring the bound on the gap down too
	done        bool
	stalled     error

	// lowest are the smallest value and gradient so far; idle counts the iterations since one of
	// them fell.
	lowest struct{ value, gradient float64 }
	idle   int
}

func newRun(p *Problem, o Options, m method) *run {
	n := p.Size()
	r := &run{problem: p, options: o, method: m, x: make([]float64, n), gradient: make([]float64, n)}
	r.next.x, r.next.gradient = make([]float64, n), make([]float64, n)
	r.lowest.value, r.lowest.gradient = math.Inf(1), math.Inf(1)
	return r
}

// begin evaluates the start, nil for zeros. One that is no better than zeros gives way to them.
func (r *run) begin(ctx context.Context, start []float64) error {
	if start != nil {
		copy(r.x, start)
		r.problem.centreClasses(r.x)
	}
	r.problem.keep = r.method.curves
	var err error
	if r.value, err = r.problem.Evaluate(ctx, r.x, r.gradient); err != nil {
		return err
	}
	if r.astray = start != nil && !(r.value <= r.problem.valueAtZero()); r.astray {
		clear(r.x)
		if r.value, err = r.problem.Evaluate(ctx, r.x, r.gradient); err != nil {
			return err
		}
	}
	r.look()
	return nil
}

// look takes note of value and gradient at x.
func (r *run) look() {
	largest := maxNorm(r.gradient)
	if largest <= r.options.Tolerance {
		r.converged = true
		r.proving++
		r.done = r.proved() || r.problem.strength == 0 || r.proving > maxProving
	}
	r.progress.Objective = r.value * r.problem.total
	r.progress.GradientMax = r.problem.GradientMax(r.gradient)
	r.idle++
	if r.value < r.lowest.value-valueRounding*math.Abs(r.value) {
		r.lowest.value, r.idle = r.value, 0
	}
	if largest < r.lowest.gradient {
		r.lowest.gradient, r.idle = largest, 0
	}
}

// proved reports whether the weights' part of the gap is as small as was asked for, and the
// intercepts' derivatives are small beside the objective: where most rows have their class almost
// for certain, little curvature is left, and a small derivative says little.
func (r *run) proved() bool {
	p, small := r.problem, r.options.Tolerance*r.value
	if p.intercept {
		if _, sum := p.interceptGradient(r.gradient); sum > 100*small {
			return false
		}
	}
	return p.weightGap(r.gradient) <= small
}

// maxProving is how many iterations a run may make for its certificate once the gradient is as
// small as was asked for.
const maxProving = 5

// over reports whether the run is to end.
func (r *run) over() bool {
	return r.done || r.stalled != nil || r.progress.Iteration >= r.options.MaxIterations
}

// step searches along a direction, a step of 1 at first, and makes what it finds the next
// iteration. It returns false where the search finds nothing, and the run stays where it is.
func (r *run) step(ctx context.Context, direction []float64, first float64) (bool, error) {
	slope := floats.Dot(direction, r.gradient)
	if !(slope < 0) || !finite(direction) {
		return false, nil
	}
	search := newSearch(r.value, slope, first)
	for {
		floats.AddScaledTo(r.next.x, r.x, search.step, direction)
		value, err := r.problem.Evaluate(ctx, r.next.x, r.next.gradient)
		if err != nil {
			return false, err
		}
		accepted, more := search.try(value, floats.Dot(direction, r.next.gradient))
		if accepted {
			r.move(value)
			return true, nil
		}
		if !more {
			return false, nil
		}
	}
}

// move makes the point that was looked at the next iteration.
func (r *run) move(value float64) {
	r.x, r.next.x = r.next.x, r.x
	r.gradient, r.next.gradient = r.next.gradient, r.gradient
	r.value = value
	r.look()
	r.progress.Iteration++
	if r.options.Report != nil {
		r.options.Report(r.progress)
	}
	if !r.done && r.idle >= r.method.idle {
		r.stalled = ErrIdle
	}
}

// stall ends the run for want of a direction that leads anywhere.
func (r *run) stall() { r.stalled = ErrIdle }
