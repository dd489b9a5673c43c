// Package admission keeps an overloaded server answering: what it cannot do in time it refuses
// early, so that the rest is still worth its work. It knows no HTTP and no RPC.
//
// A request passes two places. At the door, before anything of it is read, it is refused if what
// is there already takes longer than a request may wait ([Controller.Arrive]). When its message is
// there, it waits for its turn to be worked on ([Controller.Enter]): work in flight is bounded by
// weight, the queue for it in length and time, and what has no chance to be done by its deadline does
// not begin. Who waits for a client, for a message or for an answer to be taken, holds nothing of this.
//
// # Where the wait is
//
// A small prediction takes a few microseconds between two points at which it may block. On as many
// processors as there are, such requests run one after the other to their end, and a bound on those
// that run is hardly ever met: a flood waits before, as goroutines that are ready and have no
// processor, and as bytes that nobody has read yet. Both can be asked for at little cost: the runtime
// counts the former in 0.1 µs. The wait is their number over the rate at which requests come to their
// end, as PIE has it (RFC 8033, section 5.2; Little's law). How long it may be follows the deadlines
// of clients ([Controller.Patience]): who waits for seconds anyhow is not helped by a refusal.
//
// As with CoDel (RFC 8289) only a queue that stands is too long: one that is gone within a tenth of a
// second was a burst, and is worked off. Once one stood, no more requests are let in for a second than
// can be answered in time, or the next tenth of a second would bring it back. Nothing is refused while
// few requests are there: a process that gets no processor is slow, but has nothing to gain by refusing.
//
// Requests that take long share the processor with those at the door. So only few are worked on at the
// same time, by weight, and the others wait where they are not in the way: that is what turns are for.
//
// # Why the queue is as long as it is, and first in, first out
//
// A refusal is not free: net/http reads the headers, starts a goroutine and writes an answer, which is
// a third of what a prediction of one row costs in all, though a twentieth of one of a thousand rows. A
// client that keeps a number of requests in flight sends the next at once. So the shorter the queue,
// the more refusals it takes to keep it so, and the less is left for answers: the queue is therefore as
// long as is bearable, and where it is too long before the door already, one request in four passes all
// the same. Serving the newest first (adaptive LIFO, as at Facebook) would pay where a refusal costs
// nothing. What keeps a flood of small requests away is the bound on those that one connection may
// have in flight: then clients wait, and that costs nothing here.
//
// Rates are learned from what is done, as by Netflix's concurrency limits; that the queueing time tells
// overload, and not the time to answer, is from DAGOR (WeChat).
package admission

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Options set a controller up.
type Options struct {
	// Processors is how many goroutines run at the same time. At least 1.
	Processors int
	// Limit is the weight that may be in flight. 0: [DefaultLimit] for each processor.
	Limit int64
	// MaxWait is how long a request may wait; no longer than two fifths of the time that its client gives,
	// where that is more than 40 ms. 0: as long as it likes, and nothing is ever
	// refused for a queue that is too long, nor for one that stands.
	MaxWait time.Duration
	// Backlog returns how many goroutines are ready to run and do not. Nil: it is not known, and the
	// door lets all pass.
	Backlog func() int
	// Unread returns how long what arrives waits until it is read from its connection. One goroutine
	// calls it at a time, and only while there is a backlog. Nil: it is not known, and counts as 0.
	Unread func() time.Duration
}

const (
	// DefaultLimit is the weight that may be in flight for each processor: many times what a processor
	// works on at a time, since what blocks or was preempted counts.
	DefaultLimit = 64
	// maxQueue is how many requests may wait for their turn, for each processor.
	maxQueue = 1024
	// heavy is the weight from which on the time that a request takes is estimated.
	heavy = 16
)

// Verdict is what becomes of a request.
type Verdict uint8

// The verdicts.
const (
	// Admitted requests go on.
	Admitted Verdict = iota
	// Overloaded is why a request is refused that would wait too long, or did.
	Overloaded
	// Late is why one is refused that cannot be done by its deadline.
	Late
	// Gone is why one is refused whose context has ended: there is nobody who waits for it.
	Gone
)

// Controller says what is admitted. Make one with [New]. Any number of goroutines may use it.
type Controller struct {
	maxWait time.Duration
	epoch   time.Time
	now     func() time.Duration // since epoch
	most    int64                // what a request weighs at most
	door    door

	inFlight atomic.Int64 // at most queue.limit
	waiting  atomic.Int64 // length of queue; changed under mu
	cost     atomic.Int64 // what a unit of heavy requests takes, in ns; 0: not known

	mu    sync.Mutex
	queue queue
}

// New returns a controller.
func New(o Options) *Controller {
	processors := max(o.Processors, 1)
	if o.Limit <= 0 {
		o.Limit = int64(DefaultLimit * processors)
	}
	c := &Controller{maxWait: o.MaxWait, epoch: time.Now()}
	c.now = func() time.Duration { return time.Since(c.epoch) }
	// None weighs so much that a processor would stand idle beside it.
	c.most = max(o.Limit/int64(2*processors), 1)
	c.queue = queue{limit: o.Limit, most: maxQueue * processors, inFlight: &c.inFlight}
	c.door.room.Store(math.MaxInt64)
	c.door.maxWait, c.door.processors = o.MaxWait, processors
	c.door.patience.Store(int64(c.door.mostPatience()))
	if o.MaxWait > 0 {
		c.door.backlog, c.door.unread = o.Backlog, o.Unread
	}
	return c
}

