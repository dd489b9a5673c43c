package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

const predictPath = "/sepal.prediction.v1.PredictionService/Predict"

// TestWire sends what no generated client sends, and then asks whether the server lives.
func TestWire(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	client := testenv.HTTPClient(t, false)
	tests := []struct {
		name, method, path, contentType, body string
		status                                int
		text                                  string
	}{
		{name: "curl by features", body: `{"features":[5.1,3.5,1.4,0.2]}`, status: 200, text: `{"prediction":"setosa","confidence":0.99`},
		{name: "curl with charset", contentType: "application/json; charset=utf-8", body: `{"features":[5.1,3.5,1.4,0.2]}`, status: 200, text: `"prediction":"setosa"`},
		{name: "unknown fields are passed over", body: `{"features":[5.1,3.5,1.4,0.2],"new":1}`, status: 200, text: `"prediction":"setosa"`},
		{name: "get", method: "GET", path: predictPath + "?encoding=json&message=" + url.QueryEscape(`{"features":[5.1,3.5,1.4,0.2]}`), status: 200, text: `"prediction":"setosa"`},
		{name: "get in base64", method: "GET", path: predictPath + "?encoding=json&base64=1&message=eyJmZWF0dXJlcyI6WzUuMSwzLjUsMS40LDAuMl19", status: 200, text: `"prediction":"setosa"`},
		{name: "get of a refused row", method: "GET", path: predictPath + "?encoding=json&message=" + url.QueryEscape(`{"features":[5.1]}`), status: 400, text: `features has 1, expected 4 values`},
		{name: "get of a call with side effects", method: "GET", path: "/sepal.prediction.v1.PredictionService/BatchPredict?encoding=json&message={}", status: 405},
		{name: "a string in features", body: `{"features":[5.1,"wide",1.4,0.2]}`, status: 400, text: `features[1] is the string \"wide\", expected a number`},
		{name: "NaN in JSON", body: `{"features":[5.1,NaN,1.4,0.2]}`, status: 400, text: `features[1] is no JSON: invalid character 'N' looking for beginning of value, expected a number`},
		{name: "NaN as a string", body: `{"features":[5.1,"NaN",1.4,0.2]}`, status: 400, text: `features[1] is NaN, expected a finite number in cm for sepal_width_cm`},
		{name: "broken JSON", body: `{"features":[5.1,`, status: 400, text: `"code":"invalid_argument"`},
		{name: "no body", body: ``, status: 400, text: `the body is empty, expected a JSON object`},
		{name: "ten megabytes of zeros", body: strings.Repeat("\x00", 10<<20), status: 429, text: `larger than configured max 4194304`},
		{name: "ten megabytes of zero features", body: `{"features":[0` + strings.Repeat(",0", 5<<20) + `]}`, status: 429, text: `larger than configured max 4194304`},
		{name: "a form, as curl -d sends", contentType: "application/x-www-form-urlencoded", body: `{}`, status: 415, text: `content type \"application/x-www-form-urlencoded\" is not read here: send application/json`},
		{name: "garbage as proto", contentType: "application/proto", body: "\xff\xff\xff", status: 400, text: `"code":"invalid_argument"`},
		{name: "an RPC that there is not", path: "/sepal.prediction.v1.PredictionService/Divine", body: `{}`, status: 501, text: `there is no RPC /sepal.prediction.v1.PredictionService/Divine`},
		{name: "an RPC with a slash too many", path: predictPath + "/", body: `{}`, status: 501, text: `there is no RPC ` + predictPath + "/"},
		{name: "a service that there is not", path: "/sepal.oracle.v1.OracleService/Divine", body: `{}`, status: 501, text: `there is no RPC /sepal.oracle.v1.OracleService/Divine`},
		{name: "a page that there is not", method: "GET", path: "/nothing.html", status: 404, text: "the page is at /"},
		{name: "the page", method: "GET", path: "/", status: 200, text: "<!doctype html>"},
		{name: "alive", method: "GET", path: "/livez", status: 200, text: "ok"},
		{name: "ready", method: "GET", path: "/readyz", status: 200, text: "ok"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			status, text := send(t, client, env.URL, test.method, test.path, test.contentType, test.body)
			if status != test.status || !strings.Contains(text, test.text) {
				t.Errorf("got %d %.300s\nwant %d with %s", status, text, test.status, test.text)
			}
			status, text = send(t, client, env.URL, "", "", "", `{"features":[5.1,3.5,1.4,0.2]}`)
			if status != http.StatusOK || !strings.Contains(text, "setosa") {
				t.Errorf("the server no longer answers: %d %s", status, text)
			}
		})
	}
}

// send sends a request, a POST of JSON to Predict unless said otherwise.
func send(t *testing.T, client *http.Client, base, method, path, contentType, body string) (int, string) {
	t.Helper()
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = predictPath
	}
	request, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		if contentType == "" {
			contentType = "application/json"
		}
		request.Header.Set("Content-Type", contentType)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if failed := response.StatusCode >= http.StatusBadRequest; failed != (response.Header.Get("X-Request-Id") != "") {
		t.Errorf("the response with status %d has the request id %q, expected one of an error only", response.StatusCode, response.Header.Get("X-Request-Id"))
	}
	return response.StatusCode, string(text)
}

