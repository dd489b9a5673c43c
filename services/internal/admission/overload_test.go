package admission_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/admission"
)

// world is a server with one processor in virtual time, and its clients. Requests that are due while
// their client has as many in flight as it may wait in the client. The server works on them one after
// the other, to the end of each, as Go's scheduler does with requests that do not block.
type world struct {
	controller *admission.Controller
	draw       *rand.Rand
	start      time.Time
	now        time.Duration
	events     events

	// What the work on a request takes: all of it, and as much as it takes to refuse it.
	answer, refusal time.Duration
	weight          int64
	timeout         time.Duration
	tells           time.Duration // that which requests tell; 0: they do not
	slots           int           // requests that clients may have in flight

	inFlight int
	waiting  []*request // in the clients
	ready    []*request // in the server
	busy     bool
	all      []*request
}

type request struct {
	due, sentAt, done time.Duration
	sent              bool
	ended             bool // for the client
	answered          bool // in time
	refused           bool
}

type event struct {
	at time.Duration
	do func()
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) } //nolint:forcetypeassert // nothing else is pushed
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (w *world) at(at time.Duration, do func()) { heap.Push(&w.events, event{at, do}) }

// load makes requests due at this rate a second, from one time to another.
func (w *world) load(rate float64, from, to time.Duration) {
	for at := from; at < to; at += time.Duration(w.draw.ExpFloat64() / rate * float64(time.Second)) {
		w.at(at, func() {
			r := &request{due: w.now}
			w.all = append(w.all, r)
			w.waiting = append(w.waiting, r)
			w.at(r.due+w.timeout, func() { w.end(r) })
			w.send()
		})
	}
}

func (w *world) send() {
	for w.inFlight < w.slots && len(w.waiting) > 0 {
		r := w.waiting[0]
		w.waiting = w.waiting[1:]
		if r.ended || w.now-r.due > patience {
			continue // it was not sent
		}
		r.sent, r.sentAt = true, w.now
		w.inFlight++
		w.ready = append(w.ready, r)
		w.work()
	}
}

// end is when the client has the answer, or gives up.
func (w *world) end(r *request) {
	if r.ended {
		return
	}
	r.ended, r.done = true, w.now
	if !r.sent {
		return
	}
	w.inFlight--
	w.send()
}

// work lets the processor work on the next request that is ready.
func (w *world) work() {
	if w.busy || len(w.ready) == 0 {
		return
	}
	r := w.ready[0]
	w.ready = w.ready[1:]
	w.busy = true
	w.controller.Patience(w.tells)
	admitted := w.controller.Arrive(w.start.Add(w.now)) == admission.Admitted
	takes := w.answer
	if !admitted || r.ended { // who has given up is not answered
		takes = w.refusal
	}
	w.at(w.now+takes, func() {
		if admitted {
			w.controller.Depart(w.weight)
		}
		w.busy = false
		if !r.ended {
			r.refused, r.answered = !admitted, admitted
			w.end(r)
		}
		w.work()
	})
}

func (w *world) run() {
	heap.Init(&w.events)
	for len(w.events) > 0 {
		e := heap.Pop(&w.events).(event) //nolint:forcetypeassert // nothing else is pushed
		w.now = e.at
		e.do()
	}
}

// found is what became of the requests that were due in a time.
type found struct {
	due, answered, refused int
	p99                    time.Duration // of those answered, from when they were sent
}

func (w *world) found(from, to time.Duration) found {
	var f found
	var took []time.Duration
	for _, r := range w.all {
		if r.due < from || r.due >= to {
			continue
		}
		f.due++
		if r.refused {
			f.refused++
		}
		if r.answered {
			f.answered++
			took = append(took, r.done-r.sentAt)
		}
	}
	slices.Sort(took)
	if len(took) > 0 {
		f.p99 = took[len(took)*99/100]
	}
	return f
}

func (f found) String() string {
	return fmt.Sprintf("%d due, %d answered, %d refused, 99th percentile %v", f.due, f.answered, f.refused, f.p99)
}

// patience is how long a request waits in its client.
const patience = 10 * time.Millisecond

const (
	calm     = time.Second
	overload = 3 * time.Second
	after    = 2 * time.Second
)

// flooded describes a server and its clients.
type flooded struct {
	answer  time.Duration // what a request takes
	refusal float64       // what it takes to refuse one, as a share of that
	weight  int64
	slots   int           // how many requests the clients may have in flight in all
	maxWait time.Duration // 0: nothing is refused
	timeout time.Duration // 0: a tenth of a second, of which the server is not told
}

