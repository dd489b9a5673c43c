package solver

import "context"

// newton minimises by steps that solve for the whole Hessian: few iterations, whatever the units
// and correlations of the columns, where the matrix is small enough.
func newton(ctx context.Context, r *run) error {
	if err := r.begin(ctx, r.options.Start); err != nil {
		return err
	}
	return r.newtonSteps(ctx)
}

// newtonSteps takes steps of newton from where the run is until it is over.
func (r *run) newtonSteps(ctx context.Context) error {
	p := r.problem
	direction := make([]float64, p.Size())
	var factor cholesky
	for !r.over() {
		h, err := p.Hessian(ctx)
		if err != nil {
			return err
		}
		factor.factorise(h, p.Size(), p.ridge())
		p.newtonDirection(direction, r.gradient, &factor)
		if found, err := r.stretched(ctx, direction); err != nil {
			return err
		} else if !found {
			r.stall()
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
