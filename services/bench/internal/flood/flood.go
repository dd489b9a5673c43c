// Package flood asks a server over gRPC for more than it can do, on one processor and at a few
// microseconds a request, which grpc-go's own client cannot.
//
// It speaks just enough HTTP/2: the headers of all requests are the same but for the time that is
// left, and were encoded beforehand; the frames that are due go out together, a write for each
// connection and tick. Otherwise it keeps to what clients do. It has no more requests in flight on a
// connection than the server allows; a request that has waited ten milliseconds for one of those to
// end is not sent. It gives up on a request when its deadline passes, and says so to the
// server. Every answer is compared with the first.
//
// The load is an open loop: requests are due at random times, whether or not the server keeps up,
// and latency counts from when a request was due.
package flood

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Options say what to send.
type Options struct {
	// Address is the server.
	Address string
	// Path is the procedure, Body the message of each request, of at most 60000 bytes.
	Path string
	Body []byte
	// Connections is how many there are.
	Connections int
	// Timeout is the deadline of each request, from when it was due.
	Timeout time.Duration
	// Closed keeps so many requests in flight on each connection, in place of a schedule. 0: an
	// open loop.
	Closed int
	// Phases are gone through one after the other.
	Phases []Phase
}

// Phase is a time of one load.
type Phase struct {
	// Rate is how many requests are due a second, on average; without a meaning for a closed loop.
	Rate float64
	// Duration is how long it lasts.
	Duration time.Duration
}

// settling is how long connections have to be set up before the first request is due.
const settling = 100 * time.Millisecond

// tick is how often requests are sent.
const tick = time.Millisecond

// Run sends until the phases are over, and waits for the answers.
func Run(ctx context.Context, o Options) (*Record, error) {
	if len(o.Body) > 60_000 {
		return nil, fmt.Errorf("the body has %d bytes, expected at most 60000: it has to fit a stream's window", len(o.Body))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var total time.Duration
	for _, p := range o.Phases {
		total += p.Duration
	}
	run := &run{options: o, expected: &expected{}, begin: time.Now().Add(settling)}
	run.end = run.begin.Add(total)
	for range o.Connections {
		c, err := dial(ctx, run)
		if err != nil {
			return nil, errors.Join(err, run.close())
		}
		run.conns = append(run.conns, c)
	}
	var readers sync.WaitGroup
	for _, c := range run.conns {
		readers.Go(c.read)
		readers.Go(c.write)
		c.send(time.Now(), true) // hello
	}
	time.Sleep(time.Until(run.begin))
	run.pace(ctx)
	err := run.close()
	readers.Wait()
	record := newRecord(o, run.begin, total)
	for _, c := range run.conns {
		record.merge(c.record)
	}
	return record, errors.Join(err, ctx.Err())
}

type run struct {
	options    Options
	expected   *expected
	begin, end time.Time
	conns      []*conn
}

func (r *run) close() error {
	var all []error
	for _, c := range r.conns {
		if err := c.finish(); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// pace hands out requests as they come due, until all have ended.
func (r *run) pace(ctx context.Context) {
	due, phase, phaseEnd := r.begin, 0, r.begin
	if len(r.options.Phases) > 0 {
		phaseEnd = r.begin.Add(r.options.Phases[0].Duration)
	}
	next := 0
	draw := rand.New(rand.NewPCG(1, 2))
	for ctx.Err() == nil {
		now := time.Now()
		for r.options.Closed == 0 && phase < len(r.options.Phases) && !due.After(now) {
			if due.After(phaseEnd) {
				phase++
				if phase < len(r.options.Phases) {
					phaseEnd = phaseEnd.Add(r.options.Phases[phase].Duration)
				}
				continue
			}
			r.conns[next].queue(due)
			next = (next + 1) % len(r.conns)
			due = due.Add(time.Duration(draw.ExpFloat64() / r.options.Phases[phase].Rate * float64(time.Second)))
		}
		over := now.After(r.end)
		idle := true
		for _, c := range r.conns {
			if c.send(now, over) {
				idle = false
			}
		}
		if over && (idle || now.After(r.end.Add(r.options.Timeout+time.Second))) {
			return
		}
		time.Sleep(tick)
	}
}
