// Package compare measures servers against each other, so that what the machine does besides
// meets all of them alike.
//
// [Together] loads two servers at the same time on one processor and compares the processor time
// that each uses per unit of work. [InTurn] loads servers one after the other, each having the
// processor to itself, and compares the work that each does in a second. Both do so several
// times, with fresh processes in another order each time, and leave it to the median.
package compare

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
)

// Contestant is a server and what it is asked.
type Contestant struct {
	Server process.Command
	Load   drive.Load
}

// Options say how long to measure.
type Options struct {
	// Rounds is how many times each contestant is measured.
	Rounds int
	// Warmup is for how long a server is asked before anything counts, Window for how long then.
	Warmup, Window time.Duration
}

// Cost is what a contestant did in one round.
type Cost struct {
	// Units is the work that was done, CPU the processor time that it took, Elapsed how long.
	Units        uint64
	CPU, Elapsed time.Duration
}

// PerUnit returns the processor time of a unit of work, in microseconds.
func (c Cost) PerUnit() float64 { return c.CPU.Seconds() * 1e6 / float64(c.Units) }

// PerSecond returns the units of work in a second.
func (c Cost) PerSecond() float64 { return float64(c.Units) / c.Elapsed.Seconds() }

// Together measures a and b at the same time. A round has what each of them cost, a first.
func Together(ctx context.Context, o Options, a, b Contestant) ([][]Cost, error) {
	contestants := []Contestant{a, b}
	return rounds(o, len(contestants), func(order []int, costs []Cost) error {
		runners := make([]*runner, len(order))
		defer func() {
			for _, r := range runners {
				r.stop()
			}
		}()
		for _, i := range order {
			var err error
			if runners[i], err = start(ctx, contestants[i]); err != nil {
				return err
			}
		}
		for _, i := range order {
			runners[i].begin()
		}
		return measure(ctx, o, runners, costs)
	})
}

// InTurn measures the contestants one after the other. A round has what each of them cost, in
// the order in which they were given.
func InTurn(ctx context.Context, o Options, contestants ...Contestant) ([][]Cost, error) {
	return rounds(o, len(contestants), func(order []int, costs []Cost) error {
		for _, i := range order {
			r, err := start(ctx, contestants[i])
			if err != nil {
				return err
			}
			r.begin()
			err = measure(ctx, o, []*runner{r}, costs[i:i+1])
			r.stop()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// rounds calls round for each round, with the order in which the n contestants are due.
func rounds(o Options, n int, round func(order []int, costs []Cost) error) ([][]Cost, error) {
	var all [][]Cost
	for i := range o.Rounds {
		costs := make([]Cost, n)
		if err := round(order(n, i), costs); err != nil {
			return nil, err
		}
		all = append(all, costs)
	}
	return all, nil
}

// order returns the order of a round: each other round is in reverse, and each pair of rounds
// begins with the next contestant.
func order(n, round int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = (i + round/2) % n
		if round%2 == 1 {
			list[i] = (n - 1 - i + round/2) % n
		}
	}
	return list
}

// runner is a server under load.
type runner struct {
	server *process.Process
	begin  func() // puts it under load
	cancel context.CancelFunc
	loads  sync.WaitGroup
	done   atomic.Uint64
	failed atomic.Pointer[error]
}

func start(ctx context.Context, c Contestant) (*runner, error) {
	server, err := process.Start(ctx, c.Server)
	if err != nil {
		return nil, err
	}
	r := &runner{server: server}
	ctx, r.cancel = context.WithCancel(ctx)
	r.begin = func() {
		r.loads.Go(func() {
			if err := c.Load(ctx, server.Address, &r.done); err != nil {
				err = fmt.Errorf("%s: %w", c.Server.Name, err)
				r.failed.Store(&err)
			}
		})
	}
	return r, nil
}

// stop ends load and server. A nil runner was never started.
func (r *runner) stop() {
	if r == nil {
		return
	}
	r.cancel()
	r.loads.Wait()
	r.server.Stop()
}

// measure writes what each runner costs in one window.
func measure(ctx context.Context, o Options, runners []*runner, costs []Cost) error {
	if err := sleep(ctx, o.Warmup); err != nil {
		return err
	}
	before := make([]reading, len(runners))
	for i, r := range runners {
		if err := before[i].take(r); err != nil {
			return err
		}
	}
	if err := sleep(ctx, o.Window); err != nil {
		return err
	}
	for i, r := range runners {
		var after reading
		if err := after.take(r); err != nil {
			return err
		}
		if costs[i] = after.since(before[i]); costs[i].Units == 0 {
			return errors.New("a server answered nothing in time")
		}
	}
	return nil
}

// reading is what the counters say at one time.
type reading struct {
	at   time.Time
	done uint64
	cpu  time.Duration
}

func (m *reading) take(r *runner) (err error) {
	if failed := r.failed.Load(); failed != nil {
		return *failed
	}
	m.done, m.at = r.done.Load(), time.Now()
	m.cpu, err = r.server.CPU()
	return err
}

func (m reading) since(before reading) Cost {
	return Cost{Units: m.done - before.done, CPU: m.cpu - before.cpu, Elapsed: m.at.Sub(before.at)}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
