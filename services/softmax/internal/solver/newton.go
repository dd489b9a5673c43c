package solver

import (
	"context"
	"math"
)

// newton minimises by steps that solve for the whole Hessian: few iterations, whatever the units
// and correlations of the columns, where the matrix is small enough. Where it takes much longer than
// a pass, each is followed by steps of L-BFGS in its metric, as long as these do well.
func newton(ctx context.Context, r *run) error {
	if err := r.begin(ctx, r.options.Start); err != nil {
		return err
	}
	return r.newtonSteps(ctx)
}

// newtonSteps takes steps of newton from where the run is until it is over.
func (r *run) newtonSteps(ctx context.Context) error {
	p := r.problem
	direction, reuses := make([]float64, p.Size()), p.reuses()
	var factor cholesky
	for !r.over() {
		h, err := p.Hessian(ctx)
		if err != nil {
			return err
		}
		factor.factorise(h, p.Size(), p.ridge())
		p.newtonDirection(direction, r.gradient, &factor)
		known := history{metric: &factor}
		if reuses > 0 {
			known.mark(r)
		}
		if found, err := r.stretched(ctx, direction); err != nil {
			return err
		} else if !found {
			r.stall()
		} else if err := r.reuse(ctx, &known, reuses); err != nil {
			return err
		}
	}
	return nil
}

// reuses is how many steps in the metric of one Hessian are worth a try: they cost a pass each.
func (p *Problem) reuses() int {
	const most = 8
	n := p.Size()
	hessian := (p.count*p.columns*p.columns*p.pairs() + n*n*n/3) / gramSpeed
	return min(most, hessian/(3*p.plan.work))
}

// reuse takes some steps of L-BFGS after one from the mark, as long as the gradient becomes smaller.
func (r *run) reuse(ctx context.Context, known *history, steps int) error {
	for last := math.Inf(1); steps > 0 && !r.over() && maxNorm(r.gradient) < last; steps-- {
		last = maxNorm(r.gradient)
		known.remember(r)
		if found, err := known.step(ctx, r); err != nil || !found {
			return err
		}
	}
	return nil
}

// ridge is what is added to the diagonals of Hessians, as a share of them, against rounding.
// Without a penalty, columns that are sums of others leave the matrix singular.
func (p *Problem) ridge() float64 {
	if p.strength == 0 {
		return 1e-12
	}
	return 1e-15
}

// newtonDirection writes minus the gradient, solved for the matrix of the factor.
func (p *Problem) newtonDirection(direction, gradient []float64, factor *cholesky) {
	byClass := make([]float64, len(direction))
	p.toClasses(byClass, gradient)
	factor.solve(byClass)
	for j := range p.columns {
		for k := range p.free {
			direction[j*p.free+k] = -byClass[k*p.columns+j]
		}
	}
	p.centreClasses(direction)
}

// toClasses writes variables class by class.
func (p *Problem) toClasses(dst, x []float64) {
	for j := range p.columns {
		for k := range p.free {
			dst[k*p.columns+j] = x[j*p.free+k]
		}
	}
}
