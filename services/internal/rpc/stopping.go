package rpc

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"

	"connectrpc.com/connect"
)

// stoppableConn tells the client why its stream ends when the server stops.
type stoppableConn struct {
	connect.StreamingHandlerConn
	ctx, stopping context.Context //nolint:containedctx // that of the stream, and that of the server
}

func (c *stoppableConn) Receive(message any) error {
	err := c.StreamingHandlerConn.Receive(message)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.stopping.Err() != nil && c.ctx.Err() == nil {
		return connect.NewError(connect.CodeUnavailable, errors.New("the server is stopping; connect again"))
	}
	return err
}

// stopReading ends the reading of a request when stopping ends: what has arrived until then is
// still read. The function that it returns must be called before the handler is done.
func stopReading(stopping context.Context, w http.ResponseWriter) func() {
	var mu sync.Mutex
	done := false
	stop := context.AfterFunc(stopping, func() {
		mu.Lock()
		defer mu.Unlock()
		if !done {
			setReadDeadline(w, longPast())
		}
	})
	return func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		done = true // a response must not be touched any more
	}
}
