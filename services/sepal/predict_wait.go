package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
)

// patience makes calls of which there are many, and waits where the server says that it will answer
// later: a limit on requests, or a server that has more to do than it can, is no reason to lose what
// is done already.
type patience struct {
	stderr   io.Writer
	progress *predictProgress // nil: nobody would see it
	after    func(time.Duration) <-chan time.Time
	told     time.Time // when it was last said that there is a wait
}

func newPatience(p *process, progress *predictProgress) *patience {
	return &patience{stderr: p.stderr, progress: progress, after: time.After}
}

const (
	longWait  = 10 * time.Second // where nobody sees the progress, shorter ones are not told of
	tellAgain = time.Minute
)

// call makes a call until the server has answered it, or refused it for good.
func (w *patience) call(ctx context.Context, do func() error) error {
	for {
		err := do()
		var e *sepal.Error
		if !errors.As(err, &e) || e.Code != connect.CodeResourceExhausted || e.RetryAfter <= 0 {
			return err
		}
		// Others wait too: not all should come back together.
		wait := e.RetryAfter + time.Duration(rand.Int64N(int64(e.RetryAfter/16+100*time.Millisecond)))
		if err := w.wait(ctx, wait, reasonOf(e)); err != nil {
			return err
		}
	}
}

// reasonOf returns the beginning of what the server says, which is why.
func reasonOf(e *sepal.Error) string {
	reason, _, _ := strings.Cut(e.Message, ";")
	reason, _, _ = strings.Cut(reason, ":")
	return printableLine(reason)
}

// wait waits, and says how long that takes.
func (w *patience) wait(ctx context.Context, wait time.Duration, reason string) error {
	if now := time.Now(); w.progress == nil && wait >= longWait && now.Sub(w.told) >= tellAgain {
		w.told = now
		say(w.stderr, "%s: waiting %v for the server", reason, wait.Round(time.Second))
	}
	for left := wait; left > 0; left -= time.Second {
		w.progress.waiting(left, reason)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.after(min(left, time.Second)):
		}
	}
	return nil
}
