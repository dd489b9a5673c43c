package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepal-ml/sepal/services/internal/admission"
)

// WatchAdmission adds what a controller is doing, and returns what is to be told how long each
// request waited for its turn that did. It is due once at most.
func (m *Metrics) WatchAdmission(state func() admission.State) (waited func(time.Duration)) {
	gauge := func(name, help string, of func(admission.State) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return of(state()) })
	}
	waits := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "sepal_admission_wait_seconds",
		Help:    "Time for which requests waited for their turn, of those that did.",
		Buckets: []float64{100e-6, 1e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 1},
	})
	for _, c := range []prometheus.Collector{
		gauge("sepal_admission_in_flight", "Weight of the predictions that are worked on: 1 for each request and for 2 KiB of it.",
			func(s admission.State) float64 { return float64(s.InFlight) }),
		gauge("sepal_admission_limit", "Weight of predictions that may be worked on at the same time.",
			func(s admission.State) float64 { return float64(s.Limit) }),
		gauge("sepal_admission_queue", "Predictions that wait for their turn.",
			func(s admission.State) float64 { return float64(s.Waiting) }),
		gauge("sepal_admission_delay_seconds", "Time that a prediction waits for a processor, where there is a queue for them.",
			func(s admission.State) float64 { return s.Wait.Seconds() }),
		waits,
	} {
		_ = m.registry.Register(c) // as in New
	}
	return func(d time.Duration) { waits.Observe(d.Seconds()) }
}
