package softmax

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/optimize"
)

// search runs a line search along a function from 0 and returns the step accepted.
func search(f, slope func(float64) float64, step float64) (accepted float64, tries int, err error) {
	s := &slopeSearch{}
	s.Init(f(0), slope(0), step)
	for tries = 1; ; tries++ {
		op, next, err := s.Iterate(f(step), slope(step))
		if err != nil || op == optimize.MajorIteration {
			return next, tries, err
		}
		step = next
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
			got, tries, err := search(test.f, test.slope, first)
			if err != nil {
				t.Errorf("%s from %v: %v", name, first, err)
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
		got, _, err := search(f, slope, first)
		if err != nil || slope(got) < sufficientSlope*slope(0) || slope(got) > -slope(0) {
			t.Errorf("from %v: accepted %v (%v): slope %v of %v", first, got, err, slope(got), slope(0))
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
	got, _, err := search(f, slope, 1e4)
	if err != nil || got > 1 || f(got) >= f(0) {
		t.Errorf("accepted %v (%v)", got, err)
	}
}

func TestLineSearchGivesUp(t *testing.T) {
	t.Parallel()
	for name, slope := range map[string]float64{"downhill without end": -1, "no slope to follow": math.NaN()} {
		s := &slopeSearch{}
		s.Init(0, -1, 1)
		tries := 0
		for ; tries <= maxTries; tries++ {
			op, step, err := s.Iterate(-s.step*s.step, slope*(1+s.step))
			if err != nil {
				if !errors.Is(err, optimize.ErrLinesearcherFailure) || op != optimize.NoOperation {
					t.Errorf("%s: %v, %v", name, op, err)
				}
				break
			}
			if op == optimize.MajorIteration || step-step != 0 {
				t.Fatalf("%s: %v at step %v", name, op, step)
			}
		}
		if tries >= maxTries {
			t.Errorf("%s: still going after %d tries", name, tries)
		}
	}
}
