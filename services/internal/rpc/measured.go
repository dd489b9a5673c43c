package rpc

import (
	"context"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/metrics"
)

// Measured counts and times the requests that are RPCs, or would be if there were such a one. It
// stands outside all that may refuse a request, so that it counts the code that the client gets,
// whether or not an RPC hears of it.
//
// It also keeps unary answers over gRPC-Web and HTTP/1.1 in one piece, for which it must know
// which RPC is called.
func Measured(requests *metrics.Requests, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rpc, known := requests.RPC(r.URL.Path)
		if !known && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			next.ServeHTTP(w, r) // a page, or whether the server is well
			return
		}
		c, r := callOf(r)
		c.rpc, c.known, c.protocol = rpc, known, protocolOf(r.Header)
		traffic, w := rpc.Traffic(w, r)
		c.answer = answer{
			ResponseWriter: w,
			request:        r,
			call:           c,
			unflushed:      c.protocol == metrics.GRPCWeb && r.ProtoMajor == 1 && known && !rpc.Streams,
		}
		rpc.Begin()
		defer func() {
			code := c.code
			if !c.ended && code == 0 { // a panic on its way out breaks the connection off
				code = connect.CodeUnknown
			}
			rpc.End(c.protocol, code, c.reason, time.Since(c.start))
		}()
		next.ServeHTTP(&c.answer, r)
		c.outcome()
		traffic.End()
	})
}

func protocolOf(header http.Header) metrics.Protocol {
	const grpc, web = "application/grpc", "-web"
	var contentType string
	if values := header["Content-Type"]; len(values) > 0 {
		contentType = values[0]
	}
	switch {
	case len(contentType) < len(grpc) || !strings.EqualFold(contentType[:len(grpc)], grpc):
		return metrics.Connect
	case len(contentType) >= len(grpc+web) && strings.EqualFold(contentType[len(grpc):len(grpc+web)], web):
		return metrics.GRPCWeb
	default:
		return metrics.GRPC
	}
}

// batchCounter counts the rows of batches, for the metrics and against the limit on requests.
type batchCounter struct{}

func (batchCounter) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		c, err := countRows(ctx, request.Any())
		if err != nil {
			return nil, err
		}
		response, err := next(ctx, request)
		c.giveRowsBack(err)
		return response, err
	}
}

func (batchCounter) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (batchCounter) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if conn.Spec().StreamType != connect.StreamTypeServer {
			return next(ctx, conn) // no such call has batches
		}
		err := next(ctx, batchConn{StreamingHandlerConn: conn, ctx: ctx})
		callFrom(ctx).giveRowsBack(err)
		return err
	}
}

// batchConn counts the rows of the message that it receives.
type batchConn struct {
	connect.StreamingHandlerConn
	ctx context.Context //nolint:containedctx // the context of the stream, which ends with it
}

func (c batchConn) Receive(message any) error {
	err := c.StreamingHandlerConn.Receive(message)
	if err == nil {
		_, err = countRows(c.ctx, message)
	}
	return err
}

// countRows counts the rows of a message that is a batch. It returns the call then, or nil, and an
// error where they are too many now.
func countRows(ctx context.Context, message any) (*call, error) {
	n, isBatch := batchRows(message)
	if !isBatch {
		return nil, nil //nolint:nilnil // a call that has nothing to give back
	}
	c := callFrom(ctx)
	if c == nil {
		return nil, nil //nolint:nilnil // as above
	}
	if c.rpc != nil {
		c.rpc.Batch(n)
	}
	return c, c.takeRows(n)
}

// batchRows returns how many rows a request asks to classify, if it is one of a batch.
func batchRows(message any) (n int, isBatch bool) {
	switch m := message.(type) {
	case *predictionv1.BatchPredictRequest:
		matrix := m.GetMatrix()
		values := len(matrix.GetValues()) + len(matrix.GetFloatValues())
		return len(m.GetRows()) + values/int(max(matrix.GetColumns(), 1)), true
	case *predictionv1.BatchPredictStreamRequest:
		return batchRows(m.GetBatch())
	}
	return 0, false
}
