package load_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/load"
)

func run(t *testing.T, o load.Options) *load.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := load.Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// rowsOf returns how many rows a request has.
func rowsOf(o load.Options) uint64 {
	if o.Call == load.CallBatch || o.Call == load.CallBatchStream {
		return uint64(o.BatchRows)
	}
	return 1
}

func TestEveryWaySendsExactlyTheCount(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		for name, change := range map[string]func(*load.Options){
			"closed":  func(*load.Options) {},
			"open":    func(o *load.Options) { o.Rate, o.Arrivals, o.InFlight, o.Connections = 20_000, load.Poisson, 20, 2 },
			"in turn": func(o *load.Options) { o.Concurrency = 1 },
		} {
			t.Run(w.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				server := new(fake)
				o := w.options(server.start(t))
				change(&o)
				r := run(t, o)
				if r.Answered != o.Count || r.Failed != 0 || r.Unsent != 0 || r.Abandoned != 0 || r.Interrupted || len(r.Failures) != 0 {
					t.Errorf("result is %+v", r)
				}
				if n := server.requests.Load(); n != int64(o.Count) {
					t.Errorf("the server got %d requests, expected %d", n, o.Count)
				}
				want := o.Count * rowsOf(o)
				if n := server.rows.Load(); n != int64(want) || r.Rows != want || r.FailedRows != 0 {
					t.Errorf("the server got %d rows, the result has %d and %d, expected %d and 0", n, r.Rows, r.FailedRows, want)
				}
				half := o.Count / 2
				by := []load.Source{{Version: "v1.0.0", Variant: "stable", Requests: half}, {Version: "v1.1.0-rc.1", Variant: "canary", Requests: half}}
				if diff := cmp.Diff(by, r.By); diff != "" {
					t.Errorf("the versions that answered (-want +got):\n%s", diff)
				}
				if r.Latency.Count() != o.Count || r.Latency.Min() <= 0 || r.Latency.Max() < r.Latency.Mean() {
					t.Errorf("latencies are %d: %v, %v, %v", r.Latency.Count(), r.Latency.Min(), r.Latency.Mean(), r.Latency.Max())
				}
				if r.SentBytes == 0 || r.ReceivedBytes == 0 || r.Elapsed <= 0 || r.Connections < 1 || r.Connections > 20 {
					t.Errorf("bytes are %d and %d, the time %v, connections %d", r.SentBytes, r.ReceivedBytes, r.Elapsed, r.Connections)
				}
			})
		}
	}
}

func TestMany(t *testing.T) {
	t.Parallel()
	server := new(fake)
	for _, call := range []load.Call{load.CallPredict, load.CallStream} {
		server.requests.Store(0)
		o := way{load.GRPC, 2, call, false}.options(server.start(t))
		o.Count, o.Concurrency = 1000, 7
		if call == load.CallStream {
			o.InFlight = 13
		}
		if r := run(t, o); r.Answered != 1000 || server.requests.Load() != 1000 {
			t.Errorf("%s: %d were answered, the server got %d, expected 1000", call, r.Answered, server.requests.Load())
		}
	}
}

func TestWarmupDoesNotCount(t *testing.T) {
	t.Parallel()
	server := new(fake)
	o := way{load.GRPC, 2, load.CallPredict, false}.options(server.start(t))
	o.Warmup = 20 * time.Millisecond
	r := run(t, o)
	if r.Answered != o.Count || r.Latency.Count() != o.Count || r.Warmup == 0 || server.requests.Load() != int64(o.Count+r.Warmup) {
		t.Errorf("the server got %d requests, the result is %+v", server.requests.Load(), r)
	}
}

// TestRefusedRows has every tenth row refused: alone in a batch, as a request else.
func TestRefusedRows(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			o := w.options(new(fake).start(t))
			o.Rows = rows(100, true)
			r := run(t, o)
			want := load.Failure{Code: "invalid_argument", Requests: 10, Example: "features[0] is negative"}
			answered, failed, classified := uint64(90), uint64(10), uint64(90)
			if rowsOf(o) > 1 {
				want.Requests, want.Rows = 0, 100
				answered, failed, classified = 100, 0, 900
			}
			if diff := cmp.Diff([]load.Failure{want}, r.Failures); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if r.Answered != answered || r.Failed != failed || r.Rows != classified || r.FailedRows != want.Rows || r.Latency.Count() != answered {
				t.Errorf("result is %+v", r)
			}
			if r.Errors() != failed+want.Rows || r.Requests() != 100 {
				t.Errorf("%d errors, %d requests", r.Errors(), r.Requests())
			}
		})
	}
}

