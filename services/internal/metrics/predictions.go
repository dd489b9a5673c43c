package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sepal-ml/sepal/services/internal/monitor"
)

// maxClasses is how many classes of a version have a series of their own. The rest share one, whose
// class is empty.
const maxClasses = 1000

// predictions shows what was counted of the versions that are served.
type predictions struct {
	counts                 func() []monitor.Counts
	total, confidence, low *prometheus.Desc
}

func newPredictions(m *monitor.Monitor) *predictions {
	labels := []string{"model", "version", "variant"}
	return &predictions{
		counts: m.Counts,
		total: prometheus.NewDesc("sepal_predictions_total",
			"Rows that were classified, by the class that was predicted; those with an error are not among them.", append(labels, "class"), nil),
		confidence: prometheus.NewDesc("sepal_prediction_confidence",
			"Probability of the predicted class, row by row.", labels, nil),
		low: prometheus.NewDesc("sepal_low_confidence_predictions_total",
			"Rows whose predicted class has a probability below the confidence threshold.", labels, nil),
	}
}

// Describe implements [prometheus.Collector].
func (p *predictions) Describe(to chan<- *prometheus.Desc) {
	to <- p.total
	to <- p.confidence
	to <- p.low
}

// Collect implements [prometheus.Collector].
func (p *predictions) Collect(to chan<- prometheus.Metric) {
	for _, c := range p.counts() {
		labels := []string{c.Model, c.Version, c.Variant}
		own := min(len(c.Classes), maxClasses)
		for k, class := range c.Classes[:own] {
			to <- prometheus.MustNewConstMetric(p.total, prometheus.CounterValue, float64(c.ClassCounts[k]), append(labels, class)...)
		}
		var others uint64
		for _, n := range c.ClassCounts[own:] {
			others += n
		}
		if own < len(c.Classes) {
			to <- prometheus.MustNewConstMetric(p.total, prometheus.CounterValue, float64(others), append(labels, "")...)
		}
		buckets := make(map[float64]uint64, monitor.ConfidenceBuckets)
		var rows uint64
		for i, edge := range monitor.ConfidenceEdges() {
			rows += c.Confidence[i]
			buckets[edge] = rows
		}
		to <- prometheus.MustNewConstHistogram(p.confidence, rows, c.ConfidenceSum, buckets, labels...)
		to <- prometheus.MustNewConstMetric(p.low, prometheus.CounterValue, float64(c.Low), labels...)
	}
}
