package sepal

import (
	"context"
	"fmt"
	"math"
	"time"

	"connectrpc.com/connect"
)

// RetryPolicy says how often a call is tried, and how long it waits in between. All calls may be
// repeated: those that change something on the server carry a request id, and are made once.
//
// A call is tried again when it failed with [connect.CodeUnavailable], which includes a
// connection refused or cut, and when it failed with [connect.CodeResourceExhausted] and the
// server said when to come back (google.rpc.RetryInfo). It waits for as long as the server
// said, or not at all, plus a random time from 0 up to a bound that grows from attempt to
// attempt ("full jitter"), cut to what the deadline leaves. It is not tried again when the
// server's delay does not fit the deadline, nor once its context is done.
//
// The zero value of each field stands for its default. [Dial] refuses what is out of range.
type RetryPolicy struct {
	// MaxAttempts is how often a call is made at most, the first time included: 1 never
	// retries. Default: 3.
	MaxAttempts int
	// InitialBackoff bounds the random wait after the first attempt. Default: 100 ms.
	InitialBackoff time.Duration
	// MaxBackoff bounds the random wait after any attempt; not less than InitialBackoff.
	// Default: 2 s, or InitialBackoff where that is longer.
	MaxBackoff time.Duration
	// Multiplier is by how much each bound is larger than the one before; at least 1.
	// Default: 2.
	Multiplier float64
}

const (
	defaultMaxAttempts    = 3
	defaultInitialBackoff = 100 * time.Millisecond
	defaultMaxBackoff     = 2 * time.Second
	defaultMultiplier     = 2
)

func (p RetryPolicy) check() error {
	full := p.withDefaults()
	switch {
	case p.MaxAttempts < 0:
		return fmt.Errorf("sepal: WithRetry: MaxAttempts is %d: expected at least 1", p.MaxAttempts)
	case p.InitialBackoff < 0:
		return fmt.Errorf("sepal: WithRetry: InitialBackoff is %v: expected more than 0", p.InitialBackoff)
	case full.MaxBackoff < full.InitialBackoff:
		return fmt.Errorf("sepal: WithRetry: MaxBackoff is %v: expected at least InitialBackoff, %v",
			full.MaxBackoff, full.InitialBackoff)
	case !(full.Multiplier >= 1) || math.IsInf(full.Multiplier, 1): // the first is true of NaN
		return fmt.Errorf("sepal: WithRetry: Multiplier is %v: expected a finite number of at least 1", p.Multiplier)
	}
	return nil
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = defaultMaxAttempts
	}
	if p.InitialBackoff == 0 {
		p.InitialBackoff = defaultInitialBackoff
	}
	if p.MaxBackoff == 0 {
		p.MaxBackoff = max(defaultMaxBackoff, p.InitialBackoff)
	}
	if p.Multiplier == 0 {
		p.Multiplier = defaultMultiplier
	}
	return p
}

// bound returns the longest random wait after an attempt; attempts count from 1.
func (p RetryPolicy) bound(attempt int) time.Duration {
	grown := float64(p.InitialBackoff) * math.Pow(p.Multiplier, float64(attempt-1))
	if grown >= float64(p.MaxBackoff) {
		return p.MaxBackoff
	}
	return time.Duration(grown)
}

// A retrier makes the attempts of a call.
type retrier struct {
	policy RetryPolicy    // complete
	random func() float64 // from 0 up to, not including, 1; safe for concurrent use
}

// run makes attempts until one succeeds or the last one allowed has failed. The error is nil
// or an *Error.
func (r retrier) run(ctx context.Context, attempt func(context.Context) error) error {
	var before *Error
	for n := 1; ; n++ {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		failure := newError(ctx, err, n, before)
		wait, again := r.next(ctx, failure)
		if !again {
			return failure
		}
		if err := sleep(ctx, wait); err != nil {
			return newError(ctx, err, n, failure)
		}
		before = failure
	}
}

// next says whether to try again after a failure, and how long to wait before.
func (r retrier) next(ctx context.Context, failure *Error) (wait time.Duration, again bool) {
	told := failure.RetryAfter
	switch {
	case failure.Attempts >= r.policy.MaxAttempts || ctx.Err() != nil:
		return 0, false
	case failure.Code == connect.CodeUnavailable:
	case failure.Code == connect.CodeResourceExhausted && told > 0:
	default:
		return 0, false
	}
	bound := r.policy.bound(failure.Attempts)
	if deadline, bounded := ctx.Deadline(); bounded {
		left := time.Until(deadline) - told
		if left <= 0 {
			return 0, false
		}
		bound = min(bound, left)
	}
	return told + time.Duration(r.random()*float64(bound)), true
}

// sleep waits, or returns the context's error as soon as that is done.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
