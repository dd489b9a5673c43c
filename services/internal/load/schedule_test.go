package load

import (
	"math"
	"slices"
	"testing"
	"time"
)

func times(s *schedule, n int) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = s.next()
	}
	return all
}

func TestConstantArrivals(t *testing.T) {
	t.Parallel()
	got := times(newSchedule(4, Constant, 9), 5)
	if want := []time.Duration{0, 250e6, 500e6, 750e6, 1e9}; !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
	// A third of a second is no whole number of nanoseconds; an hour of them is one hour all the same.
	s := newSchedule(3, Constant, 0)
	times(s, 3*3600)
	if got := s.next(); got != time.Hour {
		t.Errorf("after an hour it is %v", got)
	}
}

func TestPoissonArrivals(t *testing.T) {
	t.Parallel()
	const n, rate = 200_000, 1000
	got := times(newSchedule(rate, Poisson, 7), n)
	if !slices.IsSorted(got) || got[0] <= 0 {
		t.Error("the times do not ascend from 0")
	}
	var gaps, squares float64
	last := time.Duration(0)
	for _, at := range got {
		gap := (at - last).Seconds()
		gaps, squares, last = gaps+gap, squares+gap*gap, at
	}
	mean := gaps / n
	deviation := math.Sqrt(squares/n - mean*mean)
	// Both are 1/rate; their standard errors are 0.22 % and 0.32 % of it.
	if math.Abs(mean*rate-1) > 0.01 || math.Abs(deviation*rate-1) > 0.015 {
		t.Errorf("gaps have the mean %v and deviation %v, expected %v for both", mean, deviation, 1.0/rate)
	}
}

func TestSeedFixesArrivals(t *testing.T) {
	t.Parallel()
	first, same, other := newSchedule(50, Poisson, 1), newSchedule(50, Poisson, 1), newSchedule(50, Poisson, 2)
	a, b, c := times(first, 100), times(same, 100), times(other, 100)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("the times follow from something else than the seed")
	}
}
