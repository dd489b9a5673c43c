package solver

import (
	"context"
	"math"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// preconditioner approximates the Hessian by what is quickly solved for.
type preconditioner interface {
	// refresh is called with a new point, the one evaluated last.
	refresh(ctx context.Context, x []float64) error
	// apply solves for r.
	apply(dst, r []float64)
}

// plain takes the Hessian for the identity, which it is along each variable where all are 0.
type plain struct{}

func (plain) refresh(context.Context, []float64) error { return nil }

func (plain) apply(dst, r []float64) { copy(dst, r) }

// newtonCG minimises by steps that solve for the Hessian by conjugate gradients, as exactly as
// the way left to go is worth: an iteration of theirs is a pass over the rows, and the matrix is
// never made.
func newtonCG(prepare func(ctx context.Context, p *Problem) (preconditioner, error)) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		if err := r.begin(ctx, r.options.Start); err != nil || r.over() {
			return err
		}
		return r.conjugateSteps(ctx, prepare)
	}
}

// conjugateSteps takes steps of newtonCG from where the run is until it is over.
func (r *run) conjugateSteps(ctx context.Context, prepare func(ctx context.Context, p *Problem) (preconditioner, error)) error {
	pre, err := prepare(ctx, r.problem)
	if err != nil {
		return err
	}
	c := newConjugate(r.problem.Size())
	small := r.problem.sparse == nil && r.problem.Size() <= maxNewton
	for !r.over() {
		if small && r.progress.Iteration >= maxInexact {
			return r.resume(ctx)
		}
		found, err := r.conjugateStep(ctx, c, pre)
		if err != nil {
			return err
		}
		if !found {
			r.stall()
		}
		if small && r.stalled != nil && !r.converged {
			return r.resume(ctx)
		}
	}
	return nil
}

// maxInexact is how many steps conjugate gradients are given where newton could do: columns that
// are nearly sums of others can make them many.
const maxInexact = 50

// resume goes on with newton, at the point where the run is.
func (r *run) resume(ctx context.Context) error {
	r.stalled, r.idle = nil, 0
	if _, err := r.problem.Evaluate(ctx, r.x, r.next.gradient); err != nil {
		return err
	}
	return r.newtonSteps(ctx)
}

// conjugateStep takes a step that solves for the Hessian approximately.
func (r *run) conjugateStep(ctx context.Context, c *conjugate, pre preconditioner) (found bool, err error) {
	if err := pre.refresh(ctx, r.x); err != nil {
		return false, err
	}
	before := c.norm
	c.begin(r, pre)
	if err := c.solve(ctx, r.problem, pre, r.forcing(c.norm, before)); err != nil {
		return false, err
	}
	return r.stretched(ctx, c.x)
}

// forcing returns how far the conjugate gradients are to bring the residual down: the better the
// last step did, the further, in the manner of Eisenstat and Walker 1996, but not beyond what the
// tolerance asks for.
func (r *run) forcing(norm, before float64) float64 {
	const most, least = 0.4, 1e-4
	share := most
	if before > 0 {
		share = min(most, 0.7*norm/before)
	}
	enough := 0.3 * r.options.Tolerance / maxNorm(r.gradient)
	return max(share, least, min(enough, most))
}

// conjugate is the memory of preconditioned conjugate gradients.
type conjugate struct {
	x, residual, direction []float64
	product, solved        []float64 // those of the run that only its line search needs
	rho                    float64   // residual · solved
	norm                   float64   // its root at the start, 0 before there was one
}

func newConjugate(n int) *conjugate {
	return &conjugate{x: make([]float64, n), residual: make([]float64, n), direction: make([]float64, n)}
}

// begin sets out from 0 for the solution of H·x = -gradient.
func (c *conjugate) begin(r *run, pre preconditioner) {
	c.product, c.solved = r.next.x, r.next.gradient
	clear(c.x)
	clear(c.residual)
	kernel.AddScaled(c.residual, -1, r.gradient)
	pre.apply(c.solved, c.residual)
	copy(c.direction, c.solved)
	c.rho = kernel.Dot(c.residual, c.solved)
	c.norm = math.Sqrt(max(0, c.rho))
}

// maxConjugate bounds the passes for one step: an inexact step beats an endless one.
const maxConjugate = 200

func (c *conjugate) solve(ctx context.Context, p *Problem, pre preconditioner, share float64) error {
	goal := c.rho * share * share
	for range maxConjugate {
		if err := p.Product(ctx, c.product, c.direction); err != nil {
			return err
		}
		curvature := kernel.Dot(c.direction, c.product)
		if !(curvature > 0) || !(c.rho > 0) {
			return nil
		}
		step := c.rho / curvature
		kernel.AddScaled(c.x, step, c.direction)
		kernel.AddScaled(c.residual, -step, c.product)
		pre.apply(c.solved, c.residual)
		rho := kernel.Dot(c.residual, c.solved)
		if rho <= goal {
			return nil
		}
		kernel.ScaleAdd(c.direction, rho/c.rho, c.solved)
		c.rho = rho
	}
	return nil
}
