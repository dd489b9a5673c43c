package sepal

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"
)

// direct hands requests to a handler without a network, so that calls run in a bubble of fake
// time.
type direct struct{ handler http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

// bubble makes calls in fake time against a service that fails as told, and keeps at which
// times they arrived, counted from the beginning.
type bubble struct {
	*Client
	start    time.Time
	arrivals []time.Duration
}

// newBubble returns a client whose random numbers are all the same.
func newBubble(t *testing.T, random float64, fail func(n int) error, opts ...Option) *bubble {
	t.Helper()
	b := &bubble{start: time.Now()}
	service := &fakeService{fail: func(_ context.Context, n int) error {
		b.arrivals = append(b.arrivals, time.Since(b.start))
		return fail(n)
	}}
	b.Client = dial(t, "in.memory:1", append([]Option{
		WithProtocol(Connect), WithHTTPClient(direct{service.handler()}),
	}, opts...)...)
	b.retries.random = func() float64 { return random }
	return b
}

func unavailable(int) error { return refusal(connect.CodeUnavailable, "loading") }

// told fails every call but those after the first n with code, asking for a delay.
func told(n int, code connect.Code, delay time.Duration) func(int) error {
	return func(call int) error {
		if call > n {
			return nil
		}
		return refusal(code, "overloaded", &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
	}
}

const ms = time.Millisecond

func TestWhenAttemptsAreMade(t *testing.T) {
	t.Parallel()
	exhausted, notReady := connect.CodeResourceExhausted, connect.CodeUnavailable
	twice := RetryPolicy{MaxAttempts: 2, InitialBackoff: 100 * ms}
	for name, c := range map[string]struct {
		random  float64
		fail    func(int) error
		policy  RetryPolicy
		timeout time.Duration
		want    []time.Duration
		code    connect.Code // 0: the call succeeds
	}{
		"by default three times": {
			random: 0.5, fail: unavailable, timeout: time.Minute,
			want: []time.Duration{0, 50 * ms, 150 * ms}, code: notReady,
		},
		"until one succeeds": {
			random: 0.5, fail: told(1, notReady, 0), timeout: time.Minute, want: []time.Duration{0, 50 * ms},
		},
		"waits grow up to the largest": {
			random: 0.5, fail: unavailable, timeout: time.Minute,
			policy: RetryPolicy{MaxAttempts: 6, InitialBackoff: 10 * ms, Multiplier: 3, MaxBackoff: 200 * ms},
			want:   []time.Duration{0, 5 * ms, 20 * ms, 65 * ms, 165 * ms, 265 * ms}, code: notReady,
		},
		"once when so told": {
			fail: unavailable, policy: RetryPolicy{MaxAttempts: 1}, timeout: time.Minute,
			want: []time.Duration{0}, code: notReady,
		},
		"when the server says": {
			fail: told(1, exhausted, 700*ms), policy: twice, timeout: time.Minute,
			want: []time.Duration{0, 700 * ms},
		},
		"a random time after the server says": {
			random: 0.5, fail: told(1, exhausted, 700*ms), policy: twice, timeout: time.Minute,
			want: []time.Duration{0, 750 * ms},
		},
		"not before the server says, when unavailable": {
			random: 0.5, fail: told(1, notReady, 700*ms), policy: twice, timeout: time.Minute,
			want: []time.Duration{0, 750 * ms},
		},
		"when unavailable and the server asks for less than nothing, as if it had not": {
			random: 0.5, fail: told(1, notReady, -time.Second), policy: twice, timeout: time.Minute,
			want: []time.Duration{0, 50 * ms},
		},
		"within the deadline, however long the random wait": {
			random: 0.5, fail: told(1, exhausted, 700*ms), policy: twice, timeout: 720 * ms,
			want: []time.Duration{0, 710 * ms},
		},
		"not when the server's delay is longer than the deadline": {
			fail: told(1, exhausted, 700*ms), policy: twice, timeout: 700 * ms,
			want: []time.Duration{0}, code: exhausted,
		},
		"without a deadline, whenever the server says": {
			fail: told(1, exhausted, time.Hour), policy: twice, timeout: 0,
			want: []time.Duration{0, time.Hour},
		},
		"not when exhausted and the server does not say": {
			fail: func(int) error { return refusal(exhausted, "too large") }, timeout: time.Minute,
			want: []time.Duration{0}, code: exhausted,
		},
		"not when exhausted and the server asks for less than nothing": {
			fail: told(1, exhausted, -time.Second), timeout: time.Minute,
			want: []time.Duration{0}, code: exhausted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, c.random, c.fail, WithRetry(c.policy), WithTimeout(c.timeout))
				_, err := b.Predict(t.Context(), Features(1))
				if !slices.Equal(b.arrivals, c.want) {
					t.Errorf("attempts at %v, want %v", b.arrivals, c.want)
				}
				if c.code == 0 {
					if err != nil {
						t.Errorf("the call failed: %v", err)
					}
					return
				}
				if e := asError(t, err); e.Code != c.code || e.Attempts != len(c.want) {
					t.Errorf("error is %v after %d attempts, want %v after %d", e, e.Attempts, c.code, len(c.want))
				}
				if end := time.Since(b.start); end != c.want[len(c.want)-1] {
					t.Errorf("the call ended at %v, want at its last attempt, %v", end, c.want[len(c.want)-1])
				}
			})
		})
	}
}

