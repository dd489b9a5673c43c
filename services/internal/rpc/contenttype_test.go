package rpc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// contentTypeCases say which content types of a request are read.
var contentTypeCases = map[string]bool{
	"application/json":                       true,
	"application/json; charset=utf-8":        true,
	"application/json;charset=UTF-8":         true,
	"Application/JSON":                       true,
	"application/json;":                      true,
	"application/proto":                      true,
	"application/connect+json":               true,
	"application/connect+proto":              true,
	"application/connect+json;charset=utf-8": true,
	"application/grpc":                       true,
	"application/grpc+proto":                 true,
	"application/grpc+json":                  true,
	"application/grpc+json; charset=utf-8":   true,
	"application/grpc-web":                   true,
	"application/grpc-web+proto":             true,
	"application/grpc-web+json":              true,

	"":                                        false,
	"application/x-www-form-urlencoded":       false, // what curl -d sends
	"multipart/form-data; boundary=x":         false,
	"text/plain":                              false,
	"text/json":                               false,
	"json":                                    false,
	"*/*":                                     false,
	"application/octet-stream":                false,
	"application/x-protobuf":                  false,
	"application/protobuf":                    false,
	"application/json+proto":                  false,
	"application/proto+json":                  false,
	"application/connect":                     false,
	"application/connect+cbor":                false,
	"application/grpc+thrift":                 false,
	"application/grpc-web-text":               false,
	"application/json; charset":               false,
	"application/json;;":                      false,
	"application/json; charset=us-ascii":      false,
	"application/json; odata=verbose":         false,
	"application/json; charset=utf-8; x=y":    false,
	"application/proto; charset=utf-8":        false,
	"application/grpc; charset=utf-8":         false,
	"application/json, application/json":      false,
	"application/json\r\nx: y":                false,
	"application/" + strings.Repeat("x", 1e5): false,
}

func TestContentTypesThatAreRead(t *testing.T) {
	t.Parallel()
	for contentType, want := range contentTypeCases {
		passed := false
		h := ContentType(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }))
		header := http.Header{}
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
		response := serve(t, h, http.MethodPost, header, "{}")
		if passed != want {
			t.Errorf("%.100q passes: %t, expected %t", contentType, passed, want)
		}
		if !want {
			requireUnsupported(t, response, contentType)
		}
	}
}

func requireUnsupported(t *testing.T, response *httptest.ResponseRecorder, contentType string) {
	t.Helper()
	if response.Code != http.StatusUnsupportedMediaType || response.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%.100q: status %d with content type %q", contentType, response.Code, response.Header().Get("Content-Type"))
	}
	var body map[string]string
	if err := json.Unmarshal(response.Body.Bytes(), &body); err != nil {
		t.Fatalf("%.100q: %v", contentType, err)
	}
	message := body["message"]
	if len(message) > 400 || !strings.Contains(message, "application/json, application/proto, application/grpc or application/grpc-web") {
		t.Errorf("%.100q: the message is %q", contentType, message)
	}
	if diff := cmp.Diff(map[string]string{"code": "invalid_argument", "message": message}, body); diff != "" {
		t.Errorf("%.100q: body (-want +got):\n%s", contentType, diff)
	}
}

func TestContentTypeMessage(t *testing.T) {
	t.Parallel()
	h := ContentType(http.NotFoundHandler())
	response := serve(t, h, http.MethodPost, http.Header{"Content-Type": {"text/plain; x=\"y\""}}, "{}")
	const want = `{"code":"invalid_argument","message":"content type \"text/plain; x=\\\"y\\\"\" is not read here: send application/json, ` +
		`application/proto, application/grpc or application/grpc-web, without parameters other than charset=utf-8 of JSON"}` + "\n"
	if got := response.Body.String(); got != want {
		t.Errorf("got the body\n\t%s\nexpected\n\t%s", got, want)
	}
}

func TestContentTypeCountsForPOSTOnly(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut} {
		passed := false
		h := ContentType(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }))
		serve(t, h, method, http.Header{"Content-Type": {"text/plain"}}, "")
		if !passed {
			t.Errorf("a %s request does not pass", method)
		}
	}
}

// What passes the layer must be what the handlers behind it take: they refuse without a word.
func TestHandlersTakeTheContentTypesThatPass(t *testing.T) {
	t.Parallel()
	options := HandlerOptions(Options{Logger: zerolog.Nop(), MaxMessageBytes: 1 << 20})
	unary := connect.NewUnaryHandler(procedure,
		func(context.Context, *connect.Request[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
			return connect.NewResponse(&predictionv1.HealthResponse{}), nil
		}, options...)
	stream := connect.NewServerStreamHandler(procedure,
		func(context.Context, *connect.Request[predictionv1.HealthRequest], *connect.ServerStream[predictionv1.HealthResponse]) error {
			return nil
		}, options...)
	for contentType, want := range contentTypeCases {
		header := http.Header{"Content-Type": {contentType}}
		taken := false
		for _, h := range []http.Handler{unary, stream} {
			taken = taken || serve(t, h, http.MethodPost, header, "").Code != http.StatusUnsupportedMediaType
		}
		if taken != want {
			t.Errorf("%.100q is taken by a handler: %t, expected %t", contentType, taken, want)
		}
	}
}
