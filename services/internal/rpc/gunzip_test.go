package rpc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// TestGzipTellsWhatCannotBeRead sends what is said to be gzip, and is damaged.
func TestGzipTellsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	whole := gzipped(t, `{"subjectId":"anyone"}`)
	handler := connect.NewUnaryHandlerSimple("/test/Predict", func(context.Context, *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
		return new(predictionv1.PredictResponse), nil
	}, connect.WithReadMaxBytes(moderate), rpc.Gzip(moderate))
	for name, test := range map[string]struct {
		body, want string
		status     int
	}{
		"whole":            {whole, "", http.StatusOK},
		"twice":            {whole + gzipped(t, " "), "", http.StatusOK},
		"the header alone": {whole[:10], "decompress: the gzip data is cut short, or more follows it", http.StatusBadRequest},
		"half a header":    {whole[:5], "get decompressor: the gzip data is cut short, or more follows it", http.StatusBadRequest},
		"no end":           {whole[:len(whole)-9], "decompress: the gzip data is cut short, or more follows it", http.StatusBadRequest},
		"more":             {whole + "more", "decompress: the gzip data is cut short, or more follows it", http.StatusBadRequest},
		"another checksum": {whole[:len(whole)-8] + strings.Repeat("x", 8), "decompress: what was said to be gzip is damaged or none: gzip: invalid checksum", http.StatusBadRequest},
		"no gzip":          {`{"subjectId":"anyone"}`, "get decompressor: what was said to be gzip is damaged or none: gzip: invalid header", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/test/Predict", strings.NewReader(test.body))
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Content-Encoding", "gzip")
			response := httptest.NewRecorder()
			handler.ServeHTTP(response, request)
			if text := response.Body.String(); response.Code != test.status || !strings.Contains(text, test.want) {
				t.Errorf("got %d %s, expected %d %s", response.Code, text, test.status, test.want)
			}
		})
	}
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
