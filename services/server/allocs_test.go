package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/metrics"
)

// constant is a service whose Predict costs nothing.
type constant struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	answer *predictionv1.PredictResponse
}

func (c constant) Predict(context.Context, *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	return c.answer, nil
}

// sink is a response that is thrown away.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Flush()                      {}
func (s *sink) Write(p []byte) (int, error) { s.bytes += len(p); return len(p), nil }

// predictAllocs returns how many allocations one Predict takes in the handler.
func predictAllocs(t *testing.T, handler http.Handler, contentType string, body []byte) float64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, predictionv1connect.PredictionServicePredictProcedure, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.ProtoMajor, request.ProtoMinor, request.RemoteAddr = 2, 0, "127.0.0.1:1"
	reader := bytes.NewReader(body)
	request.Body = io.NopCloser(reader)
	header := http.Header{"Content-Type": {contentType}, "Te": {"trailers"}}
	return testing.AllocsPerRun(200, func() {
		reader.Reset(body)
		request.Header = header.Clone()
		response := sink{header: make(http.Header)}
		handler.ServeHTTP(&response, request)
		status := response.header[http.TrailerPrefix+"Grpc-Status"]
		if response.bytes == 0 || response.status > http.StatusOK || len(status) > 0 && status[0] != "0" {
			t.Errorf("the answer has the status %d, %d bytes and the headers %v", response.status, response.bytes, response.header)
		}
	})
}

// TestLayersAllocateLittle compares a handler behind all layers with Connect's own, bare.
func TestLayersAllocateLittle(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	o := DefaultOptions()
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.doors.Close)
	service := constant{answer: &predictionv1.PredictResponse{Prediction: "setosa", Confidence: 1, ModelVersion: "v1.0.0", Model: "iris"}}
	_, bare := predictionv1connect.NewPredictionServiceHandler(service)
	_, handler := predictionv1connect.NewPredictionServiceHandler(service, layers(t.Context(), o)...)
	measures := metrics.New(procedures())
	o.sockets = &sockets{}
	o.admission = newAdmission(o, measures)
	behind := layered(o, measures, handler)

	message, err := proto.Marshal(&predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		contentType string
		body        []byte
		most        float64 // more than Connect's own
	}{
		// They take 4; under the race detector, pools lose some of what they are given.
		{"application/grpc+proto", append([]byte{0, 0, 0, 0, byte(len(message))}, message...), 6},
		// Its own JSON takes more than all layers together.
		{"application/json", []byte(`{"features":[5.1,3.5,1.4,0.2]}`), -20},
	} {
		base := predictAllocs(t, bare, test.contentType, test.body)
		all := predictAllocs(t, behind, test.contentType, test.body)
		whole := predictAllocs(t, s.doors.HTTP.Handler, test.contentType, test.body)
		t.Logf("%s: %v allocations bare, %v behind the layers, %v with routing and the real prediction", test.contentType, base, all, whole)
		if all-base > test.most {
			t.Errorf("%s: the layers take %v allocations, expected at most %v", test.contentType, all-base, test.most)
		}
	}
}
