package rpc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

// errorLayer sees how every call ends that reached a handler; see [Unheard] for the rest. An
// error that was made for the client passes; a context's end gets its code; anything else, and
// a panic, becomes an INTERNAL error with a neutral text and the request id, and its own text
// goes to the log, once.
//
// It writes the log of them: each at level debug; above that, those that failed, and of the others
// a share of sampleRate. What is the server's own fault goes to crashes too.
type errorLayer struct {
	logger     zerolog.Logger
	sampleRate float64
	crashes    *crash.Reporter
}

func (l *errorLayer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (response connect.AnyResponse, err error) {
		defer func() {
			if p := recover(); p != nil {
				response, err = nil, panicked(p)
			}
			err = l.end(ctx, request.Spec(), request.Peer(), err)
		}()
		return next(ctx, request)
	}
}

func (l *errorLayer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = panicked(p)
			}
			err = l.end(ctx, conn.Spec(), conn.Peer(), err)
		}()
		return next(ctx, receivedConn{conn})
	}
}

func (l *errorLayer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// panicError is a panic that was caught on its way out of a handler.
type panicError struct {
	value any
	stack []byte
	calls []uintptr // the same, for who looks the lines up
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func panicked(value any) error {
	// net/http compares with == and so must everyone who lets it pass.
	if value == http.ErrAbortHandler { //nolint:errorlint // the value of a panic, not a wrapped error
		panic(value)
	}
	return &panicError{value: value, stack: debug.Stack(), calls: crash.Stack()}
}

// end notes and logs how a call ended, and returns the error that the client gets.
func (l *errorLayer) end(ctx context.Context, spec connect.Spec, peer connect.Peer, err error) error {
	shown := forClient(ctx, err)
	c := callFrom(ctx)
	if c != nil {
		c.heard = true
		if shown != nil {
			c.code = shown.Code()
			if c.answer.ResponseWriter != nil {
				c.tellID(c.answer.Header())
			}
		}
	}
	// Whether to log is settled before there is anything to log.
	level := l.level(shown)
	if c != nil && c.unlogged {
		level = zerolog.DebugLevel
	}
	if level >= l.logger.GetLevel() {
		l.log(level, c, spec, peer, shown, err)
	}
	if shown != nil && serverFault(shown.Code()) {
		report(l.crashes, c, fault{rpc: spec.Procedure, protocol: peer.Protocol, code: shown.Code(), err: err})
	}
	if c != nil && c.trace != nil {
		c.trace.answered = time.Now()
	}
	return orNil(shown)
}

// level returns the level at which to log a call that ended so.
func (l *errorLayer) level(shown *connect.Error) zerolog.Level {
	switch {
	case shown == nil && l.sampleRate > 0 && rand.Float64() < l.sampleRate:
		return zerolog.InfoLevel
	case shown == nil:
		return zerolog.DebugLevel
	case shown.Code() == connect.CodeInternal:
		return zerolog.ErrorLevel
	default:
		return zerolog.InfoLevel
	}
}

func (l *errorLayer) log(level zerolog.Level, c *call, spec connect.Spec, peer connect.Peer, shown *connect.Error, err error) {
	event := l.logger.WithLevel(level).
		Str("rpc", spec.Procedure).
		Str("protocol", peer.Protocol).
		Str("peer", peer.Addr)
	if c != nil {
		event.Str("request_id", c.requestID())
		if id := c.traceID(); id != "" {
			event.Str("trace_id", id)
		}
		if c.principal != nil {
			event.Str("principal", c.principal.Name)
		}
		event.Dur("duration_ms", time.Since(c.start))
	}
	if shown != nil {
		event.Str("code", shown.Code().String()).AnErr("error", err)
	} else {
		event.Str("code", "ok")
	}
	var p *panicError
	if errors.As(err, &p) {
		event.Bytes("stack", p.stack)
	}
	event.Msg("request")
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
