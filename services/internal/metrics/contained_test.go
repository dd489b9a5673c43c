package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// TestPanicsWhileMetricsAreGathered leave out what panicked, and end nothing.
func TestPanicsWhileMetricsAreGathered(t *testing.T) {
	t.Parallel()
	m := metrics.New(nil)
	var told atomic.Int32
	m.Panicked = func(p *crash.PanicError) {
		if len(p.Stack) > 0 && len(p.Calls) > 0 {
			told.Add(1)
		}
	}
	counts := monitor.New(monitor.Options{Current: func() *registry.Registry { panic("no snapshot") }})
	m.Watch(nil, metrics.NewLoads(), counts, func() bool { return true })
	for range 2 {
		answer := httptest.NewRecorder()
		m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		text := answer.Body.String()
		if answer.Code != http.StatusOK || !strings.Contains(text, "sepal_ready 1") || !strings.Contains(text, "go_goroutines") {
			t.Errorf("got %d\n%s", answer.Code, text)
		}
		if strings.Contains(text, "sepal_model_info") {
			t.Error("there are models, though they cannot be asked for")
		}
	}
	// Each time, those of the models, of the predictions and of drift.
	if told.Load() != 6 {
		t.Errorf("%d panics are told of, expected 6", told.Load())
	}
}
