package drift

import "math"

const (
	// leastShare is what a share counts as at least in the population stability index, which
	// would be infinite for an empty bin.
	leastShare = 1e-4
	// psiLimit is the population stability index that matters.
	psiLimit = 0.2
	// certainty is how sure it must be that a population stability index is not chance alone.
	certainty = 0.999
)

// psi returns the population stability index of two distributions over the same bins, in nats.
func psi(p, q []float64) float64 {
	var sum float64
	for i := range p {
		a, b := max(p[i], leastShare), max(q[i], leastShare)
		sum += (b - a) * math.Log(b/a)
	}
	return sum
}

// jensenShannon returns the Jensen-Shannon distance to base 2 of two distributions over the same
// bins, 0 to 1.
func jensenShannon(p, q []float64) float64 {
	var sum float64
	for i := range p {
		mean := (p[i] + q[i]) / 2
		if p[i] > 0 {
			sum += p[i] * math.Log2(p[i]/mean)
		}
		if q[i] > 0 {
			sum += q[i] * math.Log2(q[i]/mean)
		}
	}
	return math.Sqrt(min(max(sum/2, 0), 1)) // rounding can leave a little less than 0
}
