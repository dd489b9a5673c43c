package load

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// simulated is a server in the time of a bubble: it takes a millisecond for a request, but lets
// all that come during its stall wait until that is over.
type simulated struct {
	begin        time.Time
	service      time.Duration
	from, until  time.Duration // the stall
	inFlight     chan struct{} // nil: any number
	neverAnswers bool
}

func (s *simulated) call(ctx context.Context, r *request, a *answer) error {
	if s.inFlight != nil {
		s.inFlight <- struct{}{}
		defer func() { <-s.inFlight }()
	}
	if at := time.Since(s.begin); at >= s.from && at < s.until {
		time.Sleep(s.until - at)
	}
	time.Sleep(s.service)
	if s.neverAnswers {
		<-ctx.Done()
		return ctx.Err()
	}
	a.rows = r.rows
	return nil
}

func (s *simulated) open(context.Context) (stream, error) { panic("a stream of a simulated server") }
func (s *simulated) close()                               {}

// simulate drives a run against the server in no time.
func simulate(ctx context.Context, o Options, s *simulated) *Result {
	s.begin = time.Now()
	if s.service == 0 {
		s.service = time.Millisecond
	}
	return drive(ctx, o.Settled(), []request{{rows: 1}}, []endpoint{s}, time.Sleep)
}

const second = time.Second

// between fails the test unless v is at least low and at most high.
func between(t *testing.T, what string, v, low, high time.Duration) {
	t.Helper()
	if v < low || v > high {
		t.Errorf("%s is %v, expected %v to %v", what, v, low, high)
	}
}

// TestStall has a server that stalls for the fifth of ten seconds. A tenth of all who would have
// come then wait for up to a second: so says the open loop. The closed one sent nothing
// meanwhile, and says that 99.9 % were answered in a millisecond.
func TestStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		open := simulate(t.Context(), Options{Rate: 1000, InFlight: 2000, Duration: 10 * second}, &simulated{from: 4 * second, until: 5 * second})
		between(t, "the p50 of the open loop", open.Latency.Quantile(0.5), time.Millisecond, 1001*time.Microsecond)
		between(t, "its p99", open.Latency.Quantile(0.99), 895*time.Millisecond, 905*time.Millisecond)
		between(t, "its longest", open.Latency.Max(), 1001*time.Millisecond, 1001*time.Millisecond)
		between(t, "its lag", open.Lag.Max(), 0, 0)
		if open.Answered != 10_000 || open.Unsent != 0 || open.Elapsed != 10*second {
			t.Errorf("%d were answered and %d not sent in %v", open.Answered, open.Unsent, open.Elapsed)
		}
		closed := simulate(t.Context(), Options{Concurrency: 1, Duration: 10 * second}, &simulated{from: 4 * second, until: 5 * second})
		between(t, "the p99.9 of the closed loop", closed.Latency.Quantile(0.999), time.Millisecond, 1001*time.Microsecond)
		between(t, "its longest", closed.Latency.Max(), second, 1001*time.Millisecond)
		if closed.Answered != 9000 {
			t.Errorf("%d were answered, expected 9000", closed.Answered)
		}
	})
}

// TestStallWithFewInFlight sends late after the stall, and says so; the latency counts it.
func TestStallWithFewInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t.Context(), Options{Rate: 1000, InFlight: 20, Duration: 10 * second}, &simulated{from: 4 * second, until: 5 * second})
		if r.Answered != 10_000 || r.Unsent != 0 {
			t.Errorf("%d were answered and %d not sent", r.Answered, r.Unsent)
		}
		between(t, "the p99 of the latency", r.Latency.Quantile(0.99), 880*time.Millisecond, 960*time.Millisecond)
		between(t, "the longest lag", r.Lag.Max(), 970*time.Millisecond, 1000*time.Millisecond)
		between(t, "the p50 of the lag", r.Lag.Quantile(0.5), 0, time.Microsecond) // what the histogram tells apart
	})
}

// TestTooMuch asks for ten times what the server can do one by one.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t.Context(), Options{Rate: 1000, InFlight: 1, Duration: second}, &simulated{service: 10 * time.Millisecond})
		if r.Answered != 111 || r.Unsent != 889 { // one every 10 ms, until the grace is over
			t.Errorf("%d were answered and %d not sent, expected 111 and 889", r.Answered, r.Unsent)
		}
		if r.Errors() != 889 {
			t.Errorf("%d errors, expected those not sent", r.Errors())
		}
		if _, ok := r.Within(0.99); ok {
			t.Error("99 % are said to be answered")
		}
		// Of all thousand, a tenth is the hundredth: due after 99 ms, sent after 990.
		if within, ok := r.Within(0.1); !ok || within < 895*time.Millisecond || within > 905*time.Millisecond {
			t.Errorf("a tenth is said to be answered within %v", within)
		}
	})
}

func TestOpenLoopSendsNoEarlierThanDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, arrivals := range []Arrivals{Constant, Poisson} {
			begin := time.Now()
			w := window{start: begin.Add(second), end: begin.Add(3 * second)}
			p := newOpenPacer(w, begin, newSchedule(100, arrivals, 3), time.Sleep)
			want := newSchedule(100, arrivals, 3)
			var measured uint64
			for n := uint64(0); ; n++ {
				s, ok := p.next(t.Context())
				if !ok {
					break
				}
				due := begin.Add(want.next())
				if !s.due.Equal(due) || !s.sent.Equal(due) || !time.Now().Equal(due) || s.n != n || s.measured == due.Before(w.start) {
					t.Fatalf("%s: slot %d is %+v, expected it at %v", arrivals, n, s, due)
				}
				if s.measured {
					measured++
				}
			}
			if arrivals == Constant && measured != 200 || p.missed() != 0 {
				t.Errorf("%s: %d were measured, expected 200; %d missed", arrivals, measured, p.missed())
			}
		}
	})
}

func TestWarmup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, o := range []Options{
			{Concurrency: 1, Warmup: 2 * second, Duration: second},
			{Rate: 1000, Warmup: 2 * second, Duration: second},
			{Rate: 1000, Warmup: 2 * second, Count: 1000},
			{Concurrency: 1, Warmup: 2 * second, Count: 1000},
		} {
			// What is slow in the warm-up is not seen.
			r := simulate(t.Context(), o, &simulated{from: 0, until: second})
			if r.Answered != 1000 || r.Latency.Max() != time.Millisecond {
				t.Errorf("%+v: %d were answered, in up to %v", o, r.Answered, r.Latency.Max())
			}
			if want := uint64(1000); o.Rate == 0 && r.Warmup != want || o.Rate > 0 && r.Warmup != 2*want {
				t.Errorf("%+v: the warm-up had %d", o, r.Warmup)
			}
		}
	})
}

// TestInterruptedOpenLoop counts what was due until then and not sent, and no more.
func TestInterruptedOpenLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*second+time.Millisecond/2)
		defer cancel()
		r := simulate(ctx, Options{Rate: 1000, InFlight: 5, Warmup: second, Duration: time.Hour, Timeout: time.Hour}, &simulated{neverAnswers: true})
		if !r.Interrupted || r.Abandoned != 5 || r.Answered != 0 || r.Failed != 0 {
			t.Errorf("result is %+v", r)
		}
		// All five are of the warm-up, so of 1000 ms to 2000 ms nothing was sent.
		if r.Unsent != 1001 {
			t.Errorf("%d were not sent, expected 1001", r.Unsent)
		}
	})
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := simulate(t.Context(), Options{Concurrency: 2, Count: 10, Timeout: second}, &simulated{neverAnswers: true})
		if r.Failed != 10 || r.Elapsed != 5*second+4*easeFor {
			t.Errorf("%d failed in %v, expected 10, two each second and %v", r.Failed, r.Elapsed, easeFor)
		}
	})
}

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []Progress
		o := Options{Rate: 100, Warmup: 900 * time.Millisecond, Duration: 2 * second, Progress: func(p Progress) { got = append(got, p) }}
		simulate(t.Context(), o, &simulated{})
		want := []Progress{
			{Warming: true, Elapsed: 500 * time.Millisecond},
			{Elapsed: 100 * time.Millisecond, Answered: 10, P50: time.Millisecond, P99: time.Millisecond},
			{Elapsed: 600 * time.Millisecond, Answered: 60, P50: time.Millisecond, P99: time.Millisecond},
			{Elapsed: 1100 * time.Millisecond, Answered: 110, P50: time.Millisecond, P99: time.Millisecond},
			{Elapsed: 1600 * time.Millisecond, Answered: 160, P50: time.Millisecond, P99: time.Millisecond},
		}
		if len(got) != len(want) {
			t.Fatalf("progress is %+v", got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("progress is %+v, expected %+v", got[i], want[i])
			}
		}
	})
}

// TestNap holds the real nap against the clock: it may be late, and never early.
func TestNap(t *testing.T) {
	t.Parallel()
	p := newOpenPacer(window{}, time.Now(), newSchedule(1, Constant, 0), nap)
	for _, d := range []time.Duration{0, time.Microsecond, 100 * time.Microsecond, 5 * time.Millisecond} {
		due := time.Now().Add(d)
		if p.wait(t.Context(), due); time.Now().Before(due) {
			t.Errorf("the wait of %v is over early", d)
		}
	}
}