// TestFailures lets every fifth request or message fail; that ends a stream, with what else was
// in flight on it.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		for _, rate := range []float64{0, 50_000} {
			t.Run(w.String(), func(t *testing.T) {
				t.Parallel()
				server := &fake{fails: func(n int64) error {
					if n%5 == 0 {
						return connect.NewError(connect.CodeResourceExhausted, errors.New("too much"))
					}
					return nil
				}}
				o := w.options(server.start(t))
				o.Rate = rate
				r := run(t, o)
				if r.Requests() != o.Count || r.Unsent != 0 || r.Latency.Count() != r.Answered {
					t.Errorf("result is %+v", r)
				}
				if len(r.Failures) == 0 || r.Failures[0].Code != "resource_exhausted" || r.Failures[0].Example != "too much" {
					t.Fatalf("failures are %+v", r.Failures)
				}
				if w.call != load.CallStream && (r.Failed != 20 || r.Failures[0].Requests != 20 || len(r.Failures) != 1) {
					t.Errorf("failures are %+v, expected 20", r.Failures)
				}
			})
		}
	}
}

func TestServerThatEndsStreams(t *testing.T) {
	t.Parallel()
	ended := errors.New("ended")
	for _, protocol := range []load.Protocol{load.GRPC, load.Connect} {
		server := &fake{fails: func(n int64) error {
			if n%10 == 0 {
				return ended
			}
			return nil
		}}
		o := way{protocol, 2, load.CallStream, false}.options(server.start(t))
		o.Concurrency, o.InFlight = 3, 8
		if r := run(t, o); r.Requests() != o.Count || r.Answered == 0 || r.Failed == 0 || r.Failures[0].Code != "unknown" {
			t.Errorf("%s: result is %+v", protocol, r)
		}
	}
}

// TestSilence has a server that never answers.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			server := &fake{fails: func(int64) error { <-over; return nil }}
			o := w.options(server.start(t))
			t.Cleanup(func() { close(over) }) // before the server is closed
			o.Count, o.Timeout = 6, 50*time.Millisecond
			r := run(t, o)
			if r.Failed != 6 || len(r.Failures) != 1 || r.Failures[0].Code != "deadline_exceeded" {
				t.Errorf("result is %+v", r)
			}
			if _, ok := r.Within(0.5); ok {
				t.Error("half of the requests are said to be answered")
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	target, err := load.Resolve(t.Context(), "127.0.0.1:1", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range ways() {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			o := w.options(target)
			o.Count = 10
			if r := run(t, o); r.Failed != 10 || r.Failures[0].Code != "unavailable" || r.Rows != 0 || r.Connections != 0 {
				t.Errorf("result is %+v", r)
			}
		})
	}
}

// TestInterrupted ends runs that would take an hour while all of their requests wait.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		for _, rate := range []float64{0, 10_000} {
			t.Run(w.String(), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				over := make(chan struct{})
				var waiting atomic.Int64
				server := &fake{fails: func(n int64) error {
					if n <= 10 {
						return nil
					}
					if waiting.Add(1) == 4 {
						cancel()
					}
					<-over
					return nil
				}}
				o := w.options(server.start(t))
				t.Cleanup(func() { close(over) })
				o.Count, o.Duration, o.Rate = 0, time.Hour, rate
				if rate > 0 {
					o.InFlight, o.Connections = 4, 4
				}
				r, err := load.Run(ctx, o)
				if err != nil {
					t.Fatal(err)
				}
				if !r.Interrupted || r.Answered != 10 || r.Abandoned != 4 || r.Failed != 0 {
					t.Errorf("result is %+v", r)
				}
			})
		}
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	target := new(fake).start(t)
	for name, change := range map[string]func(*load.Options){
		"HTTP":        func(o *load.Options) { o.HTTP = 1 },
		"Rate":        func(o *load.Options) { o.Rate = math.NaN() },
		"InFlight":    func(o *load.Options) { o.InFlight = 2 },
		"Concurrency": func(o *load.Options) { o.Concurrency = -1 },
		"Connections": func(o *load.Options) { o.Connections = -1 },
		"Duration":    func(o *load.Options) { o.Duration = -1 },
		"Warmup":      func(o *load.Options) { o.Warmup = -1 },
		"Timeout":     func(o *load.Options) { o.Timeout = -1 },
		"BatchRows":   func(o *load.Options) { o.BatchRows = -1 },
		"Matrix":      func(o *load.Options) { o.Matrix = true },
		"Protocol":    func(o *load.Options) { o.Protocol = "soap" },
		"Call":        func(o *load.Options) { o.Call = "guess" },
		"Arrivals":    func(o *load.Options) { o.Arrivals = "late" },
		"Target":      func(o *load.Options) { o.Target = nil },
		"Rows":        func(o *load.Options) { o.Rows = nil },
	} {
		o := way{load.GRPC, 2, load.CallPredict, false}.options(target)
		change(&o)
		_, err := load.Run(t.Context(), o)
		var wrong *load.OptionError
		if !errors.As(err, &wrong) || wrong.Option != name || wrong.Problem == "" {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
