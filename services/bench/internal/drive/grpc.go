package drive

import (
	"context"
	"fmt"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// GRPC is how calls over gRPC are made, with grpc-go's client.
type GRPC struct {
	// Connections is how many there are, Streams how many calls are in flight on each.
	Connections, Streams int
	// InFlight is how many messages are in flight on each stream of PredictStream.
	InFlight int
	// Gzip offers the server to compress its answers.
	Gzip bool
}

// Predict calls Predict.
func (g GRPC) Predict() Load {
	request := encode(predictRequest())
	return g.unary(predictionv1connect.PredictionServicePredictProcedure, request, 1, checkPredict)
}

// Explained calls Predict and asks for the reasons.
func (g GRPC) Explained() Load {
	request := predictRequest()
	request.Explain = true
	return g.unary(predictionv1connect.PredictionServicePredictProcedure, encode(request), 1, checkPredict)
}

// Batch calls BatchPredict with a matrix of so many rows.
func (g GRPC) Batch(rows int) Load {
	matrix := &predictionv1.Matrix{Columns: uint32(Columns), Values: make([]float64, 0, rows*Columns)}
	for i := range rows {
		// Rows that are not all the same, and all of the class that was asked for: what is
		// added is little.
		for _, v := range Row {
			matrix.Values = append(matrix.Values, v+float64(i%100)/1000)
		}
	}
	request := encode(&predictionv1.BatchPredictRequest{Matrix: matrix})
	return g.unary(predictionv1connect.PredictionServiceBatchPredictProcedure, request, uint64(rows), func(answer []byte) error {
		return checkBatch(answer, rows)
	})
}

func checkBatch(answer []byte, rows int) error {
	var r predictionv1.BatchPredictResponse
	if err := proto.Unmarshal(answer, &r); err != nil {
		return err
	}
	m := r.GetMatrix()
	if len(m.GetClassIndices()) != rows || len(m.GetConfidences()) != rows || len(m.GetErrors()) > 0 {
		return fmt.Errorf("the answer has %d classes, %d confidences and %d errors, expected %d, as many and none",
			len(m.GetClassIndices()), len(m.GetConfidences()), len(m.GetErrors()), rows)
	}
	for i, k := range m.GetClassIndices() {
		if int(k) >= len(m.GetClasses()) || m.GetClasses()[k] != Class {
			return fmt.Errorf("row %d is of class %d of %v, expected %s", i, k, m.GetClasses(), Class)
		}
	}
	return nil
}

// Stream sends messages on streams of PredictStream, each stream having so many in flight.
func (g GRPC) Stream() Load {
	request := encode(&predictionv1.PredictStreamRequest{Request: predictRequest()})
	return func(ctx context.Context, address string, done *atomic.Uint64) error {
		answers := &checked{check: checkStreamed}
		return g.each(ctx, address, func(ctx context.Context, c *grpc.ClientConn) error {
			stream, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true},
				predictionv1connect.PredictionServicePredictStreamProcedure)
			if err != nil {
				return err
			}
			for range g.InFlight {
				if err := stream.SendMsg(request); err != nil {
					return stream.RecvMsg(new([]byte)) // which says why
				}
			}
			var answer []byte
			for {
				if err := stream.RecvMsg(&answer); err != nil {
					return err
				}
				if err := answers.add(answer); err != nil {
					return err
				}
				done.Add(1)
				if err := stream.SendMsg(request); err != nil {
					return stream.RecvMsg(&answer)
				}
			}
		})
	}
}

func checkStreamed(answer []byte) error {
	var r predictionv1.PredictStreamResponse
	if err := proto.Unmarshal(answer, &r); err != nil {
		return err
	}
	return checkPrediction(r.GetResponse())
}

// unary calls a procedure with the same request again and again; each answer is worth so much.
func (g GRPC) unary(procedure string, request []byte, worth uint64, check func([]byte) error) Load {
	return func(ctx context.Context, address string, done *atomic.Uint64) error {
		answers := &checked{check: check}
		return g.each(ctx, address, func(ctx context.Context, c *grpc.ClientConn) error {
			if g.Gzip {
				ctx = metadata.AppendToOutgoingContext(ctx, "grpc-accept-encoding", "gzip")
			}
			var answer []byte
			for {
				if err := c.Invoke(ctx, procedure, request, &answer); err != nil {
					return err
				}
				if err := answers.add(answer); err != nil {
					return err
				}
				done.Add(worth)
			}
		})
	}
}

// Calls calls Predict over gRPC so many times, one after the other.
func Calls(ctx context.Context, address string, n int) error {
	c, err := dialGRPC(address)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is in flight any more
	request, answers := encode(predictRequest()), &checked{check: checkPredict}
	var answer []byte
	for range n {
		if err := c.Invoke(ctx, predictionv1connect.PredictionServicePredictProcedure, request, &answer); err != nil {
			return err
		}
		if err := answers.add(answer); err != nil {
			return err
		}
	}
	return nil
}

// each runs a worker for each stream.
func (g GRPC) each(ctx context.Context, address string, work func(context.Context, *grpc.ClientConn) error) error {
	connections := make([]*grpc.ClientConn, g.Connections)
	for i := range connections {
		c, err := dialGRPC(address)
		if err != nil {
			return err
		}
		defer c.Close() //nolint:errcheck // nothing is in flight any more
		connections[i] = c
	}
	return workers(ctx, g.Connections*g.Streams, func(ctx context.Context, i int) error {
		return work(ctx, connections[i%len(connections)])
	})
}

// dialGRPC returns a client with one connection.
func dialGRPC(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		//nolint:staticcheck // a codec that is registered for the process would be offered by all calls
		grpc.WithDecompressor(grpc.NewGZIPDecompressor()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bare{}), grpc.MaxCallRecvMsgSize(maxAnswerBytes)))
}

const maxAnswerBytes = 64 << 20

// bare passes encoded messages on: []byte is sent, and *[]byte received.
type bare struct{}

func (bare) Name() string { return "proto" }

func (bare) Marshal(v any) (mem.BufferSlice, error) {
	body, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(body)}, nil
}

func (bare) Unmarshal(data mem.BufferSlice, v any) error {
	to, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("cannot read a %T", v)
	}
	if cap(*to) < data.Len() {
		*to = make([]byte, data.Len())
	}
	*to = (*to)[:data.Len()]
	data.CopyTo(*to)
	return nil
}
