package solver

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// orthantNewton minimises where the penalty has kinks and a Hessian would be too large. Within an
// orthant the objective is smooth: a step solves for the Hessian over the variables that are not
// 0 or want to leave it, by conjugate gradients, and what would leave the orthant is put to 0 (the
// orthant-wise methods of Andrew and Gao 2007, and of Byrd, Chin, Nocedal and Oztoprak 2016).
func orthantNewton(ctx context.Context, plain *run) error {
	r := &kinked{run: plain}
	if err := r.begin(ctx); err != nil {
		return err
	}
	p := r.problem
	c := newConjugate(p.Size())
	signs := make([]float64, p.Size())
	before := 0.0
	for !r.over() {
		o := &orthant{problem: p, signs: signs, ridge: 1e-6 + 0.1*min(1, maxNorm(r.gradient))}
		o.enter(r.x, r.gradient)
		norm := floats.Norm(r.gradient, 2)
		c.beginIn(r.run, o)
		if err := c.solveIn(ctx, o, r.forcing(norm, before)); err != nil {
			return err
		}
		before = norm
		o.align(c.x, r.x, r.gradient)
		found, err := r.search(ctx,
			func(x []float64, _ float64) float64 {
				var change float64
				for i, g := range r.gradient {
					change += g * (x[i] - r.x[i])
				}
				return change
			},
			func(dst []float64, step float64) { o.project(dst, r.x, c.x, step) })
		if err != nil {
			return err
		}
		if !found {
			r.stall()
		}
	}
	r.settle()
	return nil
}

// orthant is where the objective is smooth: no variable with a kink changes its sign in it.
type orthant struct {
	problem *Problem
	signs   []float64 // of each variable with a kink: 0 keeps it at 0, and NaN says there is no kink
	ridge   float64
}

// enter chooses the orthant of x, and that into which the objective falls along what is 0.
func (o *orthant) enter(x, gradient []float64) {
	p := o.problem
	for j, weight := range p.l1 {
		for i := j * p.free; i < (j+1)*p.free; i++ {
			switch {
			case weight == 0:
				o.signs[i] = math.NaN()
			case x[i] != 0:
				o.signs[i] = math.Copysign(1, x[i])
			case gradient[i] != 0:
				o.signs[i] = -math.Copysign(1, gradient[i])
			default:
				o.signs[i] = 0
			}
		}
	}
}

// mask puts to 0 what is to stay there.
func (o *orthant) mask(v []float64) {
	for i, sign := range o.signs {
		if sign == 0 {
			v[i] = 0
		}
	}
}

// align leaves out of a direction what would make variables leave 0 to the wrong side. One that
// leads uphill after that gives way to the steepest descent.
func (o *orthant) align(direction, x, gradient []float64) {
	for i, sign := range o.signs {
		if x[i] == 0 && sign*direction[i] < 0 {
			direction[i] = 0
		}
	}
	if !(kernel.Dot(direction, gradient) < 0) {
		for i, g := range gradient {
			direction[i] = -g
		}
	}
}

// project writes the point of a step within the orthant.
func (o *orthant) project(dst, x, direction []float64, step float64) {
	for i, sign := range o.signs {
		dst[i] = x[i] + step*direction[i]
		if sign*dst[i] < 0 || sign == 0 {
			dst[i] = 0
		}
	}
}

// beginIn sets out within the orthant.
func (c *conjugate) beginIn(r *run, o *orthant) {
	c.begin(r, plain{})
	o.mask(c.residual)
	o.mask(c.direction)
	c.rho = kernel.Dot(c.residual, c.residual)
}

// solveIn is solve over the variables of the orthant.
func (c *conjugate) solveIn(ctx context.Context, o *orthant, share float64) error {
	goal := c.rho * share * share
	for range maxConjugate {
		if err := o.problem.Product(ctx, c.product, c.direction); err != nil {
			return err
		}
		kernel.AddScaled(c.product, o.ridge, c.direction)
		o.mask(c.product)
		curvature := kernel.Dot(c.direction, c.product)
		if !(curvature > 0) || !(c.rho > 0) {
			return nil
		}
		step := c.rho / curvature
		kernel.AddScaled(c.x, step, c.direction)
		kernel.AddScaled(c.residual, -step, c.product)
		rho := kernel.Dot(c.residual, c.residual)
		if rho <= goal {
			return nil
		}
		kernel.ScaleAdd(c.direction, rho/c.rho, c.residual)
		c.rho = rho
	}
	return nil
}
