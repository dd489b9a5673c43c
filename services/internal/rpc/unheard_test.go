package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// contentTypeCases say which content types a unary call reads.
var contentTypeCases = map[string]bool{
	"application/json":                     true,
	"application/json; charset=utf-8":      true,
	"Application/JSON":                     true,
	"application/proto":                    true,
	"application/grpc":                     true,
	"application/grpc+proto":               true,
	"application/grpc+json; charset=utf-8": true,
	"application/grpc-web+json":            true,

	"":                                        false,
	"application/x-www-form-urlencoded":       false, // what curl -d sends
	"multipart/form-data; boundary=x":         false,
	"text/plain; x=\"y\"":                     false,
	"json":                                    false,
	"application/x-protobuf":                  false,
	"application/json+proto":                  false,
	"application/connect+json":                false,
	"application/grpc+thrift":                 false,
	"application/grpc-web-text":               false,
	"application/json; charset=us-ascii":      false,
	"application/proto; charset=utf-8":        false,
	"application/" + strings.Repeat("x", 1e5): false,
}

// unheardHandler is a unary call within Unheard, and the log of both.
func unheardHandler() (http.Handler, *bytes.Buffer) {
	log := new(bytes.Buffer)
	logger := zerolog.New(log)
	unary := connect.NewUnaryHandler(procedure,
		func(context.Context, *connect.Request[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
			return nil, connect.NewError(connect.CodeNotFound, nil)
		}, append(HandlerOptions(Options{Logger: logger, MaxMessageBytes: 1000, MaxRows: 1}), connect.WithIdempotency(connect.IdempotencyNoSideEffects))...)
	return RequestID(Unheard(logger, nil, unary)), log
}

func TestContentTypesThatAreNotReadAreExplained(t *testing.T) {
	t.Parallel()
	for contentType, read := range contentTypeCases {
		h, _ := unheardHandler()
		response := serve(t, h, http.Header{"Content-Type": {contentType}}, "")
		if got := response.Code != http.StatusUnsupportedMediaType; got != read {
			t.Errorf("%.100q is read: %t, expected %t", contentType, got, read)
		}
		if read {
			continue
		}
		var body map[string]string
		if err := json.Unmarshal(response.Body.Bytes(), &body); err != nil {
			t.Fatalf("%.100q: %v", contentType, err)
		}
		message := body["message"]
		if len(message) > 400 || !strings.Contains(message, "is not read here: send application/json, application/proto, application/grpc or application/grpc-web") {
			t.Errorf("%.100q: the message is %q", contentType, message)
		}
		if diff := cmp.Diff(map[string]string{"code": "invalid_argument", "message": message}, body); diff != "" {
			t.Errorf("%.100q: body (-want +got):\n%s", contentType, diff)
		}
	}
}

func TestRefusalsWithoutAWordGetOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method, target string
		status         int
		message        string
	}{
		{http.MethodPut, procedure, 405, "PUT is not answered here: send GET, POST"},
		{http.MethodGet, procedure, 415, `encoding "" is not read here: ask with ?encoding=json&message=, followed by the request`},
		{http.MethodGet, procedure + "?encoding=xml&message=x", 415, `encoding "xml" is not read here: ask with ?encoding=json&message=, followed by the request`},
	} {
		h, log := unheardHandler()
		response := httptest.NewRecorder()
		h.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), test.method, test.target, nil))
		var body map[string]string
		if err := json.Unmarshal(response.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s %s: %v in %q", test.method, test.target, err, response.Body)
		}
		if response.Code != test.status || body["message"] != test.message {
			t.Errorf("%s %s: got %d %s", test.method, test.target, response.Code, response.Body)
		}
		requireLogged(t, log, response.Header().Get(RequestIDHeader), "request not taken")
	}
}

// TestEachFailureIsLoggedOnce shows that a broken message, which no interceptor sees, is logged
// under its request id, and that a call which fails is not logged twice.
func TestEachFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ contentType, body, logged string }{
		{"application/json", "{", "request not taken"},
		{"application/json", strings.Repeat(" ", 2000), "request not taken"},
		{"application/grpc", "\x00\x00\x00\x00\x01\xff", "request not taken"},
		{"application/grpc-web", "\x00\x00\x00\x00\x01\xff", "request not taken"},
		{"application/json", "{}", "request"},
		{"application/grpc", "\x00\x00\x00\x00\x00", "request"},
	} {
		h, log := unheardHandler()
		response := serve(t, h, http.Header{"Content-Type": {test.contentType}}, test.body)
		requireLogged(t, log, sentID(response), test.logged)
		// An error over gRPC is one of status 200.
		if test.logged == "request not taken" && !strings.Contains(log.String(), fmt.Sprintf(`"status":%d,`, response.Code)) {
			t.Errorf("%s: the answer has the status %d, the log says %s", test.contentType, response.Code, log)
		}
	}
}

// sentID is the request id of the headers as they were sent: over gRPC an answer may go on to set some.
func sentID(response *httptest.ResponseRecorder) string {
	sent := response.Result()
	defer sent.Body.Close()
	return sent.Header.Get(RequestIDHeader)
}

func requireLogged(t *testing.T, log *bytes.Buffer, id, message string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 1 || id == "" || !strings.Contains(lines[0], `"request_id":"`+id+`"`) || !strings.Contains(lines[0], `"message":"`+message+`"`) {
		t.Errorf("expected one line with %q and the id %q, got %q", message, id, lines)
	}
}
