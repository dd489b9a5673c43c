package rpc

import (
	"context"
	"sync"
	"time"

	"connectrpc.com/connect"
)

// deadline bounds the time of unary requests. A client's own deadline stands where it is
// earlier.
func deadline(timeout time.Duration) connect.UnaryInterceptorFunc {
	return func(next connect.UnaryFunc) connect.UnaryFunc {
		if timeout <= 0 {
			return next
		}
		return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
			end := time.Now().Add(timeout)
			if client, bounded := ctx.Deadline(); bounded && client.Before(end) {
				return next(ctx, request)
			}
			var bounded *deadlineContext
			if c := callFrom(ctx); c != nil {
				bounded = &c.deadline
			} else {
				bounded = new(deadlineContext)
			}
			bounded.Context, bounded.at = ctx, end
			defer bounded.end()
			return next(bounded, request)
		}
	}
}

// deadlineContext is what context.WithDeadline returns, but that a timer is started only when someone
// waits for it. Most calls end long before anyone does; until then it looks at the clock.
type deadlineContext struct {
	context.Context //nolint:containedctx // it is a context, and adds to this one
	at              time.Time

	mu     sync.Mutex
	timed  context.Context //nolint:containedctx // what this one stands for, once there is someone who waits
	cancel context.CancelFunc
	err    error // what Err has answered, unless timed did
	ended  bool
}

func (c *deadlineContext) Deadline() (time.Time, bool) { return c.at, true }

func (c *deadlineContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.Context, c.at)
		if c.ended {
			c.cancel()
		}
	}
	return c.timed.Done()
}

func (c *deadlineContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
	case c.timed != nil:
		return c.timed.Err()
	case c.Context.Err() != nil:
		c.err = c.Context.Err()
	case c.ended:
		c.err = context.Canceled
	case !time.Now().Before(c.at):
		c.err = context.DeadlineExceeded
	}
	return c.err
}

// Value asks timed where there is one, by which package context finds it.
func (c *deadlineContext) Value(key any) any {
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	if timed != nil {
		return timed.Value(key)
	}
	return c.Context.Value(key)
}

// end is what a context.CancelFunc does.
func (c *deadlineContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}
