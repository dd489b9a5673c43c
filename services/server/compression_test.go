package server_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestOnlyLargeAnswersAreCompressed asks, in every protocol, as a client that takes gzip.
func TestOnlyLargeAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	const service = "/sepal.prediction.v1.PredictionService/"
	small := &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}
	large := &predictionv1.BatchPredictRequest{}
	for range 200 {
		large.Rows = append(large.Rows, &predictionv1.Row{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	}
	envs := make(map[string]*testenv.Env)
	for _, door := range doors.Names() {
		envs[door] = testenv.Start(t, testenv.Through(testenv.Options(), door))
	}
	for _, test := range []struct {
		contentType string
		accept      string // the header that offers gzip
		door        string // the server of HTTP/2, or none: it is HTTP/1.1
	}{
		{"application/json", "Accept-Encoding", ""},
		{"application/json", "Accept-Encoding", doors.Native},
		{"application/json", "Accept-Encoding", doors.NetHTTP},
		{"application/proto", "Accept-Encoding", ""},
		{"application/grpc+proto", "Grpc-Accept-Encoding", doors.Native},
		{"application/grpc+proto", "Grpc-Accept-Encoding", doors.NetHTTP},
		{"application/grpc+json", "Grpc-Accept-Encoding", doors.Native},
		{"application/grpc-web+proto", "Grpc-Accept-Encoding", ""},
		{"application/connect+json", "Connect-Accept-Encoding", ""},
		{"application/connect+proto", "Connect-Accept-Encoding", doors.Native},
		{"application/connect+proto", "Connect-Accept-Encoding", doors.NetHTTP},
	} {
		t.Run(test.contentType+"/"+cmp.Or(test.door, "http1"), func(t *testing.T) {
			t.Parallel()
			client := testenv.HTTPClient(t, test.door != "")
			url := envs[cmp.Or(test.door, doors.Native)].URL
			// Connect has content types of its own for streams, which alone have envelopes there.
			stream := strings.HasPrefix(test.contentType, "application/connect+")
			for compressed, rpc := range map[bool]string{false: "Predict", true: "BatchPredict"} {
				var message proto.Message = small
				if compressed {
					message = large
				}
				if stream {
					rpc = "BatchPredictStream"
					request := &predictionv1.BatchPredictStreamRequest{Batch: &predictionv1.BatchPredictRequest{Rows: large.GetRows()[:1]}}
					if compressed {
						request.Batch = large
					}
					message = request
				}
				if got := isCompressed(t, client, url+service+rpc, test.contentType, test.accept, message); got != compressed {
					t.Errorf("the answer of %s is compressed: %t, expected %t", rpc, got, compressed)
				}
			}
		})
	}
}

// isCompressed sends the message, offering gzip, and reports whether the answer comes compressed.
func isCompressed(t *testing.T, client *http.Client, url, contentType, accept string, message proto.Message) bool {
	t.Helper()
	marshal := proto.Marshal
	if strings.HasSuffix(contentType, "json") {
		marshal = protojson.Marshal
	}
	body, err := marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	enveloped := strings.Contains(contentType, "+")
	if enveloped {
		body = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept-Encoding", "identity") // not what the transport would offer by itself
	request.Header.Set(accept, "gzip")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || len(answer) < 5 {
		t.Fatalf("%s: got %s %q, %v", url, response.Status, answer, err)
	}
	if !enveloped {
		return response.Header.Get("Content-Encoding") == "gzip"
	}
	const compressedFlag = 1
	return answer[0]&compressedFlag != 0
}
