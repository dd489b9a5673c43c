package interop_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/server"
)

const (
	predictPath = "/sepal.prediction.v1.PredictionService/Predict"
	batchPath   = "/sepal.prediction.v1.PredictionService/BatchPredict"
	row         = `{"features":[5.1,3.5,1.4,0.2]}`
)

// TestCurl has curl ask in every way that it knows: curl says which version of HTTP it comes to.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl := installed(t, "curl", "curl")
	for _, test := range []struct {
		name, flag string
		door       string
		secure     bool
		version    string
		fresh      bool // curl 7.88 fails where it uses such a connection again
	}{
		{"HTTP 1.1", "--http1.1", doors.Native, false, "1.1", false},
		{"an upgrade that is passed over", "--http2", doors.Native, false, "1.1", false},
		{"prior knowledge", "--http2-prior-knowledge", doors.Native, false, "2", true},
		{"prior knowledge, nethttp", "--http2-prior-knowledge", doors.NetHTTP, false, "2", true},
		{"HTTP 1.1 over TLS", "--http1.1", doors.Native, true, "1.1", false},
		{"ALPN", "--http2", doors.Native, true, "2", false},
		{"ALPN, nethttp", "--http2", doors.NetHTTP, true, "2", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, test.door, test.secure)
			ask := func(t *testing.T, arguments ...string) (body, status string) {
				t.Helper()
				all := []string{"-sS", "--max-time", "100", test.flag, "-w", "\n%{http_version} %{http_code}"}
				if p.ca != "" {
					all = append(all, "--cacert", p.ca)
				}
				out := run(t, curl, append(all, arguments...)...)
				end := strings.LastIndexByte(out, '\n')
				version, status, _ := strings.Cut(out[end+1:], " ")
				if version != test.version {
					t.Errorf("%q: HTTP/%s is spoken, expected %s", arguments, version, test.version)
				}
				return out[:end], status
			}
			curlAsks(t, p.url(), ask)
			curlUploads(t, p.url()+batchPath, ask)
			if !test.fresh {
				curlAsksOn(t, p.url(), ask)
			}
			if test.version == "1.1" {
				curlUploadsTooMuch(t, p.url()+batchPath, ask)
			}
		})
	}
}

// curlAsks asks for all kinds of things.
func curlAsks(t *testing.T, url string, ask func(t *testing.T, arguments ...string) (body, status string)) {
	t.Helper()
	const asJSON = "Content-Type: application/json"
	for _, test := range []struct {
		name, status, body string
		arguments          []string
	}{
		{"a page", "200", "<!doctype html>", []string{url + "/"}},
		{"a file that there is not", "404", "", []string{url + "/nothing"}},
		{"a probe", "200", "ok", []string{url + "/readyz"}},
		{"only the head", "200", "content-type: text/plain", []string{"-I", url + "/readyz"}},
		{"a row", "200", `"prediction":"setosa"`, []string{"-H", asJSON, "-d", row, url + predictPath}},
		{"a row by GET", "200", `"prediction":"setosa"`, []string{"-G", "--data-urlencode", "message=" + row, url + predictPath + "?connect=v1&encoding=json"}},
		{"a row too short", "400", `"code":"invalid_argument"`, []string{"-H", asJSON, "-d", `{"features":[1]}`, url + predictPath}},
		{"another method", "405", "", []string{"-X", "DELETE", url + predictPath}},
		{"another type", "415", "", []string{"-X", "POST", "-H", "Content-Type: text/plain", url + predictPath}},
		{"an answer in gzip", "200", `"confidences"`, []string{"--compressed", "-H", asJSON, "-d", `{"matrix":{"columns":4,"values":[` + strings.Repeat("5.1,3.5,1.4,0.2,", 499) + `5.1,3.5,1.4,0.2]}}`, url + batchPath}},
	} {
		body, status := ask(t, test.arguments...)
		if status != test.status || !strings.Contains(strings.ToLower(body), strings.ToLower(test.body)) {
			t.Errorf("%s: got %s with %.500s", test.name, status, body)
		}
	}
}

// curlAsksOn asks again and again, on one connection.
func curlAsksOn(t *testing.T, url string, ask func(t *testing.T, arguments ...string) (body, status string)) {
	t.Helper()
	const many = 200
	body, status := ask(t, url+fmt.Sprintf("/livez?[1-%d]", many))
	if got := strings.Count(body+status, "ok\n"); got != many {
		t.Errorf("of %d requests %d are answered", many, got)
	}
}

// curlUploads sends a batch of some megabytes.
func curlUploads(t *testing.T, url string, ask func(t *testing.T, arguments ...string) (body, status string)) {
	t.Helper()
	const rows = 10_000
	large := fmt.Appendf(nil, `{"rows":[%s%s]}`, strings.Repeat(row+strings.Repeat(" ", 300)+",", rows-1), row)
	body, status := ask(t, "-H", "Content-Type: application/json", "--data-binary", "@"+write(t, "large.json", large), url)
	var answer struct {
		Results []struct {
			Response struct{ Prediction string }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != "200" || len(answer.Results) != rows || answer.Results[rows-1].Response.Prediction != "setosa" {
		t.Errorf("%d bytes: got %s, %d results, %v, %.500s", len(large), status, len(answer.Results), err, body)
	}
}

// curlUploadsTooMuch sends more than the server takes. Over HTTP/2, some versions of curl lose an
// answer that comes before they have sent all.
func curlUploadsTooMuch(t *testing.T, url string, ask func(t *testing.T, arguments ...string) (body, status string)) {
	t.Helper()
	larger := make([]byte, server.DefaultOptions().MaxMessageBytes+1)
	body, status := ask(t, "-H", "Content-Type: application/json", "--data-binary", "@"+write(t, "larger.json", larger), url)
	if status != "429" || !strings.Contains(body, `"code":"resource_exhausted"`) {
		t.Errorf("%d bytes: got %s with %.500s", len(larger), status, body)
	}
}
