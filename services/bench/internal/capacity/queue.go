package capacity

import (
	"math"
	"time"
)

// Queue is a replica as queueing theory has it: requests come at random (Poisson), take times that
// are exponentially distributed, and wait in one line for the next free processor (M/M/c). Real
// service times vary less, so real waits are shorter, as long as the processors are there.
type Queue struct {
	// Servers is the number of processors.
	Servers int
	// Service is the mean time that a request takes.
	Service time.Duration
	// Utilisation is the share of the processors' time that is taken, less than 1.
	Utilisation float64
}

// Waits returns the share of requests that have to wait: Erlang's C formula.
func (q Queue) Waits() float64 {
	offered := q.Utilisation * float64(q.Servers)
	// The share that would be lost if nobody could wait (Erlang B), by its recursion.
	lost := 1.0
	for n := 1; n <= q.Servers; n++ {
		lost = offered * lost / (float64(n) + offered*lost)
	}
	return lost / (1 - q.Utilisation*(1-lost))
}

// drain is how fast those who wait are served beyond those who come, per second.
func (q Queue) drain() float64 {
	return float64(q.Servers) * (1 - q.Utilisation) / q.Service.Seconds()
}

// MeanWait returns how long a request waits on average.
func (q Queue) MeanWait() time.Duration { return inSeconds(q.Waits() / q.drain()) }

// Later returns the share of requests that are answered later than t after they came.
func (q Queue) Later(t time.Duration) float64 {
	waits, wait, serve := q.Waits(), q.drain(), 1/q.Service.Seconds()
	s := t.Seconds()
	if math.Abs(wait-serve) < 1e-9*serve {
		return (1 + waits*serve*s) * math.Exp(-serve*s)
	}
	// The service, and for those who wait the sum of both.
	return (1-waits)*math.Exp(-serve*s) + waits*(serve*math.Exp(-wait*s)-wait*math.Exp(-serve*s))/(serve-wait)
}

// Percentile returns within which time the share p of all requests is answered.
func (q Queue) Percentile(p float64) time.Duration {
	low, high := time.Duration(0), q.Service
	for q.Later(high) > 1-p {
		high *= 2
	}
	for high-low > max(high/10_000, 1) {
		if middle := (low + high) / 2; q.Later(middle) > 1-p {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
