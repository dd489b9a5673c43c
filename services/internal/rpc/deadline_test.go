package rpc

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
)

// remaining returns the time that a handler behind the deadline has, and whether it is bounded.
func remaining(t *testing.T, ctx context.Context, timeout time.Duration) (time.Duration, bool) {
	t.Helper()
	var left time.Duration
	var bounded bool
	handler := deadline(timeout)(func(ctx context.Context, _ connect.AnyRequest) (connect.AnyResponse, error) {
		var end time.Time
		if end, bounded = ctx.Deadline(); bounded {
			left = time.Until(end)
		}
		return nil, nil
	})
	if _, err := handler(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return left, bounded
}

func TestDeadlineShortensAndNeverLengthens(t *testing.T) {
	t.Parallel()
	const none = time.Duration(0)
	tests := []struct {
		name                  string
		client, timeout, want time.Duration // none: unbounded
	}{
		{"client without one", none, time.Second, time.Second},
		{"client with a later one", time.Minute, time.Second, time.Second},
		{"client with an earlier one", time.Millisecond, time.Second, time.Millisecond},
		{"server without one", time.Minute, none, time.Minute},
		{"neither has one", none, none, none},
		{"server with a negative one", time.Minute, -time.Second, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // Time stands still.
				ctx := t.Context()
				if test.client != none {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.client)
					defer cancel()
				}
				got, bounded := remaining(t, ctx, test.timeout)
				if got != test.want || bounded != (test.want != none) {
					t.Errorf("the handler has %v (bounded: %t), expected %v", got, bounded, test.want)
				}
			})
		})
	}
}

func TestDeadlinePasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		handler := deadline(time.Hour)(func(ctx context.Context, _ connect.AnyRequest) (connect.AnyResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		_, err := handler(t.Context(), nil)
		if took := time.Since(start); took != time.Hour || err == nil {
			t.Errorf("the handler ends after %v with %v, expected 1h and the context's error", took, err)
		}
	})
}

// TestDeadlineActsAsAContext looks at the deadline as package context and others do.
func TestDeadlineActsAsAContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	tests := []struct {
		name string
		look func(t *testing.T, ctx context.Context, cancelParent context.CancelFunc)
	}{
		{"values are the parent's, before and after someone waits", func(t *testing.T, ctx context.Context, _ context.CancelFunc) {
			before := ctx.Value(key{})
			ctx.Done()
			if after := ctx.Value(key{}); before != "v" || after != "v" {
				t.Errorf("got %v and %v, expected v", before, after)
			}
		}},
		{"no error while there is time", func(t *testing.T, ctx context.Context, _ context.CancelFunc) {
			time.Sleep(time.Hour - time.Nanosecond)
			requireErr(t, ctx, nil)
		}},
		{"the error of one for which no one waits", func(t *testing.T, ctx context.Context, cancelParent context.CancelFunc) {
			time.Sleep(time.Hour)
			requireErr(t, ctx, context.DeadlineExceeded)
			cancelParent()
			requireErr(t, ctx, context.DeadlineExceeded) // It stays.
		}},
		{"the parent is cancelled", func(t *testing.T, ctx context.Context, cancelParent context.CancelFunc) {
			cancelParent()
			requireErr(t, ctx, context.Canceled)
			<-ctx.Done()
			time.Sleep(time.Hour)
			requireErr(t, ctx, context.Canceled)
		}},
		{"the parent is cancelled while someone waits", func(t *testing.T, ctx context.Context, cancelParent context.CancelFunc) {
			done := ctx.Done()
			cancelParent()
			<-done
			requireErr(t, ctx, context.Canceled)
		}},
		{"a child ends with it", func(t *testing.T, ctx context.Context, _ context.CancelFunc) {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			<-child.Done()
			if err := context.Cause(child); err != context.DeadlineExceeded {
				t.Errorf("the cause is %v", err)
			}
			requireErr(t, ctx, context.DeadlineExceeded)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
				defer cancel()
				_, err := deadline(time.Hour)(func(ctx context.Context, _ connect.AnyRequest) (connect.AnyResponse, error) {
					test.look(t, ctx, cancel)
					return nil, nil
				})(parent, nil)
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestContextEndsWithItsCall shows that what outlives a handler is told so, whether or not it
// waited before.
func TestContextEndsWithItsCall(t *testing.T) {
	t.Parallel()
	for _, waits := range []bool{false, true} {
		var kept context.Context
		_, err := deadline(time.Hour)(func(ctx context.Context, _ connect.AnyRequest) (connect.AnyResponse, error) {
			if kept = ctx; waits {
				ctx.Done()
			}
			return nil, nil
		})(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		requireErr(t, kept, context.Canceled)
		<-kept.Done()
		requireErr(t, kept, context.Canceled)
	}
}

func requireErr(t *testing.T, ctx context.Context, want error) {
	t.Helper()
	if err := ctx.Err(); err != want {
		t.Errorf("the context's error is %v, expected %v", err, want)
	}
}
