package server

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
)

// BenchmarkPredict is a Predict behind all layers, without a connection.
func BenchmarkPredict(b *testing.B) {
	s, err := New(b.Context(), DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.doors.Close)
	message, err := proto.Marshal(&predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	if err != nil {
		b.Fatal(err)
	}
	body := append([]byte{0, 0, 0, 0, byte(len(message))}, message...)
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, predictionv1connect.PredictionServicePredictProcedure, nil)
	if err != nil {
		b.Fatal(err)
	}
	request.ProtoMajor, request.ProtoMinor, request.RemoteAddr = 2, 0, "127.0.0.1:1"
	reader := bytes.NewReader(body)
	request.Body = io.NopCloser(reader)
	header := http.Header{"Content-Type": {"application/grpc+proto"}, "Te": {"trailers"}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		request.Header = header.Clone()
		s.doors.HTTP.Handler.ServeHTTP(&sink{header: make(http.Header)}, request)
	}
}