func TestOnlyTwoCodesAreTriedAgain(t *testing.T) {
	t.Parallel()
	for code := connect.CodeCanceled; code <= connect.CodeUnauthenticated; code++ {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				want := 1
				if code == connect.CodeUnavailable || code == connect.CodeResourceExhausted {
					want = 3
				}
				b := newBubble(t, 0, told(9, code, time.Second))
				_, err := b.Health(t.Context())
				if e := asError(t, err); e.Code != code || e.Attempts != want || len(b.arrivals) != want {
					t.Errorf("%v: %d attempts, %d arrived; want %d", e, e.Attempts, len(b.arrivals), want)
				}
			})
		})
	}
}

func TestEveryMethodIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *Client) error{
		"Health":       func(ctx context.Context, c *Client) error { _, err := c.Health(ctx); return err },
		"Predict":      func(ctx context.Context, c *Client) error { _, err := c.Predict(ctx, Features(1)); return err },
		"BatchPredict": func(ctx context.Context, c *Client) error { _, err := c.BatchPredict(ctx, nil); return err },
		"GetVersion":   func(ctx context.Context, c *Client) error { _, err := c.GetVersion(ctx, "", ""); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, 0, told(2, connect.CodeUnavailable, 0))
				if err := call(t.Context(), b.Client); err != nil || len(b.arrivals) != 3 {
					t.Errorf("%d attempts and %v, want success at the third", len(b.arrivals), err)
				}
			})
		})
	}
}

func TestACancelEndsTheWaitAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 0.5, unavailable, WithTimeout(0),
			WithRetry(RetryPolicy{InitialBackoff: time.Hour}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := b.Health(ctx)
		if took := time.Since(b.start); took != time.Second || len(b.arrivals) != 1 {
			t.Errorf("the call took %v and %d attempts, want 1 s and 1", took, len(b.arrivals))
		}
		e := asError(t, err)
		if e.Code != connect.CodeCanceled || !errors.Is(err, context.Canceled) || e.Attempts != 1 {
			t.Errorf("error is %v (%d attempts), want canceled after 1", e, e.Attempts)
		}
		if !strings.Contains(e.Message, "attempt 1 failed: unavailable: loading") || e.RequestID != "req-7" {
			t.Errorf("text %q does not tell why it waited", e)
		}
	})
}

