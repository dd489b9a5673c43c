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
	stretch     float64                         // how long the last step of stretched should have been
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
	r.note()
	return nil
}

// note takes note of value and gradient at x.
func (r *run) note() {
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
	found, err := r.search(ctx, direction, first)
	if err != nil || !found.accepted {
		return false, err
	}
	r.move(found.value)
	return true, nil
}

// stretched is step along a direction of Newton's. Far from the minimum, where the curvature falls
// along the way, such a direction ends too early, and about as much too early as the one before:
// the first step to try is what should have been the last. Where the slope at its end is still
// far from 0, the step at which the line through the two slopes is 0 is tried too.
func (r *run) stretched(ctx context.Context, direction []float64) (bool, error) {
	first := 1.0
	if r.stretch >= 1.3 {
		first = r.stretch
	}
	found, err := r.search(ctx, direction, first)
	if err != nil || !found.accepted {
		return false, err
	}
	r.stretch = 1
	if r.value-found.value > 1e-9*math.Abs(found.value) && found.left < 1 {
		r.stretch = min(found.step/(1-found.left), 2*found.step)
	}
	if math.Abs(found.left) > 0.25 && r.stretch != 1 {
		better, err := r.try(ctx, direction, r.stretch)
		if err != nil {
			return false, err
		}
		if better < found.value {
			found.value = better
		} else if _, err := r.try(ctx, direction, found.step); err != nil {
			return false, err
		}
	}
	r.move(found.value)
	return true, nil
}

// found is what a search along a direction ends with: the point is in next.
type found struct {
	accepted    bool
	step, value float64
	left        float64 // the slope there, as a share of that at the start
}

func (r *run) search(ctx context.Context, direction []float64, first float64) (found, error) {
	slope := floats.Dot(direction, r.gradient)
	if !(slope < 0) || !finite(direction) {
		return found{}, nil
	}
	search := newSearch(r.value, slope, first)
	for {
		value, err := r.try(ctx, direction, search.step)
		if err != nil {
			return found{}, err
		}
		step, left := search.step, floats.Dot(direction, r.next.gradient)
		accepted, more := search.try(value, left)
		if accepted || !more {
			return found{accepted, step, value, left / slope}, nil
		}
	}
}

// try evaluates a point along a direction, which is next then.
func (r *run) try(ctx context.Context, direction []float64, step float64) (float64, error) {
	floats.AddScaledTo(r.next.x, r.x, step, direction)
	return r.problem.Evaluate(ctx, r.next.x, r.next.gradient)
}

// move makes the point that was looked at the next iteration.
func (r *run) move(value float64) {
	r.x, r.next.x = r.next.x, r.x
	r.gradient, r.next.gradient = r.next.gradient, r.gradient
	r.value = value
	r.note()
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
