package softmax

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// solver minimises an objective from weights of zero. It is the converger that optimize asks
// after every iteration.
type solver struct {
	objective *objective
	options   FitOptions

	x         []float64 // the variables after the last iteration
	started   bool      // whether the first point of this run was seen
	progress  FitProgress
	converged bool
	stalled   error // why the solver stopped, if neither converged nor out of iterations

	// lowest are the smallest value and gradient so far; idle counts the iterations since one of
	// them fell.
	lowest struct{ value, gradient float64 }
	idle   int
}

// maxIdle is how many iterations may pass without anything gained. At the floor of rounding,
// steps still look like descent to a search that goes by slopes.
const maxIdle = 200

var errIdle = errors.New("softmax: neither the objective nor its gradient become any smaller")

// historyPairs is how many steps the solver remembers. More of them save evaluations, which
// cost more than the pairs do on all but the smallest sets.
const historyPairs = 60

func newSolver(o *objective, options FitOptions) *solver {
	s := &solver{objective: o, options: options, x: make([]float64, o.size())}
	s.lowest.value, s.lowest.gradient = math.Inf(1), math.Inf(1)
	return s
}

// minimise runs the solver until it converges, stalls or has made all its iterations. Where
// L-BFGS stalls, its memory may be at fault: it starts afresh from where it is, as long as that
// gets it anywhere.
func (s *solver) minimise(ctx context.Context) error {
	problem := optimize.Problem{
		Func: s.objective.Func,
		Grad: s.objective.Grad,
		Status: func() (optimize.Status, error) {
			return optimize.NotTerminated, ctx.Err()
		},
	}
	for {
		before := s.progress.Iteration
		method := &optimize.LBFGS{Linesearcher: &slopeSearch{}, Store: historyPairs, GradStopThreshold: math.NaN()}
		_, err := optimize.Minimize(problem, slices.Clone(s.x), &optimize.Settings{Converger: s}, method)
		if ctx.Err() != nil && !s.converged {
			return ctx.Err()
		}
		if err == nil || s.converged {
			return nil
		}
		if s.progress.Iteration == before {
			s.stalled = err
			return nil
		}
	}
}

// Init is called by optimize at the start of a run.
func (s *solver) Init(int) { s.started = false }

// Converged is called by optimize with the first point of a run and after each iteration.
func (s *solver) Converged(location *optimize.Location) optimize.Status {
	copy(s.x, location.X)
	s.progress.Objective = location.F * s.objective.total
	s.progress.GradientMax = s.gradientMax(location.Gradient)
	gradient := floats.Norm(location.Gradient, math.Inf(1))
	s.converged = gradient <= s.options.Tolerance
	s.watch(location.F, gradient)
	if s.started {
		s.progress.Iteration++
		if s.options.Progress != nil {
			s.options.Progress(s.progress)
		}
	}
	s.started = true
	switch {
	case s.converged:
		return optimize.GradientThreshold
	case s.progress.Iteration >= s.options.MaxIterations:
		return optimize.IterationLimit
	case s.idle >= maxIdle:
		s.stalled = errIdle
		return optimize.FunctionConvergence
	}
	return optimize.NotTerminated
}

// watch counts the iterations that gain nothing.
func (s *solver) watch(value, gradient float64) {
	s.idle++
	if value < s.lowest.value-valueRounding*math.Abs(value) {
		s.lowest.value, s.idle = value, 0
	}
	if gradient < s.lowest.gradient {
		s.lowest.gradient, s.idle = gradient, 0
	}
}

// gradientMax returns the largest derivative by a weight or an intercept of the model.
func (s *solver) gradientMax(gradient []float64) float64 {
	o := s.objective
	var largest float64
	for k := range o.free {
		g := o.vector(gradient, k)
		var byIntercept float64
		if o.intercept {
			byIntercept = o.total * g[o.columns-1] / o.scale[o.columns-1]
		}
		for c := range g {
			largest = max(largest, math.Abs(o.total*g[c]/o.scale[c]+byIntercept*o.shift[c]))
		}
	}
	return largest
}

// definition returns the model that the solver's weights stand for.
func (s *solver) definition(signature *Signature, classes []string) Definition {
	o, width := s.objective, signature.Width()
	weights := make([]float64, len(classes)*width)
	intercepts := make([]float64, len(classes))
	first := len(classes) - o.free
	for k := range o.free {
		x := o.vector(s.x, k)
		own := weights[(first+k)*width : (first+k+1)*width]
		var atShift float64
		for c := range own {
			own[c] = x[c] * o.scale[c]
			atShift += own[c] * o.shift[c]
		}
		if o.intercept {
			intercepts[first+k] = x[width]*o.scale[width] - atShift
		}
	}
	if o.intercept && first == 0 {
		centre(intercepts)
	}
	return Definition{
		Signature: signature, Classes: classes,
		Weights: weights, Intercepts: intercepts, Reference: o.mean,
	}
}

func centre(values []float64) {
	var mean float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for i := range values {
		values[i] -= mean
	}
}
