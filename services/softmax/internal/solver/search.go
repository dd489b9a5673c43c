package solver

import "math"

// search is a line search for convex functions: it brackets the minimum along a line by the sign
// of the slope. Near the optimum, where the function's differences drown in rounding while its
// slopes do not, it goes by the slopes alone (the approximate Wolfe conditions of Hager and Zhang
// 2005, section 4), and so reaches a gradient far smaller than searches that must see the
// function decrease.
type search struct {
	value, slope float64 // at the start of the line
	step         float64 // being tried
	low, high    float64 // too short, too long
	slopeLow     float64
	tries        int
}

const (
	sufficientDecrease = 1e-4
	sufficientSlope    = 0.9
	// valueRounding is the share of a value that may be rounding.
	valueRounding = 1e-12
	maxTries      = 60
)

// newSearch starts a search along a line from a point of the given value and slope; step is the
// first to try.
func newSearch(value, slope, step float64) search {
	return search{value: value, slope: slope, step: step, high: math.Inf(1), slopeLow: slope}
}

// try takes the value and slope at the step. It accepts the step, or has put the next one there,
// or has no more to try.
func (s *search) try(value, slope float64) (accepted, more bool) {
	descends := s.descends(value, slope)
	if descends && slope >= sufficientSlope*s.slope {
		return true, false
	}
	s.tries++
	if s.tries == maxTries {
		return false, false
	}
	if descends {
		s.low, s.slopeLow = s.step, slope
	} else {
		s.high = s.step
	}
	s.step = s.next(slope, !descends)
	return false, true
}

// descends reports whether the step went downhill, as far as can be told. Values that are not
// finite did not.
func (s *search) descends(value, slope float64) bool {
	switch {
	case value-value != 0 || slope-slope != 0:
		return false
	case math.Abs(value-s.value) <= valueRounding*math.Abs(s.value):
		return slope <= (2*sufficientDecrease-1)*s.slope
	}
	return value <= s.value+sufficientDecrease*s.step*s.slope
}

// next returns the step to try next: further out while nothing was too long; then within the
// bracket, after a step too long where the line through the two slopes crosses zero, but so that
// the bracket halves at least.
func (s *search) next(slope float64, tooLong bool) float64 {
	if math.IsInf(s.high, 1) {
		return 4 * s.step
	}
	width := s.high - s.low
	if !tooLong || !(slope > 0) || math.IsInf(slope, 1) {
		return s.low + width/2
	}
	share := s.slopeLow / (s.slopeLow - slope)
	return s.low + width*min(max(share, 0.1), 0.5)
}
