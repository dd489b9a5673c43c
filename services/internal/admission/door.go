package admission

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// fewPerProcessor is the weight of requests, for each processor, below which nothing is refused at
	// the door: at some ten microseconds a unit, a processor does it in a few milliseconds.
	fewPerProcessor = 256
	// hasty is how long a request may wait, whatever its deadline.
	hasty = 40 * time.Millisecond
	// patienceShare is how many of the last requests tell how long clients wait.
	patienceShare = 64
	// standing is how long a queue must be too long before anything is refused.
	standing = 100 * time.Millisecond
	// lingering is for how long requests may be refused after a queue was too long.
	lingering = time.Second
	// passing is how many requests there are to one that passes, where the queue before the door
	// alone is too long: to refuse all would leave nothing to answer.
	passing = 4

	lookEvery  = time.Millisecond      // how often the queue is looked at
	askEvery   = 5 * time.Millisecond  // how often it is asked what is unread, which takes longer
	rateWindow = 20 * time.Millisecond // how long requests are counted for a rate, at least
	rateCount  = 50                    // until there were so many
	rateMost   = 5 * rateWindow        // or for so long
	staleAfter = 50 * time.Millisecond // without a look, what was seen tells nothing
)

// door refuses requests while a queue stands that is too long.
type door struct {
	backlog    func() int           // nil: nothing is refused
	unread     func() time.Duration // nil: it is not known
	maxWait    time.Duration
	processors int
	patience   atomic.Int64 // how long clients wait, in ns; see Patience

	present  atomic.Int64  // those let in
	answered atomic.Int64  // of those, how many have ended
	refused  atomic.Int64  // those not let in
	mean     atomic.Int64  // weight of those that ended, in sixteenths
	passed   atomic.Uint64 // counts those that may pass

	// What was found when the queue was looked at last.
	looked atomic.Int64 // when, in ns
	waits  atomic.Int64 // how long a request waits, in ns
	room   atomic.Int64 // how many may be present
	before atomic.Bool  // the queue before the door alone is by far too long

	looking sync.Mutex // held by the one that looks, for what follows
	asked   time.Duration
	lies    time.Duration // what unread said last
	began   time.Duration // of the window that is counted
	answers counted
	turns   counted
	tooLong bool
	since   time.Duration // when it became too long
	until   time.Duration // for how long requests are refused, as far as it is known
}

// counted is the rate at which something happens.
type counted struct {
	from int64   // how many there had been when the window began
	rate float64 // in a nanosecond; 0: not known
}

// take adds what happened in a window.
func (c *counted) take(now int64, took time.Duration) {
	rate := float64(now-c.from) / float64(took)
	if c.rate > 0 {
		rate = (c.rate + rate) / 2
	}
	c.from, c.rate = now, rate
}

// Patience notes how long a client waits whose request comes now; 0 or less: as long as it takes. Two
// fifths of what the clients of late wait is how long a request may wait at the door, at least 40 ms and
// at most MaxWait: with time to spare a queue does no harm, and to refuse does. Some wait for twice as
// long as was expected, and should still be in time.
func (c *Controller) Patience(timeout time.Duration) {
	d := &c.door
	most := int64(d.mostPatience())
	now := most
	if timeout > 0 {
		now = min(int64(timeout), most)
	}
	if old := d.patience.Load(); now != old {
		step := (now - old) / patienceShare
		if step == 0 {
			step = now - old
		}
		d.patience.Store(old + step) // one that is lost to another is no loss
	}
}

// mostPatience is that of clients who wait for as long as it takes.
func (d *door) mostPatience() time.Duration { return d.maxWait * 5 / 2 }

// limit is how long a request may wait.
func (d *door) limit() time.Duration { return within(time.Duration(d.patience.Load()), d.maxWait) }

// within returns how long a request may wait whose client waits for so long.
func within(patience, maxWait time.Duration) time.Duration {
	return min(max(patience*2/5, hasty), maxWait)
}

