package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
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
	rpc.Batch(3)
	rpc.Batch(1000)
	rpc.End(metrics.GRPC, 0, metrics.ReasonByCode, 60*time.Microsecond)
	rpc.Begin()
	rpc.End(metrics.Connect, connect.CodeInvalidArgument, metrics.ReasonByCode, 2*time.Second)
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
# HELP sepal_batch_rows Rows of a batch, as it was asked for.
# TYPE sepal_batch_rows histogram
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="1"} 0
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="4"} 1
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="16"} 1
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="64"} 1
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="256"} 1
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="1024"} 2
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="4096"} 2
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="16384"} 2
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="65536"} 2
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="262144"} 2
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="1.048576e+06"} 2
sepal_batch_rows_bucket{rpc="sepal.prediction.v1.PredictionService/Predict",le="+Inf"} 2
sepal_batch_rows_sum{rpc="sepal.prediction.v1.PredictionService/Predict"} 1003
sepal_batch_rows_count{rpc="sepal.prediction.v1.PredictionService/Predict"} 2
# HELP sepal_rejected_total Requests that a limit kept from being answered, or who asked; of a stream that goes on, each such message.
# TYPE sepal_rejected_total counter
sepal_rejected_total{reason="auth"} 0
sepal_rejected_total{reason="deadline"} 0
sepal_rejected_total{reason="overload"} 0
sepal_rejected_total{reason="rate"} 0
sepal_rejected_total{reason="size"} 0
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
		"sepal_requests_total", "sepal_requests_in_flight", "sepal_batch_rows", "sepal_rejected_total"); err != nil {
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
		rpc.End(metrics.Connect, connect.CodeUnimplemented, metrics.ReasonByCode, time.Second)
		rpc.Begin()
		rpc.End(metrics.Connect, 99, metrics.ReasonByCode, time.Second) // a status that no one defines
	}
	if n, err := testutil.GatherAndCount(m.Gatherer(), "sepal_requests_total"); err != nil || n != 3*3+2 {
		t.Errorf("there are %d series, expected %d (error: %v)", n, 3*3+2, err)
	}
}

func TestCountingAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	m := newMetrics()
	response, answer := discard{}, []byte("answer")
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, predict, strings.NewReader("asked"))
	body := request.Body
	got := testing.AllocsPerRun(100, func() {
		rpc, _ := m.Requests.RPC(predict)
		rpc.Begin()
		traffic, w := rpc.Traffic(response, request)
		_, _ = w.Write(answer)
		traffic.End()
		request.Body = body
		rpc.End(metrics.GRPC, 0, metrics.ReasonByCode, time.Millisecond)
	})
	if got > 0 {
		t.Errorf("counting a request takes %v allocations, expected none", got)
	}
}

// discard is a response that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return nil }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestBytesAreCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for _, test := range []struct {
		path, query, asked string
		answers            []string
	}{
		{predict, "", strings.Repeat("x", 64), []string{"yes", "no"}},
		{predict, "", strings.Repeat("x", 65), nil},
		{predict, "encoding=json", "", []string{strings.Repeat("x", 2000)}},
		{"/grpc.health.v1.Health/Watch", "", "one two", []string{"three", "four"}},
	} {
		rpc, _ := m.Requests.RPC(test.path)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.path+"?"+test.query, strings.NewReader(test.asked))
		if test.asked == "" {
			request.Body = http.NoBody
		}
		response := httptest.NewRecorder()
		traffic, w := rpc.Traffic(response, request)
		asked, err := io.ReadAll(request.Body)
		if err != nil || string(asked) != test.asked {
			t.Errorf("read %q (%v), expected %q", asked, err, test.asked)
		}
		for _, answer := range test.answers {
			if _, err := io.WriteString(w, answer); err != nil {
				t.Error(err)
			}
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		traffic.End()
		if got := response.Body.String(); got != strings.Join(test.answers, "") || !response.Flushed {
			t.Errorf("written %q, flushed %v, expected %q", got, response.Flushed, test.answers)
		}
	}
	of := func(name string) map[string][3]float64 {
		families, err := m.Gatherer().Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][3]float64{}
		for _, f := range families {
			if f.GetName() != name {
				continue
			}
			for _, series := range f.GetMetric() {
				h := series.GetHistogram()
				got[series.GetLabel()[0].GetValue()] = [...]float64{float64(h.GetSampleCount()), h.GetSampleSum(), float64(h.GetBucket()[0].GetCumulativeCount())}
			}
		}
		return got
	}
	label := strings.TrimPrefix(predict, "/")
	// Count, sum, and how many have at most 64 bytes.
	if diff := cmp.Diff(map[string][3]float64{label: {3, 64 + 65 + 13, 2}, "grpc.health.v1.Health/Watch": {1, 7, 1}}, of("sepal_request_message_bytes")); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][3]float64{label: {3, 2005, 2}, "grpc.health.v1.Health/Watch": {1, 9, 1}}, of("sepal_response_message_bytes")); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestRejectionsAreCountedByReason(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	rpc, _ := m.Requests.RPC(predict)
	for _, code := range []connect.Code{
		0, connect.CodeInvalidArgument, connect.CodeResourceExhausted, connect.CodeDeadlineExceeded, connect.CodeDeadlineExceeded,
		connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeInternal, 99,
	} {
		rpc.Begin()
		rpc.End(metrics.Connect, code, metrics.ReasonByCode, time.Second)
	}
	// What is said counts, whatever the code says.
	for _, reason := range []metrics.Reason{metrics.ReasonRate, metrics.ReasonOverload, metrics.ReasonOverload} {
		rpc.Begin()
		rpc.End(metrics.Connect, connect.CodeResourceExhausted, reason, time.Second)
	}
	rpc.Reject(metrics.ReasonRate)
	const want = `
# HELP sepal_rejected_total Requests that a limit kept from being answered, or who asked; of a stream that goes on, each such message.
# TYPE sepal_rejected_total counter
sepal_rejected_total{reason="auth"} 2
sepal_rejected_total{reason="deadline"} 2
sepal_rejected_total{reason="overload"} 2
sepal_rejected_total{reason="rate"} 2
sepal_rejected_total{reason="size"} 1
`
	if err := testutil.GatherAndCompare(m.Gatherer(), strings.NewReader(want), "sepal_rejected_total"); err != nil {
		t.Error(err)
	}
}

func TestActivityTellsWhoseFaultItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		watch := monitor.New(monitor.Options{Current: func() *registry.Registry { return new(registry.Registry) }})
		m := metrics.New([]metrics.Procedure{{Path: predict, Activity: watch.Requests()}, {Path: "/other"}})
		for _, path := range []string{predict, "/other"} {
			rpc, _ := m.Requests.RPC(path)
			for code := range connect.CodeUnauthenticated + 1 {
				rpc.Begin()
				rpc.End(metrics.Connect, code, metrics.ReasonByCode, time.Second)
			}
		}
		time.Sleep(5 * time.Second)
		// Of 17, one is well and one cancelled; unknown, internal, data loss, unavailable and the
		// deadline are the server's.
		p := watch.Activity("").GetPoints()[0]
		if p.GetRequests() != 17 || p.GetFailed() != 5 || p.GetRefused() != 10 {
			t.Errorf("%d requests, %d failed, %d refused: expected 17, 5 and 10", p.GetRequests(), p.GetFailed(), p.GetRefused())
		}
	})
}
