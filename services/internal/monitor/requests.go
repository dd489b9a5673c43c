package monitor

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

// Outcome is how a request ended.
type Outcome int

const (
	// Answered is a request that went well, or whose client went away.
	Answered Outcome = iota
	// Refused is one that the server did not answer for what the client had sent.
	Refused
	// Failed is one that failed for the server's own reasons.
	Failed
)

// Requests counts requests by the step of time in which they end. The steps are driven by a timer
// that runs only while there are requests.
type Requests struct {
	monitor  *Monitor
	inFlight atomic.Int64
	current  atomic.Pointer[slot]
	// timed says that a timer runs which ends the step.
	timed atomic.Bool
}

// slot is what happened in one step of time.
type slot struct {
	unary                    latencies
	streams, refused, failed atomic.Uint64
	predictions, sum, low    uint64 // guarded by the monitor's mu, and 0 until the step has ended
}

// requests returns how many ended in the step.
func (s *slot) requests() uint64 {
	n := s.streams.Load()
	for i := range s.unary.buckets {
		n += uint64(s.unary.buckets[i].Load())
	}
	return n
}

func (r *Requests) begin(m *Monitor) {
	r.monitor = m
	r.current.Store(new(slot))
}

// Begin counts a request as in flight, until End.
func (r *Requests) Begin() {
	r.inFlight.Add(1)
	if !r.timed.Load() {
		r.wake()
	}
}

// End counts a request that has ended, and how long a unary one took.
func (r *Requests) End(outcome Outcome, unary bool, took time.Duration) {
	s := r.current.Load()
	switch outcome {
	case Answered:
	case Refused:
		s.refused.Add(1)
	case Failed:
		s.failed.Add(1)
	}
	if unary {
		s.unary.add(took)
	} else {
		s.streams.Add(1)
	}
	r.inFlight.Add(-1)
}

// wake ends the steps in which there was nothing, and starts the timer.
func (r *Requests) wake() {
	r.monitor.mu.Lock()
	defer r.monitor.mu.Unlock()
	if !r.timed.Load() {
		now := time.Now()
		r.monitor.advance(now)
		r.start(now)
	}
}

// start starts the timer that ends the step. It is called with the monitor's mu held.
func (r *Requests) start(now time.Time) {
	r.timed.Store(true)
	time.AfterFunc(r.monitor.history.next().Sub(now), r.tick)
}

// tick is what the timer calls. No request belongs to it, so a panic would end the process: the next
// tick tries again.
func (r *Requests) tick() {
	err := crash.Contain(r.end)
	var p *crash.PanicError
	if !errors.As(err, &p) {
		return
	}
	time.AfterFunc(pointStep, r.tick)
	if told := r.monitor.options.Panicked; told != nil {
		told(p)
	}
}

// end ends the step, and starts the timer again unless nothing happens any more.
func (r *Requests) end() {
	r.monitor.mu.Lock()
	defer r.monitor.mu.Unlock()
	busy := r.current.Load().requests() > 0
	now := time.Now()
	r.monitor.advance(now)
	// Before it looks for requests in flight: one that begins later starts the timer itself.
	r.timed.Store(false)
	if busy || r.inFlight.Load() > 0 {
		r.start(now)
	}
}
