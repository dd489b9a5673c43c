package rpc

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/services/internal/tracing"
)

// Traced records the requests that are traced: within [Measured], which tells it what is called. A
// unary call is a span with one each for what it did: decode, from the last byte of the message
// until it was read; assign, until it was settled which version answers; predict, until the answer
// was there; encode, until its first byte was sent. Calls that no version answers have handle in
// place of assign and predict. A stream is one span that tells of its messages. The times are noted
// as it goes, and the spans made afterwards.
func Traced(tracer *tracing.Tracer, next http.Handler) http.Handler {
	if tracer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callFrom(r.Context())
		if c == nil || c.rpc == nil {
			next.ServeHTTP(w, r) // no RPC
			return
		}
		call := tracing.Call{Protocol: c.protocol.String(), HTTPVersion: httpVersion(r), Start: c.start}
		if c.known {
			call.Procedure = r.URL.Path
		}
		request := tracer.Begin(r.Header, call)
		if request == nil {
			next.ServeHTTP(w, r)
			return
		}
		c.trace = &callTrace{request: request}
		if !c.rpc.Streams {
			c.trace.watch(r, c.protocol.String())
		}
		defer c.endTrace()
		next.ServeHTTP(w, r)
		c.outcome()
	})
}

func httpVersion(r *http.Request) string {
	switch {
	case r.ProtoMajor >= 2:
		return "2"
	case r.ProtoMinor == 0:
		return "1.0"
	default:
		return "1.1"
	}
}

// callTrace is what is known of a call that is traced. A time that is zero has not come yet.
type callTrace struct {
	request *tracing.Request

	received time.Time // the last byte of the message of a unary call
	decoded  time.Time // the message
	handling time.Time // the handler began
	assigned time.Time // it was settled which version answers
	handled  time.Time // the handler was done
	answered time.Time // the answer has passed the layers
	encoded  time.Time // the first byte of it was sent

	variant string
	in, out int // messages of a stream
}

// endTrace ends the trace of a call that was answered, or is left by a panic.
func (c *call) endTrace() {
	t := c.trace
	code := c.code
	if !c.ended && code == 0 { // a panic on its way out breaks the connection off
		code = connect.CodeUnknown
	}
	t.request.Child("decode", t.received, t.decoded)
	if t.assigned.IsZero() {
		t.request.Child("handle", t.handling, t.handled)
	} else {
		t.request.Child("assign", t.handling, t.assigned)
		t.request.Child("predict", t.assigned, t.handled)
	}
	t.request.Child("encode", t.answered, t.encoded)
	t.request.End(tracing.Outcome{
		Code:      code,
		Model:     c.model,
		Version:   c.version,
		Variant:   t.variant,
		RequestID: c.requestID(),
		Received:  t.in,
		Sent:      t.out,
	})
}

// traceID returns the id of the trace that a call is part of, as far as is known; or "".
func (c *call) traceID() string {
	switch {
	case c.trace != nil:
		return c.trace.request.TraceID()
	case c.answer.request != nil:
		return tracing.CallersTraceID(c.answer.request.Header)
	}
	return ""
}

// TraceIDFrom returns the id of the trace that the request of ctx is part of, recorded or not; or "".
func TraceIDFrom(ctx context.Context) string {
	if c := callFrom(ctx); c != nil {
		return c.traceID()
	}
	return ""
}

// Assigned notes which version is about to answer a request, for its trace and for reports of what
// goes wrong. Of a stream that several answer, it keeps the last.
func Assigned(ctx context.Context, model, version, variant string) {
	c := callFrom(ctx)
	if c == nil {
		return
	}
	c.model, c.version = model, version
	if t := c.trace; t != nil {
		t.variant = variant
		if !c.rpc.Streams {
			t.assigned = time.Now()
		}
	}
}

// traceTimes notes when the handler of a traced call begins and ends, and the messages of a stream.
type traceTimes struct{}

func (traceTimes) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		c := callFrom(ctx)
		if c == nil || c.trace == nil {
			return next(ctx, request)
		}
		t := c.trace
		t.handling = time.Now()
		if t.decoded.IsZero() {
			t.decoded = t.handling
		}
		defer func() { t.handled = time.Now() }()
		return next(ctx, request)
	}
}

func (traceTimes) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (traceTimes) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if c := callFrom(ctx); c != nil && c.trace != nil {
			conn = tracedConn{StreamingHandlerConn: conn, trace: c.trace}
		}
		return next(ctx, conn)
	}
}

// tracedConn records the messages of a stream. Its trace is that of the goroutine which answers.
type tracedConn struct {
	connect.StreamingHandlerConn
	trace *callTrace
}

func (c tracedConn) Receive(message any) error {
	err := c.StreamingHandlerConn.Receive(message)
	if err == nil {
		c.trace.in++
		c.trace.request.Message(true, c.trace.in)
	}
	return err
}

func (c tracedConn) Send(message any) error {
	err := c.StreamingHandlerConn.Send(message)
	if err == nil {
		c.trace.out++
		c.trace.request.Message(false, c.trace.out)
	}
	return err
}
