package testenv

import (
	"testing"

	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// HTTP2 reports whether the protocol is spoken over HTTP/2: streams of messages in both
// directions need it.
func (p Protocol) HTTP2() bool { return p.http2 }

// Prediction returns a client of PredictionService in that protocol, for streams and for
// messages that are not written as JSON.
func (e *Env) Prediction(t testing.TB, p Protocol) predictionv1connect.PredictionServiceClient {
	return predictionv1connect.NewPredictionServiceClient(HTTPClient(t, p.http2), e.URL, p.options...)
}
