// Package metrics shows Prometheus what a server does. Every server has a registry of its own; the
// default one of the process is never used.
//
// It counts and times requests itself. What a request adds to is looked up once, by the path of its
// RPC; an RPC that there is not is counted as "unknown". What is known of models and of their
// predictions it reads where that is kept, when somebody looks: from package registry and package
// monitor. Labels name only what those hold, so that no client can make up any, and they go when
// it goes. All methods may be called by any number of goroutines at the same time.
package metrics

import (
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Metrics are those of one server.
type Metrics struct {
	// Requests are the metrics of the requests that it answers.
	Requests *Requests

	// Panicked is told of a panic while metrics were gathered, some of which were then left out.
	// It is set before anything is gathered. nil: nobody is.
	Panicked func(*crash.PanicError)

	registry *prometheus.Registry
}

// New returns the metrics of a server with these RPCs, and of its process: the Go runtime's, the
// operating system's, and what was built.
func New(procedures []Procedure) *Metrics {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	} {
		// A new registry refuses nothing that is given once.
		_ = registry.Register(c)
	}
	requests := newRequests(procedures)
	_ = registry.Register(requests)
	_ = registry.Register(newBuildInfo())
	return &Metrics{Requests: requests, registry: registry}
}

// Watch adds what is known of the models and of what they answer, and whether the server is ready.
// It is due once at most.
func (m *Metrics) Watch(models *registry.Live, loads *Loads, monitor *monitor.Monitor, ready func() bool) {
	isReady := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sepal_ready",
		Help: "1 while requests are welcome, and 0 while the server starts or drains.",
	}, func() float64 {
		if ready() {
			return 1
		}
		return 0
	})
	for _, c := range []prometheus.Collector{
		isReady, loads.seconds, m.contained(newModels(models)), m.contained(newPredictions(monitor)), m.contained(newDrifts(monitor)),
	} {
		_ = m.registry.Register(c) // as in New
	}
}

func newBuildInfo() prometheus.Collector {
	version := "(devel)"
	if info, known := debug.ReadBuildInfo(); known && info.Main.Version != "" {
		version = info.Main.Version
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "sepal_build_info",
		Help:        "1; its labels say what was built.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	}, func() float64 { return 1 })
}

// Registerer is where others add metrics of what they do. The names of all begin with "sepal_".
func (m *Metrics) Registerer() prometheus.Registerer { return m.registry }

// Gatherer is where all that are there can be read.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Handler answers with the metrics, in the format that the client asks for. What cannot be
// gathered is left out, and the rest is answered.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorHandling:     promhttp.ContinueOnError,
	})
}
