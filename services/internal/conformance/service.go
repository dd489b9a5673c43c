package conformance

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/sepal-ml/sepal/services/internal/conformance/gen/connectrpc/conformance/v1"
	"github.com/sepal-ml/sepal/services/internal/conformance/gen/connectrpc/conformance/v1/conformancev1connect"
)

// service answers as each request says that it wants to be answered; the protos of the suite say
// what that means.
type service struct {
	conformancev1connect.UnimplementedConformanceServiceHandler // Unimplemented is to be just that
}

// Unary answers one message with one.
func (service) Unary(ctx context.Context, r *connect.Request[conformancev1.UnaryRequest]) (*connect.Response[conformancev1.UnaryResponse], error) {
	seen := seenOf(ctx, r, r.Msg)
	payload, err := single(ctx, r.Msg.GetResponseDefinition(), seen)
	if err != nil {
		return nil, err
	}
	return respond(&conformancev1.UnaryResponse{Payload: payload}, r.Msg.GetResponseDefinition()), nil
}

// IdempotentUnary is Unary for GET.
func (service) IdempotentUnary(ctx context.Context, r *connect.Request[conformancev1.IdempotentUnaryRequest]) (*connect.Response[conformancev1.IdempotentUnaryResponse], error) {
	seen := seenOf(ctx, r, r.Msg)
	seen.ConnectGetInfo = &conformancev1.ConformancePayload_ConnectGetInfo{QueryParams: listed(r.Peer().Query)}
	payload, err := single(ctx, r.Msg.GetResponseDefinition(), seen)
	if err != nil {
		return nil, err
	}
	return respond(&conformancev1.IdempotentUnaryResponse{Payload: payload}, r.Msg.GetResponseDefinition()), nil
}

// ClientStream answers any number of messages with one, as the first of them says.
func (service) ClientStream(ctx context.Context, stream *connect.ClientStream[conformancev1.ClientStreamRequest]) (*connect.Response[conformancev1.ClientStreamResponse], error) {
	var definition *conformancev1.UnaryResponseDefinition
	seen := seenOf(ctx, callOf{stream.RequestHeader(), stream.Peer()})
	for first := true; stream.Receive(); first = false {
		if first {
			definition = stream.Msg().GetResponseDefinition()
		}
		see(seen, stream.Msg())
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	payload, err := single(ctx, definition, seen)
	if err != nil {
		return nil, err
	}
	return respond(&conformancev1.ClientStreamResponse{Payload: payload}, definition), nil
}

// single returns the payload of the one answer to a call, when its time has come, or the error that
// the call is to end with.
func single(ctx context.Context, definition *conformancev1.UnaryResponseDefinition, seen *conformancev1.ConformancePayload_RequestInfo) (*conformancev1.ConformancePayload, error) {
	if err := pause(ctx, definition.GetResponseDelayMs()); err != nil {
		return nil, err
	}
	if wanted := definition.GetError(); wanted != nil {
		err := failure(wanted, seen)
		set(err.Meta(), definition.GetResponseHeaders())
		set(err.Meta(), definition.GetResponseTrailers())
		return nil, note(ctx, err)
	}
	return &conformancev1.ConformancePayload{Data: definition.GetResponseData(), RequestInfo: seen}, nil
}

// respond returns the message with the headers and trailers of the definition.
func respond[T any, P interface {
	*T
	proto.Message
}](message P, definition *conformancev1.UnaryResponseDefinition) *connect.Response[T] {
	response := connect.NewResponse((*T)(message))
	set(response.Header(), definition.GetResponseHeaders())
	set(response.Trailer(), definition.GetResponseTrailers())
	return response
}

// pause waits for so many milliseconds.
func pause(ctx context.Context, milliseconds uint32) error {
	if milliseconds == 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(milliseconds) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
