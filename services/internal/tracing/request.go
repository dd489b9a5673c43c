package tracing

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// The names of attributes are those of OpenTelemetry's conventions for RPC, version 1.37.
const (
	schema = "https://opentelemetry.io/schemas/1.37.0"
	scope  = "github.com/sepal-ml/sepal"
)

// maxEvents is how many messages of a stream its span tells of one by one.
const maxEvents = 64

// unknown is the name of the span of an RPC that there is not: no client can make up names.
const unknown = "unknown"

// Request is the trace of one request: the span of the server, and those of what it did. Only the
// goroutine that answers the request uses it.
type Request struct {
	tracer trace.Tracer
	ctx    context.Context //nolint:containedctx // that of the span, which children begin in
	span   trace.Span
	grpc   bool // or gRPC-Web
	events int
}

func (t *Tracer) begin(ctx context.Context, call Call) *Request {
	r := &Request{tracer: t.spans, grpc: call.Protocol != connect.ProtocolConnect}
	attributes := []attribute.KeyValue{
		attribute.String("rpc.system", systemOf(call.Protocol)),
		attribute.String("network.protocol.name", "http"),
		attribute.String("network.protocol.version", call.HTTPVersion),
	}
	name := unknown
	if service, method, ok := strings.Cut(strings.TrimPrefix(call.Procedure, "/"), "/"); ok {
		name = call.Procedure[1:]
		attributes = append(attributes, attribute.String("rpc.service", service), attribute.String("rpc.method", method))
	}
	r.ctx, r.span = t.spans.Start(ctx, name,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(call.Start), trace.WithAttributes(attributes...))
	return r
}

// systemOf returns what OpenTelemetry calls a protocol of Connect's.
func systemOf(protocol string) string {
	switch protocol {
	case connect.ProtocolGRPC:
		return "grpc"
	case connect.ProtocolGRPCWeb:
		return "grpc_web"
	default:
		return "connect_rpc"
	}
}

// TraceID returns the id of the trace, 32 hexadecimal digits.
func (r *Request) TraceID() string { return r.span.SpanContext().TraceID().String() }

// SpanID returns the id of the server's span, 16 hexadecimal digits.
func (r *Request) SpanID() string { return r.span.SpanContext().SpanID().String() }

// Child records a part of the work. Where one of the times is zero, it was not done.
func (r *Request) Child(name string, from, to time.Time) {
	if from.IsZero() || to.Before(from) {
		return
	}
	_, span := r.tracer.Start(r.ctx, name, trace.WithTimestamp(from))
	span.End(trace.WithTimestamp(to))
}

// Message records that a stream received, or else sent, its message of that number, 1 for the
// first. Of many it records the first ones.
func (r *Request) Message(received bool, number int) {
	if r.events++; r.events > maxEvents {
		return
	}
	kind := "SENT"
	if received {
		kind = "RECEIVED"
	}
	r.span.AddEvent("rpc.message", trace.WithAttributes(
		attribute.String("rpc.message.type", kind), attribute.Int("rpc.message.id", number)))
}

// Outcome is how a request ended.
type Outcome struct {
	// Code is what the client got, 0 where all is well.
	Code connect.Code
	// Model and Version answered it, as Variant of the rollout where it is not empty. Empty: none
	// did.
	Model, Version, Variant string
	// RequestID is the id of the request.
	RequestID string
	// Received and Sent are the messages of a stream.
	Received, Sent int
}

// End ends the trace.
func (r *Request) End(o Outcome) {
	attributes := []attribute.KeyValue{attribute.String("sepal.request_id", o.RequestID)}
	text := func(key, value string) {
		if value != "" {
			attributes = append(attributes, attribute.String(key, value))
		}
	}
	text("sepal.model", o.Model)
	text("sepal.model_version", o.Version)
	text("sepal.variant", o.Variant)
	if o.Received+o.Sent > 0 {
		attributes = append(attributes, attribute.Int("sepal.messages_received", o.Received), attribute.Int("sepal.messages_sent", o.Sent))
	}
	if r.grpc {
		attributes = append(attributes, attribute.Int("rpc.grpc.status_code", int(o.Code)))
	}
	if o.Code != 0 {
		code := o.Code.String()
		text("error.type", code)
		if !r.grpc {
			text("rpc.connect_rpc.error_code", strings.Replace(code, "canceled", "cancelled", 1))
		}
		if serverFault(o.Code) {
			r.span.SetStatus(codes.Error, code)
		}
	}
	r.span.SetAttributes(attributes...)
	r.span.End()
}

// serverFault reports whether a code makes the span of a server one that failed. The others are how
// it answers a client that is wrong.
func serverFault(code connect.Code) bool {
	switch code {
	case connect.CodeUnknown, connect.CodeDeadlineExceeded, connect.CodeUnimplemented,
		connect.CodeInternal, connect.CodeUnavailable, connect.CodeDataLoss:
		return true
	default:
		return false
	}
}
