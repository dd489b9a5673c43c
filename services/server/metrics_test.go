package server_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// scrape asks for the metrics as a scraper does that takes the format.
func scrape(t *testing.T, client *http.Client, method, base, accept string) (status int, contentType string, text []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, base+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), text
}

// TestMetrics calls an RPC in every protocol and reads what was counted.
func TestMetrics(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	for _, protocol := range testenv.Protocols() {
		if _, err := env.Caller(t, protocol).Call(t.Context(), "sepal.prediction.v1.PredictionService/Predict", []byte(`{"features":[5.1,3.5,1.4,0.2]}`)); err != nil {
			t.Fatalf("%s: %v", protocol.Name, err)
		}
	}
	client := testenv.HTTPClient(t, false)
	send(t, client, env.URL, "", "", "", `{"features":[5.1]}`)
	send(t, client, env.URL, "", "", "", `{`)
	send(t, client, env.URL, "", "/made/up", "", `{}`)
	send(t, client, env.URL, "", "/made/up/web", "application/grpc-web+proto", "\x00\x00\x00\x00\x00")
	send(t, testenv.HTTPClient(t, true), env.URL, "", "/made/up/grpc", "application/grpc", "\x00\x00\x00\x00\x00")
	send(t, client, env.URL, "GET", "/livez", "", "")

	status, _, text := scrape(t, client, http.MethodGet, env.URL, "")
	if status != http.StatusOK {
		t.Fatalf("got %d", status)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, series := range families["sepal_requests_total"].GetMetric() {
		var labels []string // sorted by name: code, protocol, rpc
		for _, label := range series.GetLabel() {
			labels = append(labels, label.GetValue())
		}
		if n := series.GetCounter().GetValue(); n > 0 {
			got[strings.Join(labels, " ")] = n
		}
	}
	const predict = " sepal.prediction.v1.PredictionService/Predict"
	want := map[string]float64{
		"ok connect" + predict: 6, "ok grpc" + predict: 2, "ok grpcweb" + predict: 2,
		"invalid_argument connect" + predict: 2, "unimplemented connect unknown": 1,
		"unimplemented grpcweb unknown": 1, "unimplemented grpc unknown": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	predictions := map[string]float64{}
	for _, series := range families["sepal_predictions_total"].GetMetric() {
		if n := series.GetCounter().GetValue(); n > 0 {
			predictions[series.String()] = n
		}
	}
	const setosa = `label:{name:"class"  value:"setosa"}  label:{name:"model"  value:"iris"}  label:{name:"variant"  value:"stable"}  label:{name:"version"  value:"v1.1.0"}  counter:{value:10}`
	for series, n := range predictions {
		if strings.Join(strings.Fields(series), " ") != strings.Join(strings.Fields(setosa), " ") || n != 10 {
			t.Errorf("predictions: %s", series)
		}
	}
	if len(predictions) != 1 {
		t.Errorf("%d series of predictions are not 0, expected 1", len(predictions))
	}
}

func TestMetricsAreAnsweredToScrapersOnly(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	client := testenv.HTTPClient(t, false)
	_, contentType, text := scrape(t, client, http.MethodGet, env.URL, "application/openmetrics-text;version=1.0.0")
	if !strings.HasPrefix(contentType, "application/openmetrics-text") || !bytes.HasSuffix(text, []byte("# EOF\n")) {
		t.Errorf("OpenMetrics is not answered but %s", contentType)
	}
	if status, _, text := scrape(t, client, http.MethodHead, env.URL, ""); status != http.StatusOK || len(text) > 0 {
		t.Errorf("HEAD: got %d and %d bytes", status, len(text))
	}
	if status, text := send(t, client, env.URL, http.MethodPost, "/metrics", "", "{}"); status != http.StatusNotImplemented || !strings.Contains(text, "there is no RPC /metrics") {
		t.Errorf("POST: got %d %.200s", status, text)
	}
}
