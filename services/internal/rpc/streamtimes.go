package rpc

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

// streamGrace is how long after a stream's deadline its end may still be sent.
const streamGrace = time.Second

// streamTimes gives streams other bounds of time than unary calls have. The body's deadline holds
// until the one message of a request is there, and not at all where the client streams. The
// client's deadline, if it sends one, ends a stream that waits for a peer which neither sends nor
// reads.
type streamTimes struct{}

func (streamTimes) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (streamTimes) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (streamTimes) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		c := callFrom(ctx)
		if c == nil {
			return next(ctx, conn)
		}
		end, bounded := ctx.Deadline()
		if conn.Spec().StreamType == connect.StreamTypeServer {
			conn = &oneMessageConn{StreamingHandlerConn: conn, call: c}
		} else {
			c.body.lift()
			if bounded {
				setReadDeadline(c.answer.ResponseWriter, end)
			}
		}
		if bounded {
			control := http.NewResponseController(c.answer.ResponseWriter)
			// What cannot have a deadline, such as a recorder in a test, is not written to a network.
			_ = control.SetWriteDeadline(end.Add(streamGrace))
			defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
		}
		return next(ctx, conn)
	}
}

// oneMessageConn lifts the body's deadline when the message is there.
type oneMessageConn struct {
	connect.StreamingHandlerConn
	call *call
}

func (c *oneMessageConn) Receive(message any) error {
	err := c.StreamingHandlerConn.Receive(message)
	c.call.body.lift()
	return err
}
