// Package load sends prediction requests to a running server and measures how it answers. It is
// no benchmark of the engine: it sees a server as its clients do, over any protocol.
//
// A closed loop keeps a number of requests in flight: each is sent when one before it is
// answered, so a server that stalls is asked less while it does. An open loop sends by a
// schedule that is fixed beforehand, and counts the latency of a request from when it was due:
// a stall then shows in every request that it held up. A client that cannot keep to its schedule
// says how late it sent, and how much it did not send.
package load

import (
	"context"
	"sync"
	"time"
)

// run is one run under way.
type run struct {
	options  Options
	requests []request
	pacer    pacer
	recorder *recorder
}

// Run sends requests until the duration is over, the count is reached or ctx ends, waits for the
// answers and returns what was measured. A ctx that ends cuts off what is in flight, and the
// result tells of what was measured until then. The error is an [*OptionError], or says why
// there is nothing to send; requests that fail are part of the result.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.settle(); err != nil {
		return nil, err
	}
	requests, err := encode(&o)
	if err != nil {
		return nil, err
	}
	endpoints, dialled, err := dial(&o)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, e := range endpoints {
			e.close()
		}
	}()
	result := drive(ctx, o, requests, endpoints, nap)
	result.Connections = dialled()
	return result, nil
}

// drive does the run on the endpoints; wait is how it waits for short times.
func drive(ctx context.Context, o Options, requests []request, endpoints []endpoint, wait func(time.Duration)) *Result {
	begin := time.Now()
	w := window{start: begin.Add(o.Warmup), count: o.Count}
	if o.Duration > 0 {
		w.end = w.start.Add(o.Duration)
	}
	r := &run{options: o, requests: requests, recorder: newRecorder(o.workers(), w.start)}
	var open *openPacer
	if o.Rate > 0 {
		open = newOpenPacer(w, begin, newSchedule(o.Rate, o.Arrivals, o.Seed), wait)
		r.pacer = open
	} else {
		r.pacer = &closedPacer{window: w}
	}

	stopProgress := r.progress(begin, w)
	var workers sync.WaitGroup
	for i := range o.workers() {
		workers.Go(func() {
			e, s := endpoints[i%len(endpoints)], r.recorder.shard(i)
			if o.Call == CallStream {
				r.stream(ctx, e, s)
			} else {
				r.unary(ctx, e, s)
			}
		})
	}
	workers.Wait()
	stopProgress()

	result := r.recorder.result()
	result.Interrupted = ctx.Err() != nil
	if !result.Interrupted {
		// What is due in a second takes a second, though the last of it is due before.
		result.Elapsed = max(result.Elapsed, o.Duration)
	}
	if open != nil {
		result.Unsent = open.missed()
	}
	return result
}

// request returns the request that a slot sends: the pool is gone through again and again.
func (r *run) request(s slot) *request { return &r.requests[s.n%uint64(len(r.requests))] }

// unary makes calls one after the other, as the pacer has them.
func (r *run) unary(ctx context.Context, e endpoint, to *shard) {
	for {
		s, ok := r.pacer.next(ctx)
		if !ok {
			return
		}
		request := r.request(s)
		var a answer
		callCtx, cancel := context.WithTimeout(ctx, r.options.Timeout)
		err := e.call(callCtx, request, &a)
		cancel()
		failed := to.add(ctx, s, request, &a, err)
		r.ease(ctx, failed)
	}
}

// easeFor is how long a closed loop waits after a failure, so that a server that is gone is not
// asked as fast as the connection can be refused.
const easeFor = 10 * time.Millisecond

func (r *run) ease(ctx context.Context, failed bool) {
	if !failed || r.options.Rate > 0 {
		return
	}
	timer := time.NewTimer(easeFor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// progress reports how far the run is until the function that it returns is called.
func (r *run) progress(begin time.Time, w window) (stop func()) {
	if r.options.Progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		ticker := time.NewTicker(r.options.ProgressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				p := r.recorder.progress()
				p.Warming = now.Before(w.start)
				p.Elapsed = now.Sub(w.start)
				if p.Warming {
					p.Elapsed = now.Sub(begin)
				}
				r.options.Progress(p)
			}
		}
	})
	return func() {
		close(done)
		reporter.Wait()
	}
}
