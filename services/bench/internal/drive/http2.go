package drive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// HTTP2 is how calls over HTTP/2 in clear text are made, with net/http's client.
type HTTP2 struct {
	// Connections is how many there are, Streams how many calls are in flight on each.
	Connections, Streams int
}

// JSON calls Predict by Connect with JSON.
func (h HTTP2) JSON() Load { return h.ask("application/json", []byte(JSONRequest), checkJSON) }

// GRPCWeb calls Predict by gRPC-Web.
func (h HTTP2) GRPCWeb() Load {
	return h.ask("application/grpc-web+proto", frame(encode(predictRequest())), checkFrame)
}

func (h HTTP2) ask(contentType string, body []byte, check func([]byte) error) Load {
	return func(ctx context.Context, address string, done *atomic.Uint64) error {
		answers := &checked{check: check}
		return workers(ctx, h.Connections, func(ctx context.Context, _ int) error {
			transport := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
			transport.Protocols.SetUnencryptedHTTP2(true)
			defer transport.CloseIdleConnections()
			return workers(ctx, h.Streams, func(ctx context.Context, _ int) error {
				for {
					answer, err := post(ctx, transport, address, contentType, body)
					if err != nil {
						return err
					}
					if err := answers.add(answer); err != nil {
						return err
					}
					done.Add(1)
				}
			})
		})
	}
}

// post sends one request and returns the body of its answer.
func post(ctx context.Context, transport *http.Transport, address, contentType string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+predictionv1connect.PredictionServicePredictProcedure, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read to its end
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer has status %d: %q", response.StatusCode, short(answer))
	}
	return answer, err
}
