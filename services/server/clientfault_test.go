package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestBrokenStreamsAreTheirSendersFault sends streams that no client library would.
func TestBrokenStreamsAreTheirSendersFault(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"cut in a message":                  "\x00\x00\x00\x00\x64{}",
		"cut in a prefix":                   "\x00\x00",
		"compressed without an encoding":    "\x01\x00\x00\x00\x02{}",
		"flags that there are not":          "\x40\x00\x00\x00\x02{}",
		"more after the end":                "\x02\x00\x00\x00\x02{}{}",
		"end that is no JSON":               "\x02\x00\x00\x00\x02{!",
		"trailers that are none (gRPC-Web)": "\x80\x00\x00\x00\x02{!",
	}
	statuses := map[string]string{"grpc": "3", "grpc-web": "3"}
	for name, body := range bodies {
		for _, protocol := range []string{"connect", "grpc", "grpc-web"} {
			for _, method := range []string{"BatchPredictStream", "PredictStream"} {
				t.Run(fmt.Sprintf("%s/%s/%s", name, protocol, method), func(t *testing.T) {
					t.Parallel()
					env := testenv.Start(t, testenv.Options())
					request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env.URL+service+method, strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					request.Header.Set("Content-Type", "application/"+protocol+"+json")
					response, err := testenv.HTTPClient(t, true).Do(request)
					if err != nil {
						t.Fatal(err)
					}
					defer response.Body.Close()
					text, err := io.ReadAll(response.Body)
					if err != nil {
						t.Fatal(err)
					}
					status := response.Trailer.Get("Grpc-Status") + response.Header.Get("Grpc-Status")
					if status != statuses[protocol] || protocol == "connect" && !strings.Contains(string(text), `"code":"invalid_argument"`) {
						t.Errorf("got %v, %v and %q, expected INVALID_ARGUMENT", response.Header, response.Trailer, text)
					}
					if log := env.Log.String(); strings.Contains(log, `"level":"error"`) || !strings.Contains(log, `"code":"invalid_argument"`) {
						t.Errorf("the log says\n%s", log)
					}
				})
			}
		}
	}
}

// TestBrokenQueries asks with what is no base64, and with what is, in every form.
func TestBrokenQueries(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	client := testenv.HTTPClient(t, false)
	for _, test := range []struct {
		message string
		status  int
		text    string
	}{
		{"***", http.StatusBadRequest, `"code":"invalid_argument"`},
		{"e30%3D%3D%3D", http.StatusBadRequest, `message is not in base64, as base64=1 says: illegal base64 data`},
		{"eyJmZWF0dXJlcyI6WzUuMSwzLjUsMS40LDAuMl19", http.StatusOK, "setosa"},
		{"eyJmZWF0dXJlcyI6WzUuMSwzLjUsMS40LDAuMl0gfQ%3D%3D", http.StatusOK, "setosa"}, // padded
		{"eyJmZWF0dXJlcyI6WzUuMSwzLjUsMS40LDAuMl0gfQ", http.StatusOK, "setosa"},
		{"", http.StatusBadRequest, "the body is empty"},
	} {
		status, text := send(t, client, env.URL, http.MethodGet, predictPath+"?encoding=json&connect=v1&base64=1&message="+test.message, "", "")
		if status != test.status || !strings.Contains(text, test.text) {
			t.Errorf("%q: got %d %s, expected %d with %s", test.message, status, text, test.status, test.text)
		}
	}
	// The query says nothing of a message in the body.
	status, text := send(t, client, env.URL, http.MethodPost, predictPath+"?base64=1&message=***", "", `{"features":[5.1,3.5,1.4,0.2]}`)
	if status != http.StatusOK || !strings.Contains(text, "setosa") {
		t.Errorf("got %d %s", status, text)
	}
}

// TestStreamsSayWhatTheyRead sends JSON as one would to a unary call.
func TestStreamsSayWhatTheyRead(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	for _, method := range []string{"BatchPredictStream", "PredictStream"} {
		status, text := send(t, testenv.HTTPClient(t, true), env.URL, http.MethodPost, service+method, "application/json", `{}`)
		const want = `content type \"application/json\" is not read here: send application/connect+json, application/connect+proto, application/grpc or application/grpc-web`
		if status != http.StatusUnsupportedMediaType || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s", method, status, text)
		}
	}
}
