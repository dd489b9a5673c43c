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