// Arrive says whether a request that has come now may go on. Depart is due for those that may.
func (c *Controller) Arrive(now time.Time) Verdict {
	d := &c.door
	n := d.present.Add(1)
	if d.backlog == nil {
		return Admitted
	}
	at := now.Sub(c.epoch)
	if at-time.Duration(d.looked.Load()) >= lookEvery && d.looking.TryLock() {
		d.look(at)
		d.looking.Unlock()
	}
	if n <= d.room.Load() && (!d.before.Load() || d.passed.Add(1)%passing == 0) {
		return Admitted
	}
	d.present.Add(-1)
	d.refused.Add(1)
	return Overloaded
}

// Depart counts a request of this weight as gone that was let in; 0: the weight is not known.
func (c *Controller) Depart(weight int64) {
	d := &c.door
	if old := d.mean.Load(); weight > 0 && weight*16 != old {
		d.mean.Store(old + max((weight*16-old)/16, min(weight*16-old, 1))) // one that is lost to another is no loss
	}
	d.answered.Add(1)
	d.present.Add(-1)
}

// look looks at the queue. looking is held.
func (d *door) look(now time.Duration) {
	if now-time.Duration(d.looked.Load()) > staleAfter {
		d.restart(now)
		d.tooLong, d.lies = false, 0
	}
	d.looked.Store(int64(now))
	ready, present := d.backlog(), d.present.Load()
	if now-d.asked >= askEvery {
		d.asked, d.lies = now, 0
		if ready >= d.processors && d.unread != nil { // else what arrives is read at once
			d.lies = d.unread()
		}
	}
	d.measure(now, ready)
	before := d.lies + over(float64(ready), d.turns.rate)
	wait := before
	if ready >= 2*d.processors { // else those who are present wait for their clients
		wait = max(wait, d.lies+over(float64(present), d.answers.rate))
	}
	if d.few(int64(ready), present) {
		wait = 0
	}
	d.waits.Store(int64(wait))
	limit := d.limit()
	if !d.refusing(now, wait, limit) {
		d.room.Store(math.MaxInt64)
		d.before.Store(false)
		return
	}
	left := max(limit-before, limit/2)
	d.room.Store(max(int64(d.answers.rate*float64(left)), 4*int64(d.processors)))
	d.before.Store(before > limit+limit/2 && wait > 0)
}

// refusing reports whether a queue has stood that was too long, now or a moment ago: what was just
// worked off would be there again at once if all were let in.
func (d *door) refusing(now, wait, limit time.Duration) bool {
	switch {
	case wait < limit/2:
		d.tooLong = false
	case wait > limit && !d.tooLong:
		d.tooLong, d.since = true, now
	}
	if wait > limit && (now < d.until || now-d.since >= standing) {
		d.until = now + lingering
	}
	return now < d.until
}

// restart begins to count anew.
func (d *door) restart(now time.Duration) {
	d.began = now
	d.answers.from = d.answered.Load()
	d.turns.from = d.answers.from + d.refused.Load()
}

// measure takes new rates when it has counted for long enough, all the time with a queue: else they
// would be those at which requests come.
func (d *door) measure(now time.Duration, ready int) {
	if ready < 2*d.processors {
		d.restart(now)
		return
	}
	answered := d.answered.Load()
	took := now - d.began
	if took < rateWindow || answered-d.answers.from < rateCount && took < rateMost {
		return
	}
	d.answers.take(answered, took)
	d.turns.take(answered+d.refused.Load(), took)
	d.began = now
}

// few reports whether so few requests wait that it cannot be for long.
func (d *door) few(ready, present int64) bool {
	unread := int64(float64(d.lies) * d.turns.rate)
	return max(ready, present, unread)*d.weight()/16 < d.least()
}

// least is the weight of requests that is always let in.
func (d *door) least() int64 { return int64(fewPerProcessor * d.processors) }

// weight is the mean weight of requests, in sixteenths.
func (d *door) weight() int64 { return max(d.mean.Load(), 16) }

// over is how long n take at a rate; 0 where that is not known.
func over(n, rate float64) time.Duration {
	if rate <= 0 {
		return 0
	}
	return time.Duration(min(n/rate, float64(time.Hour)))
}

// wait returns how long a request waits for a processor, 0 where nobody has looked lately.
func (d *door) wait(now time.Duration) time.Duration {
	if now-time.Duration(d.looked.Load()) > staleAfter {
		return 0
	}
	return time.Duration(d.waits.Load())
}
