// Package solver minimises the objective of a softmax classifier over its weights. It knows rows,
// labels and penalties, and neither signatures nor models.
//
// # The problem
//
// A [Problem] is the objective per unit of weight, as a function of variables in which it curves
// about as much along one as along any other, whatever the units of the columns: variable (j, k)
// times the scale of column j is the weight of that column for free class k, the columns are
// taken from their means where there is an intercept, and the intercepts come last. Variables lie
// column by column, the classes of a column side by side. Of two classes only the second is free;
// of more all are, and the solution is the one whose weights of each column sum to 0 over the
// classes, which every penalty prefers and no likelihood minds.
//
// # A method
//
// A method is a file with a function that begins a [run] and takes steps of it, by a line search
// along directions of its own (step) or to points of its own (move), until the run is over. It may
// ask the problem for
//
//   - Evaluate: value and gradient, in one pass over the rows;
//   - Product: the Hessian at the point evaluated last, times a vector, in one pass;
//   - Hessian: all of it, where that fits;
//   - sample: the same problem over a share of the rows, in the same variables;
//   - penalty, l1, scale: what the columns have beside the likelihood.
//
// To add one, write its file, and let choose in policy.go name the problems it is for. Evaluate
// and its like return the error of a context that ended, within a block of rows; a method passes
// that on and returns no other. Nothing else may depend on time, chance or the number of workers.
package solver

import (
	"context"
	"errors"
	"math"
)

// Options say when a run ends and who hears of it.
type Options struct {
	// Tolerance is for the largest derivative by a variable.
	Tolerance float64
	// MaxIterations is at least 1.
	MaxIterations int
	// Start is where to begin, in variables of the problem; nil: all 0.
	Start []float64
	// Report, unless nil, hears of each iteration.
	Report func(Progress)
}

// Progress is how far a run has come, in units of the model.
type Progress struct {
	Iteration              int
	Objective, GradientMax float64
}

// Result is where a run ended.
type Result struct {
	Progress
	// X and Gradient are the variables and the gradient there.
	X, Gradient []float64
	// Gap and Distance are those of [Problem.Certify].
	Gap, Distance float64
	// Method is the name of the method.
	Method string
	// Passes counts the passes over all rows, the smaller ones by their share.
	Passes    float64
	Converged bool
	// Stalled says why a run that did not converge ended before its last iteration.
	Stalled error
}

// ErrIdle says that rounding lets neither the objective nor its gradient become any smaller.
var ErrIdle = errors.New("softmax: neither the objective nor its gradient become any smaller")

// method minimises: it begins the run, and takes steps until that is over.
type method struct {
	name     string
	minimise func(ctx context.Context, r *run) error
	// curves says that it asks for Product or Hessian.
	curves bool
	// idle is how many iterations may pass without anything gained.
	idle int
}

// Minimise runs the method that suits the problem. The error is the context's.
func Minimise(ctx context.Context, p *Problem, o Options) (*Result, error) {
	return minimise(ctx, p, o, choose(p))
}

func minimise(ctx context.Context, p *Problem, o Options, m method) (*Result, error) {
	r := newRun(p, o, m)
	if err := m.minimise(ctx, r); err != nil {
		return nil, err
	}
	gap, distance, err := p.Certify(ctx, r.x, r.gradient, r.value)
	if err != nil {
		return nil, err
	}
	return &Result{
		Progress: r.progress,
		X:        r.x, Gradient: r.gradient,
		Gap: gap, Distance: distance,
		Method: m.name, Passes: p.passes,
		Converged: r.converged, Stalled: r.stalled,
	}, nil
}

// finite reports whether all values are.
func finite(values []float64) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}

func maxNorm(values []float64) float64 {
	var largest float64
	for _, v := range values {
		largest = max(largest, math.Abs(v))
	}
	return largest
}
