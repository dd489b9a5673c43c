package load

import (
	"context"
	"sync/atomic"
	"time"
)

// slot is leave to send one request.
type slot struct {
	n        uint64    // which request of the run it is, from 0
	due      time.Time // when it should be sent: its latency counts from here
	sent     time.Time // when it is sent
	measured bool      // whether it counts: not of the warm-up
}

// pacer says when to send. Any number of goroutines may ask one.
type pacer interface {
	// next waits until a request is to be sent. It returns false when there is none any more, or
	// ctx has ended.
	next(ctx context.Context) (slot, bool)
}

// window is what part of a run counts.
type window struct {
	start time.Time // the end of the warm-up
	end   time.Time // zero: none
	count uint64    // how many requests; 0: no limit
}

// closedPacer gives leave whenever it is asked for.
type closedPacer struct {
	window
	sent, measured atomic.Uint64
}

func (p *closedPacer) next(ctx context.Context) (slot, bool) {
	now := time.Now()
	measured := !now.Before(p.start)
	switch {
	case ctx.Err() != nil:
		return slot{}, false
	case measured && !p.end.IsZero() && !now.Before(p.end):
		return slot{}, false
	case measured && p.count > 0 && p.measured.Add(1) > p.count:
		return slot{}, false
	}
	return slot{n: p.sent.Add(1) - 1, due: now, sent: now, measured: measured}, true
}

// grace is how long after the end of a run a request may still be sent that was due before.
const grace = 100 * time.Millisecond

// openPacer gives leave by a schedule. One of those that ask waits for the next time and then
// sends itself, while the next one waits: nothing is handed from one goroutine to another
// between the waking and the sending.
type openPacer struct {
	window
	begin time.Time
	nap   func(time.Duration)
	turn  chan struct{} // holds one token: who has it may use what follows
	// A mutex would not do: it hands the processor to whoever waited long, before the request of
	// the one that unlocks is sent.

	schedule *schedule
	sent     uint64
	measured uint64
	unsent   uint64
	done     bool
}

func newOpenPacer(w window, begin time.Time, s *schedule, nap func(time.Duration)) *openPacer {
	p := &openPacer{window: w, begin: begin, nap: nap, turn: make(chan struct{}, 1), schedule: s}
	p.turn <- struct{}{}
	return p
}

func (p *openPacer) next(ctx context.Context) (slot, bool) {
	<-p.turn
	defer func() { p.turn <- struct{}{} }()
	if p.done {
		return slot{}, false
	}
	due := p.begin.Add(p.schedule.next())
	if p.over(due) {
		p.done = true
		return slot{}, false
	}
	p.wait(ctx, due)
	now := time.Now()
	switch {
	case ctx.Err() != nil:
		p.giveUp(due, now)
		return slot{}, false
	case !p.end.IsZero() && now.After(p.end.Add(grace)):
		p.giveUp(due, p.end)
		return slot{}, false
	}
	s := slot{n: p.sent, due: due, sent: now, measured: !due.Before(p.start)}
	p.sent++
	if s.measured {
		p.measured++
	}
	return s, true
}

// over reports whether a request that is due then is no part of the run any more.
func (p *openPacer) over(due time.Time) bool {
	if due.Before(p.start) {
		return false
	}
	return !p.end.IsZero() && !due.Before(p.end) || p.count > 0 && p.measured == p.count
}

// giveUp counts what was due before the time given and is not sent.
func (p *openPacer) giveUp(due, before time.Time) {
	p.done = true
	for due.Before(before) && !p.over(due) {
		if !due.Before(p.start) {
			p.unsent++
			p.measured++
		}
		due = p.begin.Add(p.schedule.next())
	}
}

// missed returns how many requests were due and not sent, when the run is over.
func (p *openPacer) missed() uint64 {
	<-p.turn
	defer func() { p.turn <- struct{}{} }()
	return p.unsent
}

// Timers of the runtime may be a millisecond late, so the last bit of a wait is a nap.
const (
	coarse = 3 * time.Millisecond
	early  = 2 * time.Millisecond
)

func (p *openPacer) wait(ctx context.Context, due time.Time) {
	for ctx.Err() == nil {
		left := time.Until(due)
		switch {
		case left <= 0:
			return
		case left < coarse:
			p.nap(left)
		default:
			timer := time.NewTimer(left - early)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}
	}
}
