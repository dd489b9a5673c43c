package solver

import (
	"context"
	"math"
)

// choose returns the method for a problem, by its shape.
func choose(p *Problem) method {
	full := method{name: "newton", minimise: newton, curves: true, idle: 10}
	conjugate := method{name: "newton-cg", minimise: newtonCG(precondition), curves: true, idle: 10}
	if p.l1 != nil {
		if p.sparse == nil && p.Size() <= maxProximal {
			return method{name: "proximal-newton", minimise: proximalNewton, curves: true, idle: 10}
		}
		return method{name: "orthant-newton", minimise: orthantNewton, curves: true, idle: 50}
	}
	if p.spans() {
		return method{name: "row-space", minimise: rowSpace, curves: true, idle: 10}
	}
	if p.sparse != nil {
		return conjugate
	}
	if p.tall() {
		return method{name: "sampled-newton", minimise: sampled, idle: 50}
	}
	if p.factors() {
		return full
	}
	return conjugate
}

// factors reports whether a Hessian of all rows pays, rather than conjugate gradients.
func (p *Problem) factors() bool {
	work := p.conjugateWork()
	if p.strength == 0 {
		work *= 8 // nothing bounds how many passes it takes
	}
	return p.newtonWork() <= work
}

// maxProximal bounds the variables of proximalNewton.
const maxProximal = 2000

// maxNewton bounds the variables of newton: factors of larger matrices would keep a context that
// ended waiting.
const maxNewton = 1500

// newtonWork is about how many operations some iterations of newton take.
func (p *Problem) newtonWork() float64 {
	n, c := float64(p.Size()), float64(p.columns)
	if n > maxNewton {
		return math.Inf(1)
	}
	return 8 * (float64(p.count)*c*c*float64(p.pairs()) + n*n*n/3)
}

func (p *Problem) conjugateWork() float64 {
	return 120 * 4 * float64(p.count) * float64(p.columns) * float64(p.ld)
}

// precondition returns the preconditioner for a problem.
func precondition(ctx context.Context, p *Problem) (preconditioner, error) {
	c, k := float64(p.columns), float64(p.free)
	if p.sparse != nil || c*c*c*k > 2e10 || k > 256 {
		return plain{}, nil
	}
	rows := max(2*p.columns, min(3000, p.count/5))
	switch {
	case p.ready:
		rows = p.count
	case !p.recompute: // they are picked: so many that taking them in is worth two passes at most
		rows = max(rows, min(8*p.columns, p.count/8, 2*gramSpeed*p.plan.work/(p.columns*p.columns)))
	}
	return newKronecker(ctx, p, rows)
}
