package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
)

// stream keeps a stream busy as the pacer has it, and opens another when one breaks.
func (r *run) stream(ctx context.Context, e endpoint, to *shard) {
	for {
		c := &conversation{run: r, to: to, pending: make(chan slot, r.options.streamInFlight()), broken: make(chan struct{})}
		if over := c.hold(ctx, e); over {
			return
		}
		r.ease(ctx, true)
	}
}

// conversation is one stream: a goroutine sends while another receives.
type conversation struct {
	run     *run
	to      *shard
	pending chan slot     // what is in flight, the oldest first
	broken  chan struct{} // closed when the stream failed
	silent  atomic.Bool   // whether it failed since no answer came in time
}

// hold talks until the run is over, and then returns true, or until the stream breaks. Every
// slot taken is recorded once.
func (c *conversation) hold(ctx context.Context, e endpoint) (over bool) {
	streaming, cancel := context.WithCancel(ctx) // ctx itself ends with the run
	defer cancel()
	s, err := e.open(streaming)
	if err != nil {
		slot, ok := c.run.pacer.next(ctx)
		if ok {
			c.to.add(ctx, slot, c.run.request(slot), &answer{}, err)
		}
		return !ok
	}
	room := make(chan struct{}, cap(c.pending))
	received := make(chan struct{})
	go func() {
		defer close(received)
		c.receive(ctx, cancel, s, room)
	}()
	over = c.send(ctx, s, room)
	close(c.pending)
	if err := s.endSend(); err != nil {
		cancel()
	}
	<-received
	s.finish()
	return over
}

// send sends until there is nothing more to send, and then returns true, or the stream breaks.
func (c *conversation) send(ctx context.Context, s stream, room chan<- struct{}) (over bool) {
	for {
		select {
		case room <- struct{}{}:
		case <-c.broken:
			return false
		}
		slot, ok := c.run.pacer.next(ctx)
		if !ok {
			return true
		}
		c.pending <- slot // has room: whoever takes one out makes room only after that
		if err := s.send(c.run.request(slot)); err != nil {
			return false // receiving says why
		}
	}
}

// receive records an answer, or the failure, of each message that was sent.
func (c *conversation) receive(ctx context.Context, cancel func(), s stream, room <-chan struct{}) {
	timer := time.AfterFunc(c.run.options.Timeout, func() {
		c.silent.Store(true)
		cancel()
	})
	timer.Stop()
	defer timer.Stop()
	for slot := range c.pending {
		timer.Reset(c.run.options.Timeout)
		var a answer
		if err := s.receive(&a); err != nil {
			c.fail(ctx, cancel, slot, err)
			return
		}
		timer.Stop()
		c.to.add(ctx, slot, c.run.request(slot), &a, nil)
		<-room
	}
	// All is answered. What the server says at the end is of no request.
	timer.Reset(c.run.options.Timeout)
	_ = s.receive(new(answer))
}

// fail records the failure of the message in flight for longest, and of all others.
func (c *conversation) fail(ctx context.Context, cancel func(), oldest slot, err error) {
	switch {
	case c.silent.Load():
		err = connect.NewError(connect.CodeDeadlineExceeded, fmt.Errorf("the stream gave no answer within %v", c.run.options.Timeout))
	case errors.Is(err, io.EOF):
		err = connect.NewError(connect.CodeUnavailable, errors.New("the server ended the stream before it had answered"))
	}
	close(c.broken)
	cancel() // so that sending does not wait for a server that reads no more
	c.to.add(ctx, oldest, c.run.request(oldest), &answer{}, err)
	for slot := range c.pending {
		c.to.add(ctx, slot, c.run.request(slot), &answer{}, err)
	}
}
