package load

import (
	"math"
	"math/rand/v2"
	"time"
)

// schedule yields when the requests of an open loop are due, as times since its begin, ascending.
// The same rate, arrivals and seed yield the same times.
type schedule struct {
	gap    float64    // the mean time between two requests, in nanoseconds
	random *rand.Rand // nil: constant arrivals
	n      uint64     // how many were yielded
	last   float64    // of Poisson arrivals, in nanoseconds
}

func newSchedule(rate float64, arrivals Arrivals, seed uint64) *schedule {
	s := &schedule{gap: float64(time.Second) / rate}
	if arrivals == Poisson {
		s.random = rand.New(rand.NewPCG(seed, 0))
	}
	return s
}

// next returns when the next request is due. Constant arrivals begin at 0 and do not drift.
func (s *schedule) next() time.Duration {
	n := s.n
	s.n++
	if s.random == nil {
		return time.Duration(math.Round(float64(n) * s.gap))
	}
	s.last += s.random.ExpFloat64() * s.gap
	return time.Duration(math.Round(s.last))
}
