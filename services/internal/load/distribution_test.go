package load

import (
	"math"
	"testing"
	"time"
)

func TestDistribution(t *testing.T) {
	t.Parallel()
	a, b := newDistribution(), newDistribution()
	for i := range 1000 {
		d := &a
		if i%3 == 0 {
			d = &b
		}
		d.record(time.Duration(i+1) * time.Millisecond)
	}
	a.merge(&b)
	if a.Count() != 1000 || a.Min() != time.Millisecond || a.Max() != time.Second || a.Mean() != 500_500*time.Microsecond {
		t.Errorf("%d times, %v, %v, %v", a.Count(), a.Min(), a.Mean(), a.Max())
	}
	for _, q := range []float64{0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1} {
		want := math.Max(math.Ceil(q*1000-1e-6), 1) * float64(time.Millisecond)
		if got := float64(a.Quantile(q)); math.Abs(got/want-1) > 0.001 {
			t.Errorf("quantile %v is %v, expected %v", q, time.Duration(got), time.Duration(want))
		}
	}
}

func TestDistributionAtItsEnds(t *testing.T) {
	t.Parallel()
	d := newDistribution()
	if d.Count() != 0 || d.Min() != 0 || d.Max() != 0 || d.Mean() != 0 || d.Quantile(0.5) != 0 {
		t.Errorf("an empty one has %v, %v, %v, %v", d.Min(), d.Max(), d.Mean(), d.Quantile(0.5))
	}
	d.record(-time.Second)
	d.record(time.Hour)
	if d.Count() != 2 || d.Min() != 0 || d.Max() != time.Hour {
		t.Errorf("%d times, %v, %v", d.Count(), d.Min(), d.Max())
	}
	if got := d.Quantile(1); got < time.Minute || got > 61*time.Second {
		t.Errorf("an hour counts as %v, expected a minute", got)
	}
}