func TestADeadlineInALaterAttemptTellsWhatFailedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stalling := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
			attempt := 0
			return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
				if attempt++; attempt == 2 {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return next(ctx, req)
			}
		})
		b := newBubble(t, 0.5, unavailable, WithInterceptors(stalling))
		_, err := b.Health(t.Context())
		if took := time.Since(b.start); took != 10*time.Second {
			t.Errorf("the call took %v, want the default of 10 s for all its attempts", took)
		}
		e := asError(t, err)
		const text = "sepal: deadline_exceeded: context deadline exceeded; " +
			"attempt 1 failed: unavailable: loading (request req-7, 2 attempts)"
		if e.Error() != text || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("text\n %s\nwant\n %s", e, text)
		}
	})
}

func TestADeadlineOfTheContextHoldsOverTheDefault(t *testing.T) {
	t.Parallel()
	for _, deadline := range []time.Duration{time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 0, func(int) error { return nil }, WithInterceptors(
				connect.UnaryInterceptorFunc(func(connect.UnaryFunc) connect.UnaryFunc {
					return func(ctx context.Context, _ connect.AnyRequest) (connect.AnyResponse, error) {
						<-ctx.Done()
						return nil, ctx.Err()
					}
				})))
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			_, err := b.Health(ctx)
			if took := time.Since(b.start); took != deadline {
				t.Errorf("the call took %v, want %v (%v)", took, deadline, err)
			}
		})
	}
}

func TestWaitsStayWithinTheirBounds(t *testing.T) {
	t.Parallel()
	const seed = 20
	random := rand.New(rand.NewPCG(seed, seed))
	upTo := func(d time.Duration) time.Duration { return 1 + time.Duration(random.Int64N(int64(d))) }
	synctest.Test(t, func(t *testing.T) {
		for i := range 5000 {
			policy := RetryPolicy{
				MaxAttempts:    1000,
				InitialBackoff: upTo(time.Second),
				Multiplier:     1 + 3*random.Float64(),
			}
			policy.MaxBackoff = policy.InitialBackoff + upTo(time.Minute)
			r := retrier{policy: policy, random: random.Float64}
			failure := &Error{Code: connect.CodeUnavailable, Attempts: 1 + random.IntN(999)}
			if i%2 == 0 {
				failure.RetryAfter = upTo(time.Minute)
			}
			left := upTo(2 * time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), left)
			wait, again := r.next(ctx, failure)
			cancel()
			if again != (failure.RetryAfter < left) {
				t.Fatalf("seed %d, case %d: again is %v with %v left and %v to wait", seed, i, again, left, failure.RetryAfter)
			}
			longest := failure.RetryAfter + policy.MaxBackoff
			if again && (wait < failure.RetryAfter || wait >= min(left, longest)) {
				t.Fatalf("seed %d, case %d: a wait of %v, want from %v up to %v", seed, i, wait, failure.RetryAfter, min(left, longest))
			}
			if first := policy.bound(1); first != policy.InitialBackoff {
				t.Fatalf("seed %d, case %d: the first bound is %v, want %v", seed, i, first, policy.InitialBackoff)
			}
			if at, after := policy.bound(failure.Attempts), policy.bound(failure.Attempts+1); at > after || after > policy.MaxBackoff {
				t.Fatalf("seed %d, case %d: bounds %v, then %v; the largest is %v", seed, i, at, after, policy.MaxBackoff)
			}
		}
	})
}

func TestWaitsSpreadOverTheWholeBound(t *testing.T) {
	t.Parallel()
	client := dial(t, "localhost:1")
	failure := &Error{Code: connect.CodeUnavailable, Attempts: 1}
	var tenths [10]int
	for range 5000 {
		wait, again := client.retries.next(context.Background(), failure)
		if !again || wait < 0 || wait >= 100*ms {
			t.Fatalf("a wait of %v, again %v; want less than 100 ms", wait, again)
		}
		tenths[wait/(10*ms)]++
	}
	for i, n := range tenths { // 500 expected, with a deviation of 21
		if n < 350 || n > 650 {
			t.Errorf("%d of 5000 waits lie from %d to %d ms, want about 500", n, 10*i, 10*i+10)
		}
	}
}
