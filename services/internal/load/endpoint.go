package load

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// endpoint is a connection to the server, or several. Any number of goroutines may use one.
type endpoint interface {
	// call sends the request, waits for the whole answer and adds what it says to a. The error
	// is a *connect.Error, or none of the server's.
	call(ctx context.Context, r *request, a *answer) error
	// open begins a stream in both directions, which lives until ctx ends or finish.
	open(ctx context.Context) (stream, error)
	close()
}

// stream is one call of PredictStream. One goroutine may send while another receives.
type stream interface {
	// send returns an error when the stream is over; why is what receive returns.
	send(r *request) error
	// receive returns io.EOF when the server has ended the stream.
	receive(a *answer) error
	// endSend says that nothing more is sent.
	endSend() error
	// finish frees the stream, once nothing more is received.
	finish()
}

// dial returns the endpoints of a run and a function that counts the connections made so far. It
// does not connect.
func dial(o *Options) ([]endpoint, func() int, error) {
	var dialled atomic.Int64
	connect := func(ctx context.Context) (net.Conn, error) {
		connection, err := o.Target.dial(ctx)
		if err == nil {
			dialled.Add(1)
		}
		return connection, err
	}
	n := 1 // of HTTP/1.1, one transport has all connections
	if o.HTTP == 2 {
		n = o.Connections
	}
	endpoints := make([]endpoint, 0, n)
	for range n {
		if o.Protocol != GRPC {
			endpoints = append(endpoints, newConnectEndpoint(o, connect))
			continue
		}
		e, err := newGRPCEndpoint(o, connect)
		if err != nil {
			return nil, nil, err
		}
		endpoints = append(endpoints, e)
	}
	return endpoints, func() int { return int(dialled.Load()) }, nil
}

// procedure returns the path of a call.
func procedure(c Call) string {
	switch c {
	case CallBatch:
		return predictionv1connect.PredictionServiceBatchPredictProcedure
	case CallBatchStream:
		return predictionv1connect.PredictionServiceBatchPredictStreamProcedure
	case CallStream:
		return predictionv1connect.PredictionServicePredictStreamProcedure
	default:
		return predictionv1connect.PredictionServicePredictProcedure
	}
}

// coded returns the name of an error's code and its text without that.
func coded(err error) (code, message string) {
	var e *connect.Error
	if errors.As(err, &e) {
		return e.Code().String(), e.Message()
	}
	return connect.CodeUnknown.String(), err.Error()
}
