package sklearn

import "testing"

func TestShiftLosesNoDigits(t *testing.T) {
	t.Parallel()
	l := &linear{features: 3, weights: []float64{1e16, 1, -1e16, 0, 2, 0}, intercepts: []float64{0.5, 3}}
	size := l.shifted([]float64{1, 1, 1}, false)
	if l.intercepts[0] != 1.5 || l.intercepts[1] != 5 || size != 2e16 {
		t.Errorf("intercepts %v after a shift of %v, expected [1.5 5] after 2e16", l.intercepts, size)
	}
	l.shifted([]float64{1, 1, 1}, true)
	if l.intercepts[0] != 0.5 || l.intercepts[1] != 3 {
		t.Errorf("intercepts %v after the shift back, expected [0.5 3]", l.intercepts)
	}
}