// Free reports whether a request of this weight has its turn as soon as it comes, and is so light
// that it makes no difference when it must be done.
func (c *Controller) Free(weight int64) bool {
	return weight < heavy && c.waiting.Load() == 0 && c.inFlight.Load()+weight <= c.queue.limit
}

// Turn is leave to work on a request. Its zero value is none.
type Turn struct {
	// Waited is how long it was waited for; 0 where it was not.
	Waited time.Duration

	weight int64         // what counts
	own    int64         // what the request weighs
	began  time.Duration // of heavy ones
}

// Enter waits for the turn of a request of this weight, at least 1. What is patient waits as long as
// its context lasts, and is never refused for the length of the queue. The turn must be given back
// with Leave if, and only if, the verdict is [Admitted]; else it only tells how long was waited.
func (c *Controller) Enter(ctx context.Context, weight int64, patient bool) (Turn, Verdict) {
	t := Turn{weight: min(max(weight, 1), c.most), own: weight}
	if ctx.Err() != nil {
		return Turn{}, goneOrLate(ctx)
	}
	if weight >= heavy {
		t.began = c.now()
		if c.hopeless(ctx, weight, t.began) {
			return Turn{}, Late
		}
	}
	if c.waiting.Load() == 0 && take(&c.inFlight, c.queue.limit, t.weight) {
		return t, Admitted
	}
	came := c.now()
	verdict := c.wait(ctx, came, t.weight, patient)
	t.began = c.now()
	t.Waited = t.began - came
	if verdict != Admitted {
		return Turn{Waited: t.Waited}, verdict
	}
	return t, Admitted
}

// TryEnter is Enter for light requests, where there is room now: else it returns false.
func (c *Controller) TryEnter(weight int64) (Turn, bool) {
	t := Turn{weight: min(max(weight, 1), c.most), own: weight}
	return t, weight < heavy && c.waiting.Load() == 0 && take(&c.inFlight, c.queue.limit, t.weight)
}

// Leave gives a turn back.
func (c *Controller) Leave(t Turn) {
	if t.own >= heavy {
		c.learn((c.now() - t.began) / time.Duration(t.own))
	}
	c.inFlight.Add(-t.weight)
	if c.waiting.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.released(c.now(), t.weight)
	c.grant()
}

// learn keeps a mean of the last few dozen.
func (c *Controller) learn(perUnit time.Duration) {
	const last = 32
	old := c.cost.Load()
	if old == 0 {
		c.cost.Store(int64(perUnit))
		return
	}
	c.cost.Store(old + (int64(perUnit)-old)/last) // one that is lost to another is no loss
}

// hopeless reports whether a heavy request cannot be done by its deadline. It takes half of the time
// that such a request usually takes: to answer in vain is better than to refuse what would have been.
func (c *Controller) hopeless(ctx context.Context, weight int64, now time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	return bounded && deadline.Sub(c.epoch)-now < time.Duration(c.cost.Load()*weight/2)
}

// take adds to a sum unless it would be more than the limit.
func take(sum *atomic.Int64, limit, weight int64) bool {
	for {
		now := sum.Load()
		if now+weight > limit {
			return false
		}
		if sum.CompareAndSwap(now, now+weight) {
			return true
		}
	}
}

// wait waits in the queue.
func (c *Controller) wait(ctx context.Context, now time.Duration, weight int64, patient bool) Verdict {
	deadline, maxWait := time.Duration(math.MaxInt64), c.maxWait
	if end, bounded := ctx.Deadline(); bounded {
		deadline = end.Sub(c.epoch)
		maxWait = within(deadline-now, maxWait)
	}
	if patient {
		maxWait = 0
	}
	c.mu.Lock()
	w, verdict := c.queue.offer(now, deadline, maxWait, weight, patient)
	if verdict != Admitted {
		c.mu.Unlock()
		return verdict
	}
	c.waiting.Store(int64(c.queue.length)) // from here on, who leaves looks at the queue
	c.grant()                              // who left before did not
	c.mu.Unlock()

	var timeout <-chan time.Time
	if maxWait > 0 {
		timer := time.NewTimer(maxWait)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-w.granted:
		return Admitted
	case <-timeout:
		verdict = Overloaded
	case <-ctx.Done():
		verdict = goneOrLate(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.queue.remove(w) {
		return Admitted // it was granted in the meantime
	}
	c.waiting.Store(int64(c.queue.length))
	c.grant() // it may have been too heavy, and those behind it are not
	return verdict
}

// grant lets in who waits first, as far as the limit allows. mu is held.
func (c *Controller) grant() {
	for c.queue.next() != nil {
	}
	c.waiting.Store(int64(c.queue.length))
}

func goneOrLate(ctx context.Context) Verdict {
	if ctx.Err() == context.DeadlineExceeded {
		return Late
	}
	return Gone
}

// Crowded reports whether requests wait: for their turn, or so long for a processor that some are
// refused.
func (c *Controller) Crowded() bool {
	return c.waiting.Load() > 0 || c.door.room.Load() < math.MaxInt64
}

// State is what a controller is doing.
type State struct {
	// Present is how many requests have come through the door and not ended.
	Present int64
	// InFlight is the weight that is worked on, Limit what it may be at most.
	InFlight, Limit int64
	// Waiting is how many requests wait for their turn.
	Waiting int64
	// Wait is how long a request waits for a processor, as far as there is a queue at all.
	Wait time.Duration
}

// State returns what the controller is doing now.
func (c *Controller) State() State {
	return State{
		Present: c.door.present.Load(), InFlight: c.inFlight.Load(), Limit: c.queue.limit,
		Waiting: c.waiting.Load(), Wait: c.door.wait(c.now()),
	}
}
