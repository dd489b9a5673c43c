package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"
)

// errorLayer sees how every call ends that reached a handler; see [Unheard] for the rest. An
// error that was made for the client passes; a context's end gets its code; anything else, and
// a panic, becomes an INTERNAL error with a neutral text and the request id, and its own text
// goes to the log, once.
type errorLayer struct {
	logger zerolog.Logger
}

func (l *errorLayer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (response connect.AnyResponse, err error) {
		start := time.Now()
		defer func() {
			if p := recover(); p != nil {
				response, err = nil, panicked(p)
			}
			err = l.end(ctx, request.Spec(), request.Peer(), start, err)
		}()
		return next(ctx, request)
	}
}

func (l *errorLayer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) (err error) {
		start := time.Now()
		defer func() {
			if p := recover(); p != nil {
				err = panicked(p)
			}
			err = l.end(ctx, conn.Spec(), conn.Peer(), start, err)
		}()
		return next(ctx, conn)
	}
}

func (l *errorLayer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// panicError is a panic that was caught on its way out of a handler.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func panicked(value any) error {
	// net/http compares with == and so must everyone who lets it pass.
	if value == http.ErrAbortHandler { //nolint:errorlint // the value of a panic, not a wrapped error
		panic(value)
	}
	return &panicError{value: value, stack: debug.Stack()}
}

// end logs how a call ended and returns the error that the client gets.
func (l *errorLayer) end(ctx context.Context, spec connect.Spec, peer connect.Peer, start time.Time, err error) error {
	hear(ctx)
	shown := forClient(ctx, err)
	event := l.logger.Debug()
	if shown != nil {
		event = l.logger.Info()
		if shown.Code() == connect.CodeInternal {
			event = l.logger.Error()
		}
	}
	if !event.Enabled() {
		return orNil(shown)
	}
	event.Str("rpc", spec.Procedure).
		Str("protocol", peer.Protocol).
		Str("peer", peer.Addr).
		Str("request_id", RequestIDFrom(ctx)).
		Dur("duration_ms", time.Since(start))
	if shown != nil {
		event.Str("code", shown.Code().String()).AnErr("error", err)
	}
	var p *panicError
	if errors.As(err, &p) {
		event.Bytes("stack", p.stack)
	}
	event.Msg("request")
	return orNil(shown)
}

// forClient returns what the client gets of an error.
func forClient(ctx context.Context, err error) *connect.Error {
	if err == nil {
		return nil
	}
	var made *connect.Error
	if errors.As(err, &made) && made.Code() != connect.CodeInternal && made.Code() != connect.CodeUnknown {
		return made
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("the deadline passed before the answer was ready"))
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeCanceled, errors.New("the request was cancelled"))
	}
	return connect.NewError(connect.CodeInternal, fmt.Errorf("internal error; the server's log has more under request id %s", RequestIDFrom(ctx)))
}

// orNil keeps a nil *connect.Error from becoming an error that is not nil.
func orNil(err *connect.Error) error {
	if err == nil {
		return nil
	}
	return err
}
