package rpc

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
)

// tooMany is the error of who has asked too often.
func tooMany(limiter *ratelimit.Limiter, wait time.Duration) *connect.Error {
	return Exhausted(wait, fmt.Sprintf("too many requests: one caller may make %s, and each row of a batch counts; try again in %s",
		limiter.Limit(), waiting(wait)))
}

// waiting returns a time to wait as people read it, rounded up.
func waiting(wait time.Duration) string {
	unit := time.Millisecond
	if wait >= time.Second {
		unit = time.Second
	}
	return ((wait + unit - 1) / unit * unit).String()
}

// takeRows counts the rows of a batch but the first, which the guard has counted as the request. It
// returns an error where others have used the limit up meanwhile. A batch that is larger than what may
// come at once passes, and its caller waits the longer for the next.
func (c *call) takeRows(n int) error {
	if c.limiter == nil || n < 2 {
		return nil
	}
	if wait, ok := c.limiter.TakeMore(c.limited, n-1, time.Now()); !ok {
		c.reason = metrics.ReasonRate
		return tooMany(c.limiter, wait)
	}
	c.taken = n - 1
	return nil
}

// giveRowsBack counts a batch that could not be as one request: what is wrong with it was found
// before any row was looked at, or the server had no time for it.
func (c *call) giveRowsBack(err error) {
	if c == nil || c.taken == 0 || err == nil {
		return
	}
	// After any other code, rows may have been classified.
	if code := connect.CodeOf(err); code == connect.CodeInvalidArgument || code == connect.CodeNotFound || c.reason == metrics.ReasonOverload {
		c.limiter.GiveBack(c.limited, c.taken)
	}
	c.taken = 0
}

// Allowance is what the caller of a stream may still ask for, message by message. Its zero value
// is without limits.
type Allowance struct {
	call  *call // nil: there is no limit
	begun bool
}

// AllowanceFrom returns the allowance of the stream that ctx belongs to. Only the goroutine that
// answers it may use that.
func AllowanceFrom(ctx context.Context) Allowance {
	if c := callFrom(ctx); c != nil && c.limiter != nil {
		return Allowance{call: c}
	}
	return Allowance{}
}

// Take counts a message, but for the first, which the guard has counted as the request. It returns
// the RESOURCE_EXHAUSTED error of a message that is too much: in its place, since the stream may go on
// when it has waited.
func (a *Allowance) Take() error {
	if a.call == nil {
		return nil
	}
	if !a.begun {
		a.begun = true
		return nil
	}
	wait, ok := a.call.limiter.Take(a.call.limited, 1, time.Now())
	if ok {
		return nil
	}
	if a.call.rpc != nil {
		a.call.rpc.Reject(metrics.ReasonRate)
	}
	return tooMany(a.call.limiter, wait)
}
