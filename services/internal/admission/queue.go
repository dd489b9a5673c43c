package admission

import (
	"sync/atomic"
	"time"
)

// queue is the line of those that wait for their turn, first in, first out. It has no clock and no
// lock of its own.
type queue struct {
	limit    int64 // of the weight in flight
	most     int   // how many may wait that are not patient
	inFlight *atomic.Int64

	first, last *waiter
	length      int
	weight      int64 // of all that wait

	pace      time.Duration // how long a unit of weight takes to be done while others wait; 0: not known
	measured  time.Duration // since when done was counted
	done      int64
	measuring bool
}

// waiter is one that waits.
type waiter struct {
	weight         int64
	granted        chan struct{} // closed when its turn has come
	next, previous *waiter
	queued         bool
}

// paceWindow is for how long done weight is counted for a new pace.
const paceWindow = 10 * time.Millisecond

// offer puts a request into the line, unless it would wait too long: past its deadline, or longer than
// maxWait, where that is not 0.
func (q *queue) offer(now, deadline, maxWait time.Duration, weight int64, patient bool) (*waiter, Verdict) {
	expected := time.Duration(q.weight+weight) * q.pace
	switch {
	case now >= deadline || expected > deadline-now:
		return nil, Late
	case !patient && q.length >= q.most:
		return nil, Overloaded
	case maxWait > 0 && expected > maxWait:
		return nil, Overloaded
	}
	if q.length == 0 {
		q.measuring = false // a new line
	}
	w := &waiter{weight: weight, granted: make(chan struct{}), previous: q.last, queued: true}
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.length++
	q.weight += weight
	return w, Admitted
}

// next takes the first of the line out and lets it in, if the limit allows it; else it returns nil.
func (q *queue) next() *waiter {
	w := q.first
	if w == nil || !take(q.inFlight, q.limit, w.weight) {
		return nil
	}
	q.remove(w)
	close(w.granted)
	return w
}

// remove takes one out of the line, and reports whether it was there.
func (q *queue) remove(w *waiter) bool {
	if !w.queued {
		return false
	}
	w.queued = false
	if w.previous == nil {
		q.first = w.next
	} else {
		w.previous.next = w.next
	}
	if w.next == nil {
		q.last = w.previous
	} else {
		w.next.previous = w.previous
	}
	w.next, w.previous = nil, nil
	q.length--
	q.weight -= w.weight
	return true
}

// released counts weight that was done while others waited.
func (q *queue) released(now time.Duration, weight int64) {
	if !q.measuring {
		q.measuring, q.measured, q.done = true, now, 0
		return
	}
	q.done += weight
	took := now - q.measured
	if took < paceWindow {
		return
	}
	pace := took / time.Duration(q.done)
	if q.pace > 0 {
		pace = (q.pace + pace) / 2
	}
	q.pace, q.measured, q.done = pace, now, 0
}
