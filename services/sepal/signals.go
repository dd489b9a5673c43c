package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalled is the cause of a context that a signal ended.
type signalled struct {
	os.Signal
}

func (s signalled) Error() string { return "stopped by a signal: " + s.String() }

// signals returns a context that ends at the first interrupt or SIGTERM, with a [signalled] as
// its cause. A second one ends the process at once, as it does by default.
func signals(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-arrived:
			signal.Stop(arrived)
			cancel(signalled{s})
		case <-ctx.Done():
			signal.Stop(arrived)
		}
	}()
	return ctx, func() { cancel(nil) }
}
