package rpc

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"
)

// streamTimes gives streams other bounds of time than unary calls have.
//
// A request of one message has the time that any has to arrive; then, each message of the answer
// has as much to be taken. Where the client streams, it takes as long as it likes, until the
// server stops. The client's deadline, if it sends one, ends a stream that waits for a peer which
// neither sends nor reads.
type streamTimes struct {
	stopping context.Context //nolint:containedctx // it is the server's, and no call's
}

// WrapUnary only notes that the request is there.
func (streamTimes) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if c := callFrom(ctx); c != nil {
			c.times.received()
		}
		return next(ctx, request)
	}
}

func (streamTimes) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (s streamTimes) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		c := callFrom(ctx)
		switch {
		case c == nil:
			return next(ctx, conn)
		case conn.Spec().StreamType == connect.StreamTypeServer:
			answers := &answersConn{StreamingHandlerConn: conn, call: c, timeout: c.times.timeout}
			if end, bounded := ctx.Deadline(); bounded {
				answers.end = end.Add(answerGrace)
				answers.wait()
			}
			defer answers.last(ctx)
			return next(ctx, answers)
		}
		c.times.lift()
		w := c.answer.ResponseWriter
		if end, bounded := ctx.Deadline(); bounded {
			setReadDeadline(w, end)
			setWriteDeadline(w, end.Add(answerGrace))
			defer setWriteDeadline(w, time.Time{})
		}
		defer stopReading(s.stopping, w)()
		return next(ctx, &stoppableConn{StreamingHandlerConn: conn, ctx: ctx, stopping: s.stopping})
	}
}

// answersConn bounds the time of one message in, and of each message out.
type answersConn struct {
	connect.StreamingHandlerConn
	call    *call
	timeout time.Duration // of each message, 0: none
	end     time.Time     // of all messages, by the client's deadline; zero: none
}

// Receive lifts the bounds of the request when there is no more of it: a client that has sent the
// message may still keep the request open.
func (c *answersConn) Receive(message any) error {
	err := c.StreamingHandlerConn.Receive(message)
	if err != nil {
		c.call.times.lift()
		c.wait()
	}
	return err
}

func (c *answersConn) Send(message any) error {
	if c.timeout <= 0 {
		return c.StreamingHandlerConn.Send(message)
	}
	deadline := c.bound()
	err := c.StreamingHandlerConn.Send(message)
	if err != nil && !time.Now().Before(deadline) {
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("the deadline passed before the client took the answer"))
	}
	c.wait()
	return err
}

// bound sets the deadline of what is sent next, and returns it.
func (c *answersConn) bound() time.Time {
	deadline := time.Now().Add(c.timeout)
	if !c.end.IsZero() && c.end.Before(deadline) {
		deadline = c.end
	}
	setWriteDeadline(c.call.answer.ResponseWriter, deadline)
	return deadline
}

// wait takes the deadline of a message back while none is sent.
func (c *answersConn) wait() { setWriteDeadline(c.call.answer.ResponseWriter, c.end) }

// last bounds the end of the stream, which is sent when the handler is done. Of one that is over it
// is not: over HTTP/2, the deadline would hold the whole connection in memory until it passes.
func (c *answersConn) last(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	if c.timeout > 0 {
		c.bound()
		return
	}
	setWriteDeadline(c.call.answer.ResponseWriter, time.Time{})
}
