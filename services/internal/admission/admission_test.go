package admission_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sepal-ml/sepal/services/internal/admission"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNoMoreInFlightThanTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 8
	c := admission.New(admission.Options{Processors: 1, Limit: limit})
	var inFlight, admitted, most atomic.Int64
	var workers sync.WaitGroup
	for worker := range uint64(32) {
		workers.Go(func() {
			draw := rand.New(rand.NewPCG(worker, 1))
			for range 200 {
				ctx, cancel := context.WithCancel(context.Background())
				if draw.IntN(8) == 0 {
					cancel() // before, or while it waits
				}
				weight := 1 + draw.Int64N(limit/2) // none weighs more than half of what there is
				turn, verdict := c.Enter(ctx, weight, draw.IntN(2) == 0)
				if verdict == admission.Admitted {
					if now := inFlight.Add(weight); now > limit {
						most.Store(now)
					}
					admitted.Add(1)
					runtime.Gosched()
					inFlight.Add(-weight)
					c.Leave(turn)
				}
				cancel()
			}
		})
	}
	workers.Wait()
	if most.Load() > 0 {
		t.Errorf("a weight of %d was in flight, expected %d at most", most.Load(), limit)
	}
	if s := c.State(); s.InFlight != 0 || s.Waiting != 0 || admitted.Load() == 0 {
		t.Errorf("after %d turns: %+v, expected nothing in flight", admitted.Load(), s)
	}
}

// full returns a controller whose limit is used up, and what gives it back.
func full(t *testing.T, o admission.Options) (c *admission.Controller, leave func()) {
	t.Helper()
	o.Processors, o.Limit = 1, 2
	c = admission.New(o)
	var turns []admission.Turn
	for range 2 {
		turn, verdict := c.Enter(t.Context(), 1, false)
		if verdict != admission.Admitted || turn.Waited != 0 {
			t.Fatalf("with nothing in flight, a request is %v after %v", verdict, turn.Waited)
		}
		turns = append(turns, turn)
	}
	return c, func() {
		for _, turn := range turns {
			c.Leave(turn)
		}
	}
}

// waiting waits until so many wait for their turn.
func waiting(t *testing.T, c *admission.Controller, n int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); c.State().Waiting != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v, expected %d to wait", c.State(), n)
		}
	}
}

func TestWhoWaitsComesInOrder(t *testing.T) {
	t.Parallel()
	c, leave := full(t, admission.Options{})
	const many = 20
	order := make(chan int, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			turn, verdict := c.Enter(t.Context(), 2, i%2 == 0) // one at a time
			if verdict != admission.Admitted || turn.Waited <= 0 {
				t.Errorf("one that waits is %v after %v", verdict, turn.Waited)
				return
			}
			order <- i
			c.Leave(turn)
		})
		waiting(t, c, int64(i)+1)
	}
	leave()
	all.Wait()
	close(order)
	// Weights above what is left for each processor are cut, so two may be in at a time.
	next := 0
	for i := range order {
		if i > next+1 {
			t.Errorf("request %d came in when %d was due", i, next)
		}
		next++
	}
	if next != many {
		t.Errorf("%d came in, expected %d", next, many)
	}
}

func TestWhoWaitsGivesUp(t *testing.T) {
	t.Parallel()
	soon := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	for name, test := range map[string]struct {
		maxWait time.Duration
		patient bool
		ctx     func(t *testing.T) context.Context
		want    admission.Verdict
	}{
		"after the longest wait":   {10 * time.Millisecond, false, (*testing.T).Context, admission.Overloaded},
		"at its deadline":          {0, false, soon, admission.Late},
		"patient, at its deadline": {time.Millisecond, true, soon, admission.Late},
		"when it is cancelled": {0, true, func(t *testing.T) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			return ctx
		}, admission.Gone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, leave := full(t, admission.Options{MaxWait: test.maxWait})
			if turn, verdict := c.Enter(test.ctx(t), 1, test.patient); verdict != test.want || turn.Waited <= 0 {
				t.Errorf("it is %v after %v, expected %v", verdict, turn.Waited, test.want)
			}
			leave()
			if s := c.State(); s.InFlight != 0 || s.Waiting != 0 {
				t.Errorf("%+v, expected nothing to be left", s)
			}
		})
	}
}

func TestWhatCannotBeDoneInTimeIsNotBegun(t *testing.T) {
	t.Parallel()
	c := admission.New(admission.Options{Processors: 1})
	ended, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, verdict := c.Enter(ended, 1, false); verdict != admission.Late {
		t.Errorf("a request whose deadline has passed is %v", verdict)
	}
	// A request of the same weight that took half a second tells how long such take.
	turn, _ := c.Enter(t.Context(), 1000, false)
	time.Sleep(500 * time.Millisecond)
	c.Leave(turn)
	near, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, verdict := c.Enter(near, 1000, false); verdict != admission.Late {
		t.Errorf("a request that takes half a second and has a tenth is %v", verdict)
	}
	far, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if _, verdict := c.Enter(far, 1000, false); verdict != admission.Admitted {
		t.Errorf("a request that has an hour is %v", verdict)
	}
}

func TestAdmittingAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	c := admission.New(admission.Options{Processors: 2, MaxWait: time.Second, Backlog: func() int { return 5 }})
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if c.Arrive(time.Now()) != admission.Admitted {
			t.Error("refused")
		}
		turn, _ := c.Enter(ctx, 1, false)
		c.Leave(turn)
		c.Depart(1)
	}); n > 0 {
		t.Errorf("a request takes %v allocations, expected none", n)
	}
}

func BenchmarkAdmit(b *testing.B) {
	c := admission.New(admission.Options{Processors: 2, MaxWait: time.Second, Backlog: func() int { return 5 }})
	ctx, now := b.Context(), time.Now()
	for b.Loop() {
		c.Arrive(now)
		turn, _ := c.Enter(ctx, 1, false)
		c.Leave(turn)
		c.Depart(1)
	}
}
