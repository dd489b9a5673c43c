// Package metrics counts and times what a server answers, for Prometheus. Every server has a
// registry of its own; the default one of the process is never used.
//
// What a request adds to is looked up once, by the path of its RPC; an RPC that there is not is
// counted as "unknown", so that no client can make up labels. All methods may be called by any
// number of goroutines at the same time.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one server.
type Metrics struct {
	// Requests are the metrics of the requests that it answers.
	Requests *Requests

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
	return &Metrics{Requests: requests, registry: registry}
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
