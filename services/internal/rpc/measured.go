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
		c.rpc, c.protocol = rpc, protocolOf(r.Header)
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
			rpc.End(c.protocol, code, time.Since(c.start))
		}()
		next.ServeHTTP(&c.answer, r)
		c.outcome()
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

// predictionCounter counts the rows that are classified.
type predictionCounter struct{}

func (predictionCounter) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		response, err := next(ctx, request)
		if err == nil {
			countPredictions(ctx, response.Any())
		}
		return response, err
	}
}

func (predictionCounter) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (predictionCounter) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, countingConn{StreamingHandlerConn: conn, ctx: ctx})
	}
}

// countingConn counts the rows of the messages that it sends.
type countingConn struct {
	connect.StreamingHandlerConn
	ctx context.Context //nolint:containedctx // the context of the stream, which ends with it
}

func (c countingConn) Send(message any) error {
	err := c.StreamingHandlerConn.Send(message)
	if err == nil {
		countPredictions(c.ctx, message)
	}
	return err
}

func countPredictions(ctx context.Context, message any) {
	n := predictions(message)
	if n == 0 {
		return
	}
	if c := callFrom(ctx); c != nil && c.rpc != nil {
		c.rpc.AddPredictions(n)
	}
}

// predictions returns how many classified rows an answer holds.
func predictions(message any) int {
	switch m := message.(type) {
	case *predictionv1.PredictResponse:
		return 1
	case *predictionv1.PredictStreamResponse:
		if m.GetResponse() != nil {
			return 1
		}
	case *predictionv1.BatchPredictStreamResponse:
		return predictions(m.GetChunk())
	case *predictionv1.BatchPredictResponse:
		n := len(m.GetMatrix().GetClassIndices()) - len(m.GetMatrix().GetErrors())
		for _, result := range m.GetResults() {
			if result.GetResponse() != nil {
				n++
			}
		}
		return n
	}
	return 0
}
