package server_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestStreamEndsByItsDeadlineThoughNobodyReads asks for more than the connection holds, and
// reads none of it.
func TestStreamEndsByItsDeadlineThoughNobodyReads(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		http2 bool
		door  string
	}{
		"http1":         {false, doors.Native},
		"http2":         {true, doors.Native},
		"http2_nethttp": {true, doors.NetHTTP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := testenv.Start(t, testenv.Through(testenv.Options(), test.door))
			// What was sent before the deadline is there to be read. On a busy machine that may be
			// nothing yet, so the deadline grows.
			for timeout := 500; ; timeout *= 4 {
				n := bytesOfUnreadStream(t, env, test.http2, timeout)
				if n >= 100_000 {
					return
				}
				if timeout > 30_000 {
					t.Fatalf("%d bytes arrived, expected those of the first chunks", n)
				}
			}
		})
	}
}

// bytesOfUnreadStream calls with a deadline, in milliseconds, waits until the server is done with
// the call, and returns how much there is to read of it.
func bytesOfUnreadStream(t *testing.T, env *testenv.Env, http2 bool, timeout int) int64 {
	t.Helper()
	batch := &predictionv1.BatchPredictRequest{Explain: true}
	for range 10_000 {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	}
	message, err := protojson.Marshal(&predictionv1.BatchPredictStreamRequest{Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	url := env.URL + "/sepal.prediction.v1.PredictionService/BatchPredictStream"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(append(body, message...)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/connect+json")
	request.Header.Set("Connect-Timeout-Ms", strconv.Itoa(timeout))
	before := strings.Count(env.Log.String(), "BatchPredictStream")
	response, err := testenv.HTTPClient(t, http2).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	limit := time.Duration(timeout)*time.Millisecond + 30*time.Second
	for end := time.Now().Add(limit); strings.Count(env.Log.String(), "BatchPredictStream") == before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the call goes on, though its deadline has passed")
		}
	}
	n, _ := io.Copy(io.Discard, response.Body)
	return n
}

func TestStreamsOfMessagesNeedHTTP2(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	url := env.URL + "/sepal.prediction.v1.PredictionService/PredictStream"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/connect+json")
	response, err := testenv.HTTPClient(t, false).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"code":"unimplemented","message":"this call streams in both directions, which needs HTTP/2; ` +
		`ask for one answer with Predict, or for many with BatchPredict"}` + "\n"
	if response.StatusCode != http.StatusHTTPVersionNotSupported || string(text) != want {
		t.Errorf("got %s with %s, expected 505 with %s", response.Status, text, want)
	}
}