// TestErrorsNameFieldsOverJSON shows what a person with curl sees of an error's details.
func TestErrorsNameFieldsOverJSON(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	_, text := send(t, testenv.HTTPClient(t, false), env.URL, "", "", "", `{"inputs":{"sepal_length_cm":"x"}}`)
	var shown struct {
		Details []struct {
			Type  string
			Debug struct {
				FieldViolations []struct{ Field, Description string }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	if len(shown.Details) != 1 || shown.Details[0].Type != "google.rpc.BadRequest" ||
		len(shown.Details[0].Debug.FieldViolations) != 4 || shown.Details[0].Debug.FieldViolations[0].Field != "inputs.sepal_length_cm" {
		t.Errorf("got %s", text)
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	listed := testenv.Options()
	listed.CORSOrigins = []string{"https://app.example.com"}
	tests := []struct {
		env     *testenv.Env
		origin  string
		allowed bool
	}{
		{testenv.Start(t, testenv.Options()), "http://localhost:5173", true},
		{testenv.Start(t, testenv.Options()), "http://127.0.0.1", true},
		{testenv.Start(t, testenv.Options()), "http://[::1]:8080", true},
		{testenv.Start(t, testenv.Options()), "https://app.example.com", false},
		{testenv.Start(t, testenv.Options()), "http://localhost.example.com", false},
		{testenv.Start(t, testenv.Options()), "null", false},
		{testenv.Start(t, listed), "https://app.example.com", true},
		{testenv.Start(t, listed), "http://localhost:5173", false},
	}
	client := testenv.HTTPClient(t, false)
	for _, test := range tests {
		t.Run(fmt.Sprint(test.origin, " ", test.allowed), func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, test.env.URL+predictPath, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Origin", test.origin)
			request.Header.Set("Access-Control-Request-Method", "POST")
			request.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-grpc-web,x-user-agent")
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.Header.Get("Access-Control-Allow-Origin"); (got == test.origin) != test.allowed {
				t.Errorf("Access-Control-Allow-Origin is %q", got)
			}
		})
	}
}

// TestLimits shows that each limit of the options holds.
func TestLimits(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.MaxBatchRows, o.MaxMessageBytes = 3, 2000
	env := testenv.Start(t, o)
	client := testenv.HTTPClient(t, false)
	batch := func(rows int) string {
		return `{"topK":0,"rows":[` + strings.TrimSuffix(strings.Repeat(`{"features":[5.1,3.5,1.4,0.2]},`, rows), ",") + `]}`
	}
	const path = "/sepal.prediction.v1.PredictionService/BatchPredict"
	if status, text := send(t, client, env.URL, "", path, "", batch(3)); status != http.StatusOK {
		t.Errorf("3 rows: %d %s", status, text)
	}
	if status, text := send(t, client, env.URL, "", path, "", batch(4)); status != http.StatusBadRequest || !strings.Contains(text, "rows has 4, expected 1 to 3") {
		t.Errorf("4 rows: %d %s", status, text)
	}
	if status, text := send(t, client, env.URL, "", path, "", batch(200)); status != http.StatusTooManyRequests {
		t.Errorf("200 rows: %d %s", status, text)
	}
}

// TestBadRowsLeaveGoodOnes fills a batch to its limit with rows whose errors are many times
// their size: the good one among them is answered all the same.
func TestBadRowsLeaveGoodOnes(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	body := `{"rows":[` + strings.Repeat(`{"inputs":{}},`, 9999) + `{"features":[5.1,3.5,1.4,0.2]}]}`
	status, text := send(t, testenv.HTTPClient(t, false), env.URL, "", "/sepal.prediction.v1.PredictionService/BatchPredict", "", body)
	if status != http.StatusOK || strings.Count(text, `"error":`) != 9999 || strings.Count(text, `"prediction":"setosa"`) != 1 {
		t.Errorf("got %d with %d bytes: %.300s", status, len(text), text)
	}
}

// TestLittleDoesNotUnfoldToMuch sends two million rows in a few kilobytes.
func TestLittleDoesNotUnfoldToMuch(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	if _, err := zip.Write(bytes.Repeat([]byte("\n\x00"), 2_000_000)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, env.URL+"/sepal.prediction.v1.PredictionService/BatchPredict", &body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/proto")
	request.Header.Set("Content-Encoding", "gzip")
	response, err := testenv.HTTPClient(t, false).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "more than 640000 nested values") {
		t.Errorf("got %d %s", response.StatusCode, text)
	}
}

// TestErrorsRepeatLittleOfTheRequest sends names of megabytes, and more of them than are listed.
func TestErrorsRepeatLittleOfTheRequest(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	client := testenv.HTTPClient(t, false)
	_, text := send(t, client, env.URL, "", "", "", `{"inputs":{"`+strings.Repeat("y", 3<<20)+`":1}}`)
	if len(text) > 5000 || !strings.Contains(text, "inputs.yyy") {
		t.Errorf("got %d bytes: %.300s", len(text), text)
	}
	var names strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&names, `"n%d":1,`, i)
	}
	_, text = send(t, client, env.URL, "", "", "", `{"inputs":{`+strings.TrimSuffix(names.String(), ",")+`}}`)
	if got := strings.Count(text, `"field":`); got != 16 {
		t.Errorf("%d violations are listed, expected 16", got)
	}
}