// flood runs a server at half of its capacity, then for a time at three times that, then at half again.
func flood(f flooded) *world {
	w := &world{
		draw:    rand.New(rand.NewPCG(1, 2)),
		start:   time.Now(),
		answer:  f.answer,
		refusal: time.Duration(f.refusal * float64(f.answer)),
		weight:  f.weight,
		timeout: 100 * time.Millisecond,
		slots:   f.slots,
	}
	if f.timeout > 0 {
		w.timeout, w.tells = f.timeout, f.timeout
	}
	w.controller = admission.New(admission.Options{Processors: 1, MaxWait: f.maxWait, Backlog: func() int { return len(w.ready) }})
	w.controller.SetEpoch(w.start)
	capacity := 1 / f.answer.Seconds()
	w.load(capacity/2, 0, calm)
	w.load(3*capacity, calm, calm+overload)
	w.load(capacity/2, calm+overload, calm+overload+after)
	w.run()
	return w
}

// goodput is the share of a server's capacity that was answered in time while it was flooded.
func (f flooded) goodput(w *world) float64 {
	return float64(w.found(calm, calm+overload).answered) * f.answer.Seconds() / overload.Seconds()
}

// TestFloodInVirtualTime floods a server with three times what it can do. What refusing costs was
// measured: some twentieth of an answer to a thousand rows, more than a third of one to a single row.
func TestFloodInVirtualTime(t *testing.T) {
	t.Parallel()
	many := flooded{answer: time.Millisecond, refusal: 0.05, weight: 16, slots: 1000, maxWait: 50 * time.Millisecond}
	few := flooded{answer: 100 * time.Microsecond, refusal: 0.38, weight: 1, slots: 400, maxWait: 50 * time.Millisecond}
	told := many
	told.maxWait, told.timeout = 250*time.Millisecond, 100*time.Millisecond
	for name, f := range map[string]flooded{
		"a thousand requests of many rows": many, "as many of one row as few connections may have": few,
		"the default, where requests tell their deadlines": told,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := flood(f)
			during := w.found(calm, calm+overload)
			t.Logf("goodput %.2f of the capacity; %v", f.goodput(w), during)
			if got := f.goodput(w); got < 0.8 {
				t.Errorf("the goodput is %.2f of the capacity, expected 0.8 or more", got)
			}
			if during.p99 >= 100*time.Millisecond {
				t.Errorf("the 99th percentile is %v, expected less than 100ms", during.p99)
			}
			end := calm + overload
			if later := w.found(end+time.Second, end+after); later.answered*100 < later.due*99 {
				t.Errorf("a second after the flood: %v, expected all to be answered", later)
			}
			if before := w.found(0, calm); before.answered != before.due {
				t.Errorf("before the flood: %v, expected all to be answered", before)
			}
		})
	}
	t.Run("without admission", func(t *testing.T) {
		t.Parallel()
		f := many
		f.maxWait = 0
		if got := f.goodput(flood(f)); got > 0.3 {
			t.Errorf("the goodput is %.2f of the capacity: the flood shows nothing", got)
		}
	})
}

// TestWhoHasTimeIsNotRefused: clients that wait for each answer, on a machine that is slow, have a queue
// stand that harms nobody, unless their deadlines are near.
func TestWhoHasTimeIsNotRefused(t *testing.T) {
	t.Parallel()
	for tells, refused := range map[time.Duration]bool{0: false, time.Second: false, 100 * time.Millisecond: true} {
		w := &world{
			draw: rand.New(rand.NewPCG(5, 6)), start: time.Now(),
			answer: time.Millisecond, refusal: 50 * time.Microsecond, weight: 4, timeout: time.Second, tells: tells, slots: 150,
		}
		w.controller = admission.New(admission.Options{Processors: 1, MaxWait: 250 * time.Millisecond, Backlog: func() int { return len(w.ready) }})
		w.controller.SetEpoch(w.start)
		w.load(2000, 0, 3*time.Second)
		w.run()
		if got := w.found(0, 3*time.Second); (got.refused > 0) != refused || got.answered < 2000 {
			t.Errorf("with the deadline %v: %v", tells, got)
		}
	}
}

// TestBurstsAreWorkedOff: a queue that does not stand is none.
func TestBurstsAreWorkedOff(t *testing.T) {
	t.Parallel()
	w := &world{
		draw: rand.New(rand.NewPCG(3, 4)), start: time.Now(),
		answer: 100 * time.Microsecond, refusal: 38 * time.Microsecond, weight: 1, timeout: time.Second, slots: 10_000,
	}
	w.controller = admission.New(admission.Options{Processors: 1, MaxWait: 50 * time.Millisecond, Backlog: func() int { return len(w.ready) }})
	w.controller.SetEpoch(w.start)
	for at := time.Duration(0); at < 2*time.Second; at += 500 * time.Millisecond {
		w.load(1e6, at, at+time.Millisecond) // a thousand at once: a hundred milliseconds of work
	}
	w.run()
	if got := w.found(0, 2*time.Second); got.answered != got.due || got.due < 3000 {
		t.Errorf("%v, expected all to be answered", got)
	}
}
