package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchConnections adds how many connections are open, and how many were turned away because too
// many were. It is due once at most.
func (m *Metrics) WatchConnections(open func() int64, turnedAway func() uint64) {
	for _, c := range []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sepal_connections",
			Help: "Connections that are open.",
		}, func() float64 { return float64(open()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "sepal_connections_turned_away_total",
			Help: "Connections that were closed at once, since as many were open as may be.",
		}, func() float64 { return float64(turnedAway()) }),
	} {
		_ = m.registry.Register(c) // as in New
	}
}
