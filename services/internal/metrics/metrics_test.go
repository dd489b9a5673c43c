package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/sepal-ml/sepal/services/internal/metrics"
)

// family is what a registry gathers.
type family = *dto.MetricFamily

const predict = "/sepal.prediction.v1.PredictionService/Predict"

func newMetrics() *metrics.Metrics {
	return metrics.New([]metrics.Procedure{{Path: predict}, {Path: "/grpc.health.v1.Health/Watch", Streams: true}})
}

// used returns metrics of which each has a value.
func used() *metrics.Metrics {
	m := newMetrics()
	rpc, _ := m.Requests.RPC(predict)
	rpc.Begin()
	rpc.AddPredictions(3)
	rpc.AddPredictions(2)
	rpc.End(metrics.GRPC, 0, 60*time.Microsecond)
	rpc.Begin()
	rpc.End(metrics.Connect, connect.CodeInvalidArgument, 2*time.Second)
	rpc.Begin()
	return m
}

func TestMetricsOfTheProcess(t *testing.T) {
	t.Parallel()
	families, err := newMetrics().Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go_build_info", "go_goroutines", "process_cpu_seconds_total", "sepal_requests_total"} {
		if !slices.ContainsFunc(families, func(f family) bool { return f.GetName() == name }) {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestOthersAddMetrics(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	added := prometheus.NewGauge(prometheus.GaugeOpts{Name: "sepal_test_rows", Help: "Rows."})
	if err := m.Registerer().Register(added); err != nil {
		t.Fatal(err)
	}
	added.Set(3)
	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if text := response.Body.String(); response.Code != http.StatusOK || !strings.Contains(text, "\nsepal_test_rows 3\n") {
		t.Errorf("got %d %.300s", response.Code, text)
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	t.Parallel()
	problems, err := testutil.GatherAndLint(used().Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	const want = `
# HELP sepal_predictions_total Rows that were classified; those with an error are not among them.
# TYPE sepal_predictions_total counter
sepal_predictions_total{rpc="sepal.prediction.v1.PredictionService/Predict"} 5
# HELP sepal_requests_in_flight Requests that are being answered.
# TYPE sepal_requests_in_flight gauge
sepal_requests_in_flight{rpc="grpc.health.v1.Health/Watch"} 0
sepal_requests_in_flight{rpc="sepal.prediction.v1.PredictionService/Predict"} 1
sepal_requests_in_flight{rpc="unknown"} 0
# HELP sepal_requests_total Requests that were answered, by the code that the client got.
# TYPE sepal_requests_total counter
sepal_requests_total{code="invalid_argument",protocol="connect",rpc="sepal.prediction.v1.PredictionService/Predict"} 1
sepal_requests_total{code="ok",protocol="connect",rpc="grpc.health.v1.Health/Watch"} 0
sepal_requests_total{code="ok",protocol="connect",rpc="sepal.prediction.v1.PredictionService/Predict"} 0
sepal_requests_total{code="ok",protocol="connect",rpc="unknown"} 0
sepal_requests_total{code="ok",protocol="grpc",rpc="grpc.health.v1.Health/Watch"} 0
sepal_requests_total{code="ok",protocol="grpc",rpc="sepal.prediction.v1.PredictionService/Predict"} 1
sepal_requests_total{code="ok",protocol="grpc",rpc="unknown"} 0
sepal_requests_total{code="ok",protocol="grpcweb",rpc="grpc.health.v1.Health/Watch"} 0
sepal_requests_total{code="ok",protocol="grpcweb",rpc="sepal.prediction.v1.PredictionService/Predict"} 0
sepal_requests_total{code="ok",protocol="grpcweb",rpc="unknown"} 0
`
	if err := testutil.GatherAndCompare(used().Gatherer(), strings.NewReader(want),
		"sepal_requests_total", "sepal_requests_in_flight", "sepal_predictions_total"); err != nil {
		t.Error(err)
	}
}

func TestDurationsAreInSecondsAndInBothForms(t *testing.T) {
	t.Parallel()
	families, err := used().Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(families, func(f family) bool { return f.GetName() == "sepal_request_duration_seconds" })
	of := families[i].GetMetric()
	if len(of) != 2 { // sorted by label: connect, grpc
		t.Fatalf("there are %d histograms, expected 2: %v", len(of), of)
	}
	slow, fast := of[0].GetHistogram(), of[1].GetHistogram()
	if slow.GetSampleSum() != 2 || slow.GetSampleCount() != 1 || fast.GetSampleSum() != 60e-6 {
		t.Errorf("the sums are %v and %v, expected 2 and 6e-05", slow.GetSampleSum(), fast.GetSampleSum())
	}
	buckets := slow.GetBucket()
	if first, last := buckets[0].GetUpperBound(), buckets[len(buckets)-1].GetUpperBound(); first != 50e-6 || last != 10 {
		t.Errorf("the buckets go from %v to %v, expected 5e-05 to 10", first, last)
	}
	if len(fast.GetPositiveSpan()) == 0 || fast.GetSchema() != 3 {
		t.Errorf("there are no native buckets of a factor of 1.1: %v", fast)
	}
}

func TestPathsOfClientsBecomeNoLabels(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for _, path := range []string{"/x", predict + "/", "", "/unknown"} {
		rpc, known := m.Requests.RPC(path)
		if known {
			t.Errorf("%q is known", path)
		}
		rpc.Begin()
		rpc.End(metrics.Connect, connect.CodeUnimplemented, time.Second)
		rpc.Begin()
		rpc.End(metrics.Connect, 99, time.Second) // a status that no one defines
	}
	if n, err := testutil.GatherAndCount(m.Gatherer(), "sepal_requests_total"); err != nil || n != 3*3+2 {
		t.Errorf("there are %d series, expected %d (error: %v)", n, 3*3+2, err)
	}
}

func TestCountingAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	m := newMetrics()
	got := testing.AllocsPerRun(100, func() {
		rpc, _ := m.Requests.RPC(predict)
		rpc.Begin()
		rpc.AddPredictions(1)
		rpc.End(metrics.GRPC, 0, time.Millisecond)
	})
	if got > 0 {
		t.Errorf("counting a request takes %v allocations, expected none", got)
	}
}
