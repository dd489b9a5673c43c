package solver

import (
	"context"
	"math"
)

// What L1Ratio penalises has a kink wherever a variable is 0. The gradient of a run is then the
// subgradient of the least norm: along a variable that is 0, how much the objective falls on its
// way to the side where it falls, and 0 where it falls to neither.

// subgradient writes that at x, of the gradient of what is smooth.
func (p *Problem) subgradient(dst, x, smooth []float64) {
	copy(dst, smooth)
	for j, weight := range p.l1 {
		if weight == 0 {
			continue
		}
		for i := j * p.free; i < (j+1)*p.free; i++ {
			switch {
			case x[i] > 0:
				dst[i] += weight
			case x[i] < 0:
				dst[i] -= weight
			default:
				dst[i] = shrink(dst[i], weight)
			}
		}
	}
}

// shrink moves a value towards 0 by an amount, and no further.
func shrink(v, by float64) float64 {
	return math.Copysign(max(math.Abs(v)-by, 0), v)
}

// magnitudes is what the kinks of the penalty add to the objective.
func (p *Problem) magnitudes(x []float64) float64 {
	var value float64
	for j, weight := range p.l1 {
		var sum float64
		for _, v := range x[j*p.free : (j+1)*p.free] {
			sum += math.Abs(v)
		}
		value += weight * sum
	}
	return value
}

// magnitudeGap bounds the gap, per unit of weight, where the penalty is λ·‖v‖₁ and has no squares;
// it is +Inf where there is no penalty at all. With the letters of [Problem.Certify], F is convex
// and λ·‖v*‖₁ ≤ F* ≤ F, so
//
//	gap ≤ -g_v·∆v - g_b·∆b ≤ max|g_v|·(‖v‖₁ + F/λ) + |g_b·∆b|
//
// For the intercepts, the logits of a row differ by ‖v*‖₁ times its largest value at most.
func (p *Problem) magnitudeGap(x, gradient []float64, value float64) float64 {
	if p.l1 == nil {
		return math.Inf(1)
	}
	var size, steepest, largest, lambda float64
	for j := range p.features {
		if p.scale[j] == 0 {
			continue
		}
		unit := p.scale[j] * p.standard[j]
		lambda = p.l1[j] / unit // that of all columns
		largest = max(largest, p.reach[j]/p.standard[j])
		for i := j * p.free; i < (j+1)*p.free; i++ {
			size += math.Abs(x[i]) * unit
			steepest = max(steepest, math.Abs(gradient[i])/unit)
		}
	}
	var gap, within float64
	if lambda > 0 {
		gap, within = steepest*(size+value/lambda), value/lambda*largest
	}
	if p.intercept {
		gap += p.priorBound(x, gradient, within)
	}
	return gap
}

// kinked is a run whose objective has kinks.
type kinked struct {
	*run
	smooth, nextSmooth []float64 // gradients of what is smooth, at x and at next.x
}

// begin evaluates the start, nil for zeros, which also take the place of one that is worse.
func (r *kinked) begin(ctx context.Context) error {
	n := r.problem.Size()
	r.smooth, r.nextSmooth = make([]float64, n), make([]float64, n)
	r.problem.keep = r.method.curves
	if r.options.Start != nil {
		copy(r.next.x, r.options.Start)
	}
	value, err := r.try(ctx)
	if err != nil {
		return err
	}
	if r.options.Start != nil && !(value <= r.problem.valueAtZero()) {
		clear(r.next.x)
		if value, err = r.try(ctx); err != nil {
			return err
		}
	}
	r.take()
	r.value = value
	r.note()
	return nil
}

// try evaluates the objective at next.x.
func (r *kinked) try(ctx context.Context) (float64, error) {
	value, err := r.problem.Evaluate(ctx, r.next.x, r.nextSmooth)
	if err != nil {
		return 0, err
	}
	r.problem.subgradient(r.next.gradient, r.next.x, r.nextSmooth)
	return value + r.problem.magnitudes(r.next.x), nil
}

// take makes next.x the point where the run is.
func (r *kinked) take() {
	r.x, r.next.x = r.next.x, r.x
	r.gradient, r.next.gradient = r.next.gradient, r.gradient
	r.smooth, r.nextSmooth = r.nextSmooth, r.smooth
}

// maxHalvings bounds the tries of a search.
const maxHalvings = 50

// search looks for a step, at first 1 and then ever shorter, that lowers the objective by a part
// of what is predicted per step, and takes it. place writes the point of a step. It returns false
// where there is none. Where the difference drowns in rounding, a smaller gradient will do.
func (r *kinked) search(ctx context.Context, predicted func(x []float64, step float64) float64, place func(dst []float64, step float64)) (bool, error) {
	step := 1.0
	for range maxHalvings {
		place(r.next.x, step)
		value, err := r.try(ctx)
		if err != nil {
			return false, err
		}
		rounding := valueRounding * math.Abs(r.value)
		lower := value <= r.value+sufficientDecrease*predicted(r.next.x, step)
		if lower || math.Abs(value-r.value) <= rounding && maxNorm(r.next.gradient) < maxNorm(r.gradient) {
			r.smooth, r.nextSmooth = r.nextSmooth, r.smooth
			r.move(value)
			return true, nil
		}
		step /= 2
	}
	return false, nil
}

// settle centres the intercepts over the classes, which changes no probability.
func (r *kinked) settle() {
	if p := r.problem; p.intercept && p.free > 1 {
		centre(r.x[p.features*p.free:])
	}
}
