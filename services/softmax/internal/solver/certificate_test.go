package solver

import (
	"context"
	"math"
	"testing"
)

// certified returns the bounds at x, and what they bound.
func certified(t *testing.T, p *Problem, x []float64, least *Result) (gap, distance, trueGap, trueDistance float64) {
	t.Helper()
	value, gradient := evaluate(t, p, x)
	gap, distance, err := p.Certify(context.Background(), x, gradient, value)
	if err != nil {
		t.Fatal(err)
	}
	for j := range p.features {
		for k := range p.free {
			off := (x[j*p.free+k] - least.X[j*p.free+k]) * p.scale[j] * p.standard[j]
			trueDistance = math.Hypot(trueDistance, off)
		}
	}
	return gap, distance, value*p.total - least.Objective, trueDistance
}

// At points near and far from the minimum, the bounds hold; near it they are worth something.
func TestCertificateHolds(t *testing.T) {
	t.Parallel()
	standardise := func(c Config) Config {
		c.Standardise = make([]bool, c.Rows.Width())
		for j := range c.Standardise {
			c.Standardise[j] = j%2 == 0
		}
		return c
	}
	for _, sh := range []shape{
		{rows: 80, features: 3, classes: 2},
		{rows: 80, features: 3, classes: 2, c: 100, weighted: true},
		{rows: 80, features: 3, classes: 4},
		{rows: 80, features: 3, classes: 4, c: 1e-3},
		{rows: 80, features: 3, classes: 4, noIntercept: true},
		{rows: 80, features: 3, classes: 3, form: far, c: 1e4},
	} {
		for _, c := range []Config{config(sh), standardise(config(sh))} {
			p := problem(t, c)
			least := solve(t, p, methods()[0], Options{})
			for _, scale := range []float64{1e-7, 1e-5, 1e-3, 0.1, 1, 10} {
				for seed := range uint64(20) {
					x := point(p, seed, scale)
					for i := range x {
						x[i] += least.X[i]
					}
					gap, distance, trueGap, trueDistance := certified(t, p, x, least)
					// The minimum is known to 1e-13 or so.
					if !(trueGap <= gap*(1+1e-9)+1e-11*least.Objective) || !(trueDistance <= distance*(1+1e-9)+1e-6) {
						t.Errorf("%v, %v off: gap %v of %v, distance %v of %v", sh, scale, trueGap, gap, trueDistance, distance)
					}
				}
			}
			if !(least.Gap <= 1e-10*least.Objective) {
				t.Errorf("%v: at the minimum the gap is at most %v of %v", sh, least.Gap, least.Objective)
			}
		}
	}
}

// Moves of the intercepts alone, where only the bounds on them count.
func TestCertificateOfIntercepts(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3, 5} {
		p := problem(t, config(shape{rows: 100, features: 3, classes: classes}))
		least := solve(t, p, methods()[0], Options{})
		for _, scale := range []float64{1e-6, 1e-3, 0.1, 1, 5, 50} {
			x := append([]float64(nil), least.X...)
			move := point(p, 3, scale)
			for k := range p.free {
				x[p.features*p.free+k] += move[k]
			}
			gap, _, trueGap, _ := certified(t, p, x, least)
			if !(trueGap <= gap+1e-11*least.Objective) || math.IsInf(gap, 1) {
				t.Errorf("%d classes, %v off: the gap is %v, at most %v as reported", classes, scale, trueGap, gap)
			}
			if scale <= 1e-6 && gap > 1e-2*least.Objective {
				t.Errorf("%d classes, %v off: the gap is at most %v of %v: that says nothing", classes, scale, gap, least.Objective)
			}
		}
	}
}

func TestNoCertificateWithoutPenalty(t *testing.T) {
	t.Parallel()
	p := problem(t, config(shape{rows: 80, features: 3, classes: 3, c: math.Inf(1)}))
	if least := solve(t, p, methods()[0], Options{}); !math.IsInf(least.Gap, 1) || !math.IsInf(least.Distance, 1) {
		t.Errorf("gap %v, distance %v", least.Gap, least.Distance)
	}
}

func TestWeakestLink(t *testing.T) {
	t.Parallel()
	// 0 and 1 share 5, 1 and 2 share 3, 2 and 3 share 4; the others hardly anything.
	weights := []float64{
		9, 5, 1, 0,
		5, 9, 3, 2,
		1, 3, 9, 4,
		0, 2, 4, 9,
	}
	if got := weakestLink(weights, 4, 4); got != 3 {
		t.Errorf("the weakest link is %v, expected 3", got)
	}
	if got := weakestLink(weights, 4, 2); got != 5 {
		t.Errorf("of two, the weakest link is %v, expected 5", got)
	}
}
