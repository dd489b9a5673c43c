package main

import (
	"context"
	"io"
)

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// interruptible returns a reader of r whose Read fails with the error of ctx as soon as that is
// done, even while r has nothing to give. What r gives after that is lost.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	type read struct {
		n   int
		err error
	}
	var buffer []byte // the goroutine's alone while one reads
	done := make(chan read, 1)
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if len(buffer) < len(p) {
			buffer = make([]byte, len(p))
		}
		go func() {
			n, err := r.Read(buffer[:len(p)])
			done <- read{n, err}
		}()
		select {
		case got := <-done:
			return copy(p, buffer[:got.n]), got.err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
}
