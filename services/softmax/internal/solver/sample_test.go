package solver

import (
	"context"
	"math"
	"slices"
	"testing"
)

// rare is a problem one of whose classes has a row in 200.
func rare(t *testing.T) *Problem {
	t.Helper()
	c := config(shape{rows: 20000, features: 4, classes: 3, weighted: true})
	for i := range c.Labels {
		c.Labels[i] = i % 2
		if i%200 == 7 {
			c.Labels[i] = 2
			c.Weights[i] = 1
		}
	}
	return problem(t, c)
}

func TestSampleKeepsTheSharesOfTheClasses(t *testing.T) {
	t.Parallel()
	p := rare(t)
	s, err := p.sample(context.Background(), 1200)
	if err != nil {
		t.Fatal(err)
	}
	if s.count < 1000 || s.count > 1300 {
		t.Errorf("%d rows, expected about 1200", s.count)
	}
	shares, counts := make([]float64, 3), make([]int, 3)
	for i, label := range s.labels {
		shares[label] += s.weights[i]
		counts[label]++
		if s.weights[i] == 0 {
			t.Errorf("row %d of the sample has no weight", i)
		}
	}
	if off := farthest(shares, p.prior); off > 1e-12 {
		t.Errorf("the classes have shares of %v, expected %v", shares, p.prior)
	}
	if counts[2] != 100 {
		t.Errorf("%d rows of the rare class, expected all 100", counts[2])
	}
	// It is an estimate of the problem.
	x := point(p, 1, 0.3)
	value, gradient := evaluate(t, p, x)
	about, estimate := evaluate(t, s, x)
	if math.Abs(about-value) > 0.1*value || farthest(estimate, gradient) > 0.2 {
		t.Errorf("value %v of %v, gradients %v apart", about, value, farthest(estimate, gradient))
	}
}

func TestSampleIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	p := rare(t)
	picked := p.pick(500)
	if !slices.IsSorted(picked) || len(slices.Compact(slices.Clone(picked))) != len(picked) {
		t.Error("the rows do not ascend")
	}
	if !slices.Equal(picked, p.pick(500)) {
		t.Error("another sample of the same rows")
	}
	last := picked[len(picked)-1]
	if last < p.count*9/10 {
		t.Errorf("the last row of the sample is %d of %d", last, p.count)
	}
	if all := p.pick(1 << 30); len(all) < p.count/2 {
		t.Errorf("%d rows of %d, expected all that weigh", len(all), p.count)
	}
}
