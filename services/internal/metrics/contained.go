package metrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

// contained is a collector whose panics end nothing but itself: Prometheus calls collectors on
// goroutines of their own, where one would end the process.
type contained struct {
	prometheus.Collector
	metrics *Metrics
}

func (m *Metrics) contained(c prometheus.Collector) prometheus.Collector { return contained{c, m} }

// Collect implements [prometheus.Collector].
func (c contained) Collect(to chan<- prometheus.Metric) {
	err := crash.Contain(func() { c.Collector.Collect(to) })
	var p *crash.PanicError
	if errors.As(err, &p) && c.metrics.Panicked != nil {
		c.metrics.Panicked(p)
	}
}
