package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/crash/crashtest"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/tracing/tracingtest"
)

// panicking is a service whose Predict panics with the row.
type panicking struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
}

func (panicking) Predict(_ context.Context, request *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	panic(request.GetFeatures())
}

// TestPanicsOfHandlersReachSentry has a handler panic behind the layers of a server.
func TestPanicsOfHandlersReachSentry(t *testing.T) {
	collector := tracingtest.Start(t, "http/protobuf")
	sentry := crashtest.Start(t)
	o := DefaultOptions()
	o.Telemetry = true
	o.telemetry = newTelemetry(o)
	o.telemetry.start()
	_, handler := predictionv1connect.NewPredictionServiceHandler(panicking{}, layers(t.Context(), o)...)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, predictionv1connect.PredictionServicePredictProcedure,
		strings.NewReader(`{"features":[918273]}`))
	request.Header.Set("Content-Type", "application/json")
	response := httptest.NewRecorder()
	layered(o, metrics.New(procedures()), handler).ServeHTTP(response, request)
	if err := o.telemetry.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := response.Header().Get("X-Request-Id")
	if response.Code != http.StatusInternalServerError || id == "" || !strings.Contains(response.Body.String(), id) {
		t.Errorf("the answer is %d %s", response.Code, response.Body)
	}
	spans, events := collector.Spans(), sentry.Events()
	if len(events) != 1 || len(spans) == 0 {
		t.Fatalf("%d events and %d spans, expected one event, and some spans", len(events), len(spans))
	}
	e := events[0]
	if e.Tags["request_id"] != id || e.Contexts.Trace["span_id"] != spans[0].SpanID || e.Contexts.Trace["trace_id"] != spans[0].TraceID {
		t.Errorf("the event is %s, expected the ids of request %s and of span %+v", e.Raw, id, spans[0])
	}
	if strings.Contains(e.Raw, "918273") {
		t.Errorf("the row was sent: %s", e.Raw)
	}
}

// TestWhatIsNotTakenHoldsNobodyUp stops while Sentry does not answer.
func TestWhatIsNotTakenHoldsNobodyUp(t *testing.T) {
	tracingtest.Clear(t)
	sentry := crashtest.Start(t)
	sentry.Answer(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // from then on it is seen that the client goes
		<-r.Context().Done()
	})
	o := DefaultOptions()
	o.Telemetry, o.Logger = true, zerolog.Nop()
	sent := newTelemetry(o)
	sent.start()
	sent.crashes.Report(crash.Fault{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // requests have used all the time up
	began := time.Now()
	if err := sent.stop(ctx); err == nil {
		t.Error("what was not taken is said to be sent")
	}
	if took := time.Since(began); took > flushMost {
		t.Errorf("stopping took %v", took)
	}
	unmonitored := o
	unmonitored.Unmonitored = true
	if newTelemetry(unmonitored).listens() || newTelemetry(DefaultOptions()).listens() {
		t.Error("a server that is not watched, or not asked to send, sends")
	}
}
