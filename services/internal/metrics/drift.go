package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/services/internal/monitor"
)

// maxDriftFeatures is of how many features of a version drift is shown: the first ones.
const maxDriftFeatures = 200

// drifts shows the reports of drift of the versions that are served.
type drifts struct {
	reports func() []*monitoringv1.DriftReport

	psi, critical, distance, missing, referenceMissing, outside *prometheus.Desc // of a feature

	predictionPSI, predictionCritical, predictionDistance *prometheus.Desc

	rows, confidence, referenceConfidence, accuracy *prometheus.Desc
}

func newDrifts(m *monitor.Monitor) *drifts {
	version := []string{"model", "version"}
	feature := append(version[:2:2], "feature")
	desc := func(name, help string, labels []string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &drifts{
		reports:          m.Drifts,
		psi:              desc("sepal_drift_psi", "Population stability index of a feature's values against those of training.", feature),
		critical:         desc("sepal_drift_psi_critical", "Value that the index exceeds by chance alone once in a thousand windows.", feature),
		distance:         desc("sepal_drift_js_distance", "Jensen-Shannon distance of a feature's values from those of training, 0 to 1.", feature),
		missing:          desc("sepal_drift_missing_ratio", "Share of rows in which a feature was missing.", feature),
		referenceMissing: desc("sepal_reference_missing_ratio", "Share of the training rows in which a feature was missing.", feature),
		outside:          desc("sepal_drift_out_of_range_ratio", "Share of a feature's values that are outside the range of training.", feature),

		predictionPSI:      desc("sepal_prediction_drift_psi", "Population stability index of the predicted classes against those on the training rows.", version),
		predictionCritical: desc("sepal_prediction_drift_psi_critical", "Value that the index exceeds by chance alone once in a thousand windows.", version),
		predictionDistance: desc("sepal_prediction_drift_js_distance", "Jensen-Shannon distance of the predicted classes from those on the training rows, 0 to 1.", version),

		rows:                desc("sepal_drift_rows", "Rows in the window that drift is measured over.", version),
		confidence:          desc("sepal_mean_confidence", "Mean probability of the predicted class, over the window.", version),
		referenceConfidence: desc("sepal_reference_mean_confidence", "Mean probability of the predicted class, over the training rows.", version),
		accuracy:            desc("sepal_estimated_accuracy", "Share of correct answers over the window, as far as it can be told without labels.", version),
	}
}

// Describe implements [prometheus.Collector].
func (d *drifts) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.psi, d.critical, d.distance, d.missing, d.referenceMissing, d.outside,
		d.predictionPSI, d.predictionCritical, d.predictionDistance,
		d.rows, d.confidence, d.referenceConfidence, d.accuracy,
	} {
		to <- desc
	}
}

// Collect implements [prometheus.Collector].
func (d *drifts) Collect(to chan<- prometheus.Metric) {
	for _, report := range d.reports() {
		labels := []string{report.GetModel(), report.GetVersion()}
		to <- gauge(d.rows, float64(report.GetRows()), labels...)
		if p := report.GetPredictions(); p != nil {
			d.collectPredictions(to, report, labels)
		}
		if report.GetRows() < report.GetRowsNeeded() {
			continue
		}
		for _, f := range report.GetFeatures()[:min(len(report.GetFeatures()), maxDriftFeatures)] {
			d.collectFeature(to, f, append(labels, f.GetFeature()))
		}
	}
}

func (d *drifts) collectPredictions(to chan<- prometheus.Metric, report *monitoringv1.DriftReport, labels []string) {
	p := report.GetPredictions()
	if known(p.GetState()) {
		collectDivergence(to, p.GetDivergence(), [...]*prometheus.Desc{d.predictionPSI, d.predictionCritical, d.predictionDistance}, labels)
	}
	if p.GetReferenceShares() != nil {
		to <- gauge(d.referenceConfidence, p.GetReferenceMeanConfidence(), labels...)
	}
	if report.GetRows() >= report.GetRowsNeeded() {
		to <- gauge(d.confidence, p.GetMeanConfidence(), labels...)
		to <- gauge(d.accuracy, p.GetEstimatedAccuracy(), labels...)
	}
}

func (d *drifts) collectFeature(to chan<- prometheus.Metric, f *monitoringv1.FeatureDrift, labels []string) {
	to <- gauge(d.missing, f.GetMissingShare(), labels...)
	to <- gauge(d.outside, f.GetOutOfRangeShare(), labels...)
	if f.GetState() != monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE {
		to <- gauge(d.referenceMissing, f.GetReferenceMissingShare(), labels...)
	}
	if known(f.GetState()) {
		collectDivergence(to, f.GetDivergence(), [...]*prometheus.Desc{d.psi, d.critical, d.distance}, labels)
	}
}

// known reports whether enough is known to say something.
func known(state monitoringv1.DriftState) bool {
	return state == monitoringv1.DriftState_DRIFT_STATE_STABLE || state == monitoringv1.DriftState_DRIFT_STATE_DRIFTED
}

func collectDivergence(to chan<- prometheus.Metric, d *monitoringv1.Divergence, as [3]*prometheus.Desc, labels []string) {
	to <- gauge(as[0], d.GetPsi(), labels...)
	to <- gauge(as[1], d.GetPsiCritical(), labels...)
	to <- gauge(as[2], d.GetJensenShannon(), labels...)
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
