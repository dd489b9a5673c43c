package solver

import (
	"math"
	"testing"
)

// along runs a line search along a function from 0 and returns the step accepted, 0 for none.
func along(f, slope func(float64) float64, step float64) (accepted float64, tries int) {
	s := newSearch(f(0), slope(0), step)
	for tries = 1; ; tries++ {
		at := s.step
		accepted, more := s.try(f(at), slope(at))
		switch {
		case accepted:
			return at, tries
		case !more:
			return 0, tries
		}
	}
}

func TestLineSearchMeetsTheWolfeConditions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ f, slope func(float64) float64 }{
		"parabola":       {func(x float64) float64 { return (x - 3) * (x - 3) }, func(x float64) float64 { return 2 * (x - 3) }},
		"a flat one":     {func(x float64) float64 { return 1e-9 * (x - 1e4) * (x - 1e4) }, func(x float64) float64 { return 2e-9 * (x - 1e4) }},
		"a steep one":    {func(x float64) float64 { return 1e9 * (x - 1e-4) * (x - 1e-4) }, func(x float64) float64 { return 2e9 * (x - 1e-4) }},
		"exponential":    {func(x float64) float64 { return math.Exp(x) - 50*x }, func(x float64) float64 { return math.Exp(x) - 50 }},
		"kinked":         {func(x float64) float64 { return math.Log1p(math.Exp(-40*x)) + x }, func(x float64) float64 { return 1 - 40/(1+math.Exp(40*x)) }},
		"fourth power":   {func(x float64) float64 { return math.Pow(x-2, 4) }, func(x float64) float64 { return 4 * math.Pow(x-2, 3) }},
		"with an offset": {func(x float64) float64 { return 1e6 + (x-3)*(x-3) }, func(x float64) float64 { return 2 * (x - 3) }},
	} {
		for _, first := range []float64{1e-6, 1, 1e3} {
			got, tries := along(test.f, test.slope, first)
			if got == 0 {
				t.Errorf("%s from %v: nothing found", name, first)
				continue
			}
			if test.f(got) > test.f(0)+sufficientDecrease*got*test.slope(0) || test.slope(got) < sufficientSlope*test.slope(0) {
				t.Errorf("%s from %v: accepted %v: value %v of %v, slope %v of %v",
					name, first, got, test.f(got), test.f(0), test.slope(got), test.slope(0))
			}
			if tries > 25 {
				t.Errorf("%s from %v: %d tries", name, first, tries)
			}
		}
	}
}

// The values are equal to the last bit: only the slopes tell the way.
func TestLineSearchWhereValuesDrownInRounding(t *testing.T) {
	t.Parallel()
	const value, at = 1e9, 1e-5
	f := func(x float64) float64 { return value + (x-at)*(x-at) }
	slope := func(x float64) float64 { return 2 * (x - at) }
	if f(0) != f(at) {
		t.Fatalf("the values differ: %v and %v", f(0), f(at))
	}
	for _, first := range []float64{1e-9, 1e-5, 1} {
		got, _ := along(f, slope, first)
		if got == 0 || slope(got) < sufficientSlope*slope(0) || slope(got) > -slope(0) {
			t.Errorf("from %v: accepted %v: slope %v of %v", first, got, slope(got), slope(0))
		}
	}
}

func TestLineSearchBacksOffFromWhatIsNotFinite(t *testing.T) {
	t.Parallel()
	f := func(x float64) float64 {
		if x > 1 {
			return math.Inf(1)
		}
		return (x - 0.9) * (x - 0.9)
	}
	slope := func(x float64) float64 {
		if x > 1 {
			return math.NaN()
		}
		return 2 * (x - 0.9)
	}
	if got, _ := along(f, slope, 1e4); got == 0 || got > 1 || f(got) >= f(0) {
		t.Errorf("accepted %v", got)
	}
}

func TestLineSearchGivesUp(t *testing.T) {
	t.Parallel()
	for name, slope := range map[string]float64{"downhill without end": -1, "no slope to follow": math.NaN()} {
		s := newSearch(0, -1, 1)
		for tries := 1; ; tries++ {
			accepted, more := s.try(-s.step*s.step, slope*(1+s.step))
			if accepted || s.step-s.step != 0 || tries > maxTries {
				t.Fatalf("%s: accepted %v at step %v after %d tries", name, accepted, s.step, tries)
			}
			if !more {
				break
			}
		}
	}
}
