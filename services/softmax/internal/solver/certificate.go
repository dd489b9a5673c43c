package solver

import (
	"context"
	"math"
)

// Certify returns bounds on how far the objective at x, of the given value and gradient per unit
// of weight, is above the minimum, in units of the model, and how far the penalised weights, times
// standard, are from those of the minimum, by Euclid. Both are +Inf without a penalty, the distance
// also without one of squares. They hold up to the rounding of the gradient. With L1Ratio, the
// gradient must be the subgradient of the least norm.
//
// Let F be the objective per unit of weight, v the weights times standard, µ/2·‖v‖² the penalty,
// b the intercepts of the centred columns, g the gradient at (v, b), (v*, b*) the minimum and ∆ the
// way there. F less the penalty is convex, so
//
//	gap = F - F* ≤ -g_v·∆v - µ/2·‖∆v‖² - g_b·∆b ≤ ‖g_v‖²/(2µ) + |g_b·∆b|  and  gap ≥ µ/2·‖∆v‖²
//
// where the second is why the distance is √(2·gap/µ) at most. Without intercepts that is all. With
// them, ∆b is to be bounded: see [Problem.interceptBound] for what follows from the gradient, and
// [Problem.priorBound] for what holds anywhere.
func (p *Problem) Certify(ctx context.Context, x, gradient []float64, value float64) (gap, distance float64, err error) {
	if p.strength == 0 {
		return p.magnitudeGap(x, gradient, value) * p.total, math.Inf(1), nil
	}
	gap = p.weightGap(gradient)
	if p.intercept {
		var reach float64
		for j := range p.features {
			if p.scale[j] != 0 {
				reach = math.Hypot(reach, p.reach[j]/p.standard[j])
			}
		}
		shared, err := p.sharedMass(ctx, x)
		if err != nil {
			return 0, 0, err
		}
		gap = min(p.interceptBound(gap, gradient, shared, reach), gap+p.priorBound(x, gradient, math.Sqrt(2*value/p.strength)*reach))
	}
	return gap * p.total, math.Sqrt(2 * gap / p.strength), nil
}

// weightGap returns ‖g_v‖²/(2µ).
func (p *Problem) weightGap(gradient []float64) float64 {
	var square float64
	for j := range p.features {
		if p.scale[j] == 0 {
			continue
		}
		unit := p.scale[j] * p.standard[j]
		for _, g := range gradient[j*p.free : (j+1)*p.free] {
			square += (g / unit) * (g / unit)
		}
	}
	return square / (2 * p.strength)
}

// interceptGradient returns the derivatives by the intercepts and the sum of their magnitudes.
func (p *Problem) interceptGradient(gradient []float64) (g []float64, sum float64) {
	g = make([]float64, p.free)
	for k, v := range gradient[p.features*p.free:] {
		g[k] = v / p.scale[p.features]
		sum += math.Abs(g[k])
	}
	if p.free == 1 {
		sum *= 2 // the first class has the same with the other sign
	}
	return g, sum
}

// interceptBound returns a bound on the gap, from that of a problem without intercepts.
//
// Intercepts matter up to a common summand and g_b sums to 0 over the K classes, so |g_b·∆b| is
// half of B = Σ|g_b| times the range of ∆b at most. Order the classes by ∆b: the widest step γ
// between neighbours is the range over K-1 at least. Let S be the classes above it. In any row x,
// the logits of S gain γ - δ on the others, δ bounding what ∆v·x does to differences of logits.
// If that is positive, the probability q of S in the row grows by a factor of its odds, thus by
// q(1-q)(1 - exp(-(γ-δ))) at least. On the whole it grows by -Σ_S g_b, for at the minimum the mean
// probability of each class is its share of the weight, and here it is that plus g_b: by B/2 at
// most. The mean of q(1-q) is at least that of the product of two classes' probabilities, one in S
// and one not, for any such pair, and so at least κ, of [Problem.sharedMass]. With y = B/(2κ) ≤ ½,
//
//	γ ≤ δ - ln(1-y) ≤ δ + 2y
//
// No two logits differ by more than √2·‖∆v‖·ρ for ∆v, where ρ bounds the length of a centred row
// over standard (of two classes, of which one has no weights, ‖∆v‖·ρ), and ‖∆v‖ ≤ √(2·gap/µ).
// What comes of all that is gap ≤ a + e·√gap, which bounds the gap.
func (p *Problem) interceptBound(free float64, gradient []float64, shared, reach float64) float64 {
	_, sum := p.interceptGradient(gradient)
	if sum == 0 {
		return free
	}
	y := sum / (2 * shared)
	if !(y <= 0.5) {
		return math.Inf(1)
	}
	steps, root := float64(p.classes-1), math.Sqrt2
	if p.free == 1 {
		root = 1
	}
	a := free + sum/2*steps*2*y
	e := sum / 2 * steps * root * reach * math.Sqrt(2/p.strength)
	s := (e + math.Sqrt(e*e+4*a)) / 2
	return s * s
}

// priorBound returns a bound on |g_b·∆b| that holds at any point.
//
// At the minimum the ratio of the mean probabilities of two classes k and l, which is that of
// their shares π, is a mean of the ratios p_k/p_l of the rows, and lies between their extremes.
// That of a row x is exp(b*_k - b*_l + (v*_k - v*_l)·x), hence
//
//	|b*_k - b*_l - ln(π_k/π_l)| ≤ max |(v*_k - v*_l)·x| ≤ √2·‖v*‖·ρ
//
// With both centred over the classes, b*_k is as near to the centred ln π_k. Last, µ/2·‖v*‖² ≤ F*
// ≤ F. (Of two classes, b* is the difference, and √2 falls away.) What bounds ‖v*‖·ρ is within.
func (p *Problem) priorBound(x, gradient []float64, within float64) float64 {
	unit := p.scale[p.features]
	g, _ := p.interceptGradient(gradient)
	b := x[p.features*p.free:]
	if p.free == 1 {
		return math.Abs(g[0]) * (math.Abs(b[0]*unit-math.Log(p.prior[1]/p.prior[0])) + within)
	}
	off := make([]float64, p.free)
	for k, share := range p.prior {
		off[k] = b[k]*unit - math.Log(share)
	}
	centre(off)
	var gap float64
	for k, v := range g {
		gap += math.Abs(v) * (math.Abs(off[k]) + math.Sqrt2*within)
	}
	return gap
}
