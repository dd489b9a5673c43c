package solver

import (
	"context"
	"math"
	"slices"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// proximalNewton minimises where the penalty has kinks and the Hessian is small enough to be made:
// each step goes towards the minimum of the second-order model of what is smooth plus the penalty
// itself (Lee, Sun and Saunders 2014), found coordinate by coordinate, and by a factorisation once
// it is known which variables are 0.
func proximalNewton(ctx context.Context, plain *run) error {
	r := &kinked{run: plain}
	if err := r.begin(ctx); err != nil {
		return err
	}
	p := r.problem
	m := newKinkedModel(p)
	for !r.over() {
		h, err := p.Hessian(ctx)
		if err != nil {
			return err
		}
		m.build(h, r.x, r.smooth)
		if err := m.minimise(ctx, 0.05*min(1, maxNorm(r.gradient))*maxNorm(r.gradient), 0.1*r.options.Tolerance); err != nil {
			return err
		}
		predicted := m.predict(r.smooth) + p.magnitudes(m.target) - p.magnitudes(r.x)
		found, err := r.search(ctx,
			func(_ []float64, step float64) float64 { return step * predicted },
			func(dst []float64, step float64) { between(dst, r.x, m.target, step) })
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

// between writes the point at a share of the way from x to the target: at 1, exactly the target,
// with its zeros.
func between(dst, x, target []float64, share float64) {
	if share == 1 {
		copy(dst, target)
		return
	}
	for i, v := range x {
		dst[i] = v + share*(target[i]-v)
	}
}

// kinkedModel is the second-order model at a point, with the penalty's kinks: g·d + d·H·d/2 + the
// magnitudes of x + d. Variables stand class by class in it, as in Hessian.
type kinkedModel struct {
	problem            *Problem
	h                  []float64
	x, z, gradient, l1 []float64 // where it was made, where it is, the gradient there, of the smooth part
	target             []float64 // z, as the problem orders variables
	support            []int
	reduced, right     []float64
}

func newKinkedModel(p *Problem) *kinkedModel {
	n := p.Size()
	m := &kinkedModel{
		problem: p, x: make([]float64, n), z: make([]float64, n), gradient: make([]float64, n),
		l1: make([]float64, n), target: make([]float64, n), right: make([]float64, n),
	}
	for k := range p.free {
		copy(m.l1[k*p.columns:], p.l1)
	}
	return m
}

// build makes the model at x, of a Hessian that it keeps and the gradient of the smooth part.
func (m *kinkedModel) build(h, x, smooth []float64) {
	p, n := m.problem, len(m.x)
	p.toClasses(m.x, x)
	p.toClasses(m.gradient, smooth)
	copy(m.z, m.x)
	m.h = h
	if p.free == 1 {
		return
	}
	// The kinks mind moves of all classes alike, so Hessian must not.
	gauge := 1 / float64(p.free)
	for j, weight := range p.l1 {
		if weight == 0 {
			continue
		}
		for k := range p.free {
			for l := range p.free {
				h[(k*p.columns+j)*n+l*p.columns+j] -= gauge
			}
		}
	}
}

const (
	maxSweeps = 400
	// solveEvery is after how many sweeps a solution for the variables that are not 0 is tried.
	solveEvery = 4
)

// minimise brings the model's subgradient below a bound, but not below least.
func (m *kinkedModel) minimise(ctx context.Context, bound, least float64) error {
	bound = max(bound, least)
	for sweep := 1; sweep <= maxSweeps && m.subgradientMax() > bound; sweep++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range m.z {
			m.coordinate(i)
		}
		m.shift()
		if sweep%solveEvery == 0 {
			if err := m.solve(ctx); err != nil {
				return err
			}
		}
	}
	p := m.problem
	for j := range p.columns {
		for k := range p.free {
			m.target[j*p.free+k] = m.z[k*p.columns+j]
		}
	}
	return nil
}

// predict returns the part of the model's change that is linear in the step: smooth · (target - x).
func (m *kinkedModel) predict(smooth []float64) float64 {
	p := m.problem
	var sum float64
	for j := range p.columns {
		for k := range p.free {
			sum += smooth[j*p.free+k] * (m.z[k*p.columns+j] - m.x[k*p.columns+j])
		}
	}
	return sum
}

// coordinate minimises along one variable.
func (m *kinkedModel) coordinate(i int) {
	n := len(m.z)
	row := m.h[i*n : (i+1)*n]
	curvature := row[i]
	if !(curvature > 0) {
		return
	}
	z := shrink(m.z[i]-m.gradient[i]/curvature, m.l1[i]/curvature)
	if change := z - m.z[i]; change != 0 {
		m.z[i] = z
		kernel.AddScaled(m.gradient, change, row)
	}
}

// shift minimises along the moves of all classes of a column alike. The rows do not mind them, so
// that single variables, which they do mind, crawl along such a valley where the penalty is small.
func (m *kinkedModel) shift() {
	p, n := m.problem, len(m.z)
	if p.free == 1 {
		return
	}
	kinks := make([]float64, p.free)
	for j, weight := range p.l1 {
		if weight == 0 || p.scale[j] == 0 {
			continue
		}
		sum := 0.0
		for k := range p.free {
			z := m.z[k*p.columns+j]
			kinks[k] = -z
			sum += z
		}
		slices.Sort(kinks)
		step := alongKinks(p.penalty[j]*sum, p.penalty[j]*float64(p.free), weight, kinks)
		if step == 0 {
			continue
		}
		for k := range p.free {
			i := k*p.columns + j
			m.z[i] += step
			kernel.AddScaled(m.gradient, step, m.h[i*n:(i+1)*n])
		}
	}
}

// alongKinks returns where slope·t + curvature·t²/2 + weight·Σ|t - kink| is least; kinks ascend.
// Without curvature there must be no slope.
func alongKinks(slope, curvature, weight float64, kinks []float64) float64 {
	slope -= weight * float64(len(kinks))
	for _, t := range kinks {
		if slope+curvature*t >= 0 {
			return min(t, -slope/curvature)
		}
		if slope += 2 * weight; slope+curvature*t >= 0 {
			return t
		}
	}
	return -slope / curvature
}

func (m *kinkedModel) subgradientMax() float64 {
	var largest float64
	for i, g := range m.gradient {
		switch {
		case m.l1[i] == 0:
		case m.z[i] > 0:
			g += m.l1[i]
		case m.z[i] < 0:
			g -= m.l1[i]
		default:
			g = shrink(g, m.l1[i])
		}
		largest = max(largest, math.Abs(g))
	}
	return largest
}

// solve goes to the minimum over the variables that are not 0. Where one of them would change its sign
// on the way, it stops there, leaves that one at 0, and goes on without it: else a variable that the
// sweeps take up again and again would stop each solution at its first steps.
func (m *kinkedModel) solve(ctx context.Context) error {
	m.support = m.support[:0]
	for i, z := range m.z {
		if z != 0 || m.l1[i] == 0 {
			m.support = append(m.support, i)
		}
	}
	s := len(m.support)
	for tries := 1 + solveWork/(s*s*s+1); tries > 0; tries-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !m.solveSupport() {
			return nil
		}
		m.support = slices.DeleteFunc(m.support, func(i int) bool { return m.z[i] == 0 && m.l1[i] > 0 })
	}
	return nil
}

// solveWork is about how many operations solve takes if it is to go on.
const solveWork = 1 << 26

// solveSupport moves the variables of the support to the minimum over them, as far as none changes its
// sign. It reports whether one would have.
func (m *kinkedModel) solveSupport() bool {
	n, s := len(m.z), len(m.support)
	if cap(m.reduced) < s*s {
		m.reduced = make([]float64, s*s)
	}
	reduced, right := m.reduced[:s*s], m.right[:s]
	for a, i := range m.support {
		for b, j := range m.support {
			reduced[a*s+b] = m.h[i*n+j]
		}
		right[a] = -m.gradient[i]
		if m.l1[i] > 0 {
			right[a] -= math.Copysign(m.l1[i], m.z[i])
		}
	}
	factor := factorise(reduced, s, 1e-12)
	factor.solve(right)
	if !finite(right) {
		return false
	}
	share, first := 1.0, -1
	for a, i := range m.support {
		if way := -m.z[i] / right[a]; m.l1[i] > 0 && way > 0 && way < share {
			share, first = way, a
		}
	}
	for a, i := range m.support {
		before := m.z[i]
		m.z[i] += share * right[a]
		if a == first || m.l1[i] > 0 && m.z[i]*before <= 0 {
			m.z[i] = 0
		}
		kernel.AddScaled(m.gradient, m.z[i]-before, m.h[i*n:(i+1)*n])
	}
	return first >= 0
}
