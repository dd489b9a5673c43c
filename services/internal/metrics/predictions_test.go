package metrics

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/services/internal/monitor"
)

// gathered returns the series that a collector sends of a metric.
func gathered(t *testing.T, c prometheus.Collector, name string) []*dto.Metric {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}

// TestManyClassesShareASeries bounds what a model of very many classes exposes, and loses no row.
func TestManyClassesShareASeries(t *testing.T) {
	t.Parallel()
	counts := monitor.Counts{Model: "m", Version: "v1.0.0"}
	for k := range maxClasses + 500 {
		counts.Classes = append(counts.Classes, fmt.Sprint("class", k))
		counts.ClassCounts = append(counts.ClassCounts, 2)
	}
	p := newPredictions(monitor.New(monitor.Options{}))
	p.counts = func() []monitor.Counts { return []monitor.Counts{counts} }
	var sum, rest float64
	series := gathered(t, p, "sepal_predictions_total")
	for _, s := range series {
		sum += s.GetCounter().GetValue()
		if s.GetLabel()[0].GetValue() == "" {
			rest = s.GetCounter().GetValue()
		}
	}
	if len(series) != maxClasses+1 || sum != 2*(maxClasses+500) || rest != 2*500 {
		t.Errorf("%d series of %v rows, %v of them in the shared one: expected %d, %d and 1000", len(series), sum, rest, maxClasses+1, 2*(maxClasses+500))
	}
}

// TestDriftOfManyFeaturesIsBounded shows the first features of a model of very many.
func TestDriftOfManyFeaturesIsBounded(t *testing.T) {
	t.Parallel()
	report := &monitoringv1.DriftReport{Model: "m", Version: "v1.0.0", Rows: 1, RowsNeeded: 1}
	for j := range maxDriftFeatures + 50 {
		report.Features = append(report.Features, &monitoringv1.FeatureDrift{
			Feature: fmt.Sprint("x", j), State: monitoringv1.DriftState_DRIFT_STATE_DRIFTED, Divergence: &monitoringv1.Divergence{Psi: 1},
		})
	}
	d := newDrifts(monitor.New(monitor.Options{}))
	d.reports = func() []*monitoringv1.DriftReport { return []*monitoringv1.DriftReport{report} }
	if n := len(gathered(t, d, "sepal_drift_psi")); n != maxDriftFeatures {
		t.Errorf("%d features are shown, expected %d", n, maxDriftFeatures)
	}
}
