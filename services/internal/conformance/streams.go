package conformance

import (
	"context"
	"errors"
	"io"
	"net/http"

	"connectrpc.com/connect"

	conformancev1 "github.com/sepal-ml/sepal/services/internal/conformance/gen/connectrpc/conformance/v1"
)

// ServerStream answers one message with any number.
func (service) ServerStream(ctx context.Context, r *connect.Request[conformancev1.ServerStreamRequest], stream *connect.ServerStream[conformancev1.ServerStreamResponse]) error {
	a := answers{
		seen:    seenOf(ctx, r, r.Msg),
		headers: stream.ResponseHeader(), trailers: stream.ResponseTrailer(),
		send: func(payload *conformancev1.ConformancePayload) error {
			if payload == nil {
				return stream.Send(nil) // the headers alone
			}
			return stream.Send(&conformancev1.ServerStreamResponse{Payload: payload})
		},
	}
	if err := a.begin(r.Msg.GetResponseDefinition()); err != nil {
		return err
	}
	return a.all(ctx)
}

// BidiStream answers any number of messages with any number, as the first of them says: each of
// those with one of these, or all when the client has sent the last.
func (service) BidiStream(ctx context.Context, stream *connect.BidiStream[conformancev1.BidiStreamRequest, conformancev1.BidiStreamResponse]) error {
	a := answers{
		seen:    seenOf(ctx, callOf{stream.RequestHeader(), stream.Peer()}),
		headers: stream.ResponseHeader(), trailers: stream.ResponseTrailer(),
		send: func(payload *conformancev1.ConformancePayload) error {
			if payload == nil {
				return stream.Send(nil)
			}
			return stream.Send(&conformancev1.BidiStreamResponse{Payload: payload})
		},
	}
	duplex := false
	for first := true; ; first = false {
		request, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return a.all(ctx)
		}
		if err != nil {
			return err
		}
		if first {
			duplex = request.GetFullDuplex()
			if err := a.begin(request.GetResponseDefinition()); err != nil {
				return err
			}
		}
		see(a.seen, request)
		if !duplex {
			continue
		}
		if len(a.definition.GetResponseData()) == a.sent {
			return a.end(ctx)
		}
		if err := a.next(ctx); err != nil {
			return err
		}
	}
}

// answers are those of a stream.
type answers struct {
	definition        *conformancev1.StreamResponseDefinition
	seen              *conformancev1.ConformancePayload_RequestInfo // since the last answer
	sent              int
	headers, trailers http.Header
	send              func(*conformancev1.ConformancePayload) error // nil is what stands before all messages
}

// begin takes up what the answers are to be, and sends their headers.
func (a *answers) begin(definition *conformancev1.StreamResponseDefinition) error {
	a.definition = definition
	set(a.headers, definition.GetResponseHeaders())
	set(a.trailers, definition.GetResponseTrailers())
	if len(definition.GetResponseData()) == 0 {
		return nil // it ends at once, and over gRPC may do so with nothing but headers
	}
	return a.send(nil)
}

// next sends the next answer, when its time has come.
func (a *answers) next(ctx context.Context) error {
	if err := pause(ctx, a.definition.GetResponseDelayMs()); err != nil {
		return err
	}
	payload := &conformancev1.ConformancePayload{Data: a.definition.GetResponseData()[a.sent], RequestInfo: a.seen}
	a.seen = new(conformancev1.ConformancePayload_RequestInfo)
	a.sent++
	return a.send(payload)
}

// all sends what is left, and ends.
func (a *answers) all(ctx context.Context) error {
	for a.sent < len(a.definition.GetResponseData()) {
		if err := a.next(ctx); err != nil {
			return err
		}
	}
	return a.end(ctx)
}

// end returns how the stream is to end.
func (a *answers) end(ctx context.Context) error {
	wanted := a.definition.GetError()
	switch {
	case wanted == nil:
		return nil
	case a.sent == 0:
		return note(ctx, failure(wanted, a.seen))
	default:
		return note(ctx, failure(wanted, nil))
	}
}
