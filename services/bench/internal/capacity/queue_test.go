package capacity_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/capacity"
)

// TestOneServer holds the formulas against those of a single server (M/M/1), which are simple.
func TestOneServer(t *testing.T) {
	t.Parallel()
	for _, utilisation := range []float64{0.1, 0.5, 0.9, 0.99} {
		q := capacity.Queue{Servers: 1, Service: 100 * time.Microsecond, Utilisation: utilisation}
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-3*want {
				t.Errorf("at %v, %s is %v, expected %v", utilisation, what, got, want)
			}
		}
		near("the share that waits", q.Waits(), utilisation)
		near("the mean wait", q.MeanWait().Seconds(), utilisation/(1-utilisation)*1e-4)
		near("the 99th percentile", q.Percentile(0.99).Seconds(), math.Log(100)/(1-utilisation)*1e-4)
	}
}

// TestSimulated serves a million requests, one after the other, and compares.
func TestSimulated(t *testing.T) {
	t.Parallel()
	for _, q := range []capacity.Queue{
		{Servers: 1, Service: 50 * time.Microsecond, Utilisation: 0.6},
		{Servers: 2, Service: 50 * time.Microsecond, Utilisation: 0.6},
		{Servers: 2, Service: 50 * time.Microsecond, Utilisation: 0.5}, // waits end as fast as services
		{Servers: 8, Service: 50 * time.Microsecond, Utilisation: 0.8},
	} {
		waited, mean, p99 := simulate(q, 1_000_000)
		for _, c := range []struct {
			what           string
			formula, found float64
		}{
			{"share that waits", q.Waits(), waited},
			{"mean wait", q.MeanWait().Seconds(), mean},
			{"99th percentile", q.Percentile(0.99).Seconds(), p99},
		} {
			if math.Abs(c.formula-c.found) > 0.05*c.found {
				t.Errorf("%+v: the %s is %v, and %v when simulated", q, c.what, c.formula, c.found)
			}
		}
	}
}

// simulate returns the share of requests that waited, the mean wait, and within which time 99 % were
// answered, in seconds.
func simulate(q capacity.Queue, n int) (waited, mean, p99 float64) {
	random := rand.New(rand.NewPCG(1, 2))
	free := make([]float64, q.Servers) // when each server is
	gap := q.Service.Seconds() / float64(q.Servers) / q.Utilisation
	answers := make([]float64, n)
	now := 0.0
	for i := range answers {
		now += random.ExpFloat64() * gap
		next := 0
		for s := range free {
			if free[s] < free[next] {
				next = s
			}
		}
		begin := max(now, free[next])
		if begin > now {
			waited++
			mean += begin - now
		}
		free[next] = begin + random.ExpFloat64()*q.Service.Seconds()
		answers[i] = free[next] - now
	}
	slices.Sort(answers)
	return waited / float64(n), mean / float64(n), answers[n*99/100]
}
