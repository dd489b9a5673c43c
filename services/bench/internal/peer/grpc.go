package peer

import (
	"context"
	"errors"
	"io"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// serveGRPC serves with grpc-go as it is when no option is set.
func serveGRPC(ctx context.Context, listener net.Listener, model *iris) error {
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: predictionv1connect.PredictionServiceName,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Predict", Handler: unary(model.predict)},
			{MethodName: "BatchPredict", Handler: unary(model.batch)},
		},
		Streams: []grpc.StreamDesc{
			{StreamName: "PredictStream", Handler: predictStream, ServerStreams: true, ClientStreams: true},
		},
	}, model)
	defer context.AfterFunc(ctx, s.Stop)()
	if err := s.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// message is a pointer to a message, which new makes.
type message[T any] interface {
	*T
	proto.Message
}

// unary returns what generated code would have for a unary call.
func unary[T any, Request message[T], Response proto.Message](call func(Request) (Response, error)) grpc.MethodHandler {
	return func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		request := Request(new(T))
		if err := decode(request); err != nil {
			return nil, err
		}
		response, err := call(request)
		if err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
		return response, nil
	}
}

// predictStream answers each message of a stream in order.
func predictStream(service any, stream grpc.ServerStream) error {
	model, ok := service.(*iris)
	if !ok {
		return status.Error(codes.Internal, "the service is not the model")
	}
	for {
		var request predictionv1.PredictStreamRequest
		if err := stream.RecvMsg(&request); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		response, err := model.predict(request.GetRequest())
		if err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		if err := stream.SendMsg(&predictionv1.PredictStreamResponse{
			Result: &predictionv1.PredictStreamResponse_Response{Response: response},
		}); err != nil {
			return err
		}
	}
}
