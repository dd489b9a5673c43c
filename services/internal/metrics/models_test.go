package metrics_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/folder"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// watched are the metrics of the models in a folder.
type watched struct {
	*metrics.Metrics
	root    string
	models  *registry.Live
	loads   *metrics.Loads
	monitor *monitor.Monitor
	ready   bool
}

func watch(t *testing.T, versions ...string) *watched {
	t.Helper()
	w := &watched{Metrics: newMetrics(), loads: metrics.NewLoads(), root: testenv.IrisRegistry(t, versions...)}
	store, err := folder.Open(w.root)
	if err != nil {
		t.Fatal(err)
	}
	if w.models, err = registry.Open(t.Context(), store, registry.Options{Loaded: w.loads.Add}); err != nil {
		t.Fatal(err)
	}
	w.monitor = monitor.New(monitor.Options{Current: w.models.Current, ConfidenceThreshold: 0.5, DriftMinRows: 10})
	w.Watch(w.models, w.loads, w.monitor, func() bool { return w.ready })
	return w
}

// put writes a file as that of a version.
func (w *watched) put(t *testing.T, version string, file []byte) {
	t.Helper()
	path := filepath.Join(w.root, "iris", version)
	if err := os.MkdirAll(path, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "model.binpb"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.models.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// values returns the series whose names begin with one of the prefixes, as "name label label": its
// value, or of a histogram how many values there are.
func (w *watched) values(t *testing.T, prefixes ...string) map[string]float64 {
	t.Helper()
	families, err := w.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, prefix := range prefixes {
			if !strings.HasPrefix(f.GetName(), prefix) {
				continue
			}
			for _, series := range f.GetMetric() {
				got[strings.Join(append([]string{f.GetName()}, labelsOf(series)...), " ")] =
					series.GetCounter().GetValue() + series.GetGauge().GetValue() + float64(series.GetHistogram().GetSampleCount())
			}
		}
	}
	return got
}

func labelsOf(series *dto.Metric) []string {
	var labels []string // sorted by name
	for _, label := range series.GetLabel() {
		labels = append(labels, label.GetValue())
	}
	return labels
}

func (w *watched) require(t *testing.T, when string, want map[string]float64, prefixes ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.values(t, prefixes...)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestLoadsAreCounted(t *testing.T) {
	t.Parallel()
	w := watch(t, "v1.0.0", "v1.1.0")
	loads := map[string]float64{
		"sepal_model_load_duration_seconds":                       2,
		"sepal_model_broken_versions iris":                        0,
		"sepal_model_load_failures_total iris format":             0,
		"sepal_model_load_failures_total iris mismatch":           0,
		"sepal_model_load_failures_total iris replaced":           0,
		"sepal_model_load_failures_total iris unreadable":         0,
		"sepal_model_load_failures_total iris unsupported":        0,
		"sepal_model_loads_total iris":                            2,
		"sepal_model_info " + w.digest("v1.0.0") + " iris v1.0.0": 1,
		"sepal_model_info " + w.digest("v1.1.0") + " iris v1.1.0": 1,
	}
	w.require(t, "at the start", loads, "sepal_model_")

	w.put(t, "v2.0.0", []byte("no model"))
	loads["sepal_model_load_failures_total iris format"] = 1
	loads["sepal_model_broken_versions iris"] = 1
	w.require(t, "with a broken one", loads, "sepal_model_")
	w.put(t, "v2.1.0", testenv.IrisFile(t, "v9.9.9"))
	loads["sepal_model_load_failures_total iris mismatch"] = 1
	loads["sepal_model_broken_versions iris"] = 2
	w.require(t, "with one in the place of another", loads, "sepal_model_")
	w.put(t, "v1.0.0", testenv.IrisFile(t, "v1.1.0"))
	loads["sepal_model_load_failures_total iris replaced"] = 1
	w.require(t, "with one that was replaced", loads, "sepal_model_")
	if _, err := w.models.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.require(t, "when looked at again", loads, "sepal_model_")

	w.put(t, "v2.0.0", testenv.IrisFile(t, "v2.0.0"))
	loads["sepal_model_loads_total iris"] = 3
	loads["sepal_model_load_duration_seconds"] = 3
	loads["sepal_model_broken_versions iris"] = 1
	loads["sepal_model_info "+w.digest("v2.0.0")+" iris v2.0.0"] = 1
	w.require(t, "when it is mended", loads, "sepal_model_")
}

func (w *watched) digest(version string) string {
	v, err := w.models.Current().Resolve("iris", version)
	if err != nil {
		return err.Error()
	}
	return v.Digest
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	w := watch(t, "v1.0.0")
	w.require(t, "before it is ready", map[string]float64{"sepal_ready": 0}, "sepal_ready")
	w.ready = true
	w.require(t, "when it is ready", map[string]float64{"sepal_ready": 1}, "sepal_ready")
}

func TestShadowsAreCounted(t *testing.T) {
	t.Parallel()
	w := watch(t, "v1.0.0", "v1.1.0")
	now, err := w.models.Current().Model("")
	if err != nil {
		t.Fatal(err)
	}
	wanted := proto.CloneOf(now.Rollout)
	wanted.Stable, wanted.Shadows = "v1.0.0", []string{"v1.1.0"}
	if _, err := w.models.SetRollout(t.Context(), wanted, rollout.Change{}); err != nil {
		t.Fatal(err)
	}
	a, err := w.models.Current().Assign("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	for class := range 3 {
		a.Shadows[0].Observe([]float64{5.1, 3.5, 1.4, 0.2}, class, 0.9) // setosa, which is the first
	}
	w.require(t, "after three rows", map[string]float64{
		"sepal_shadow_rows_total iris agreed v1.1.0 v1.0.0":    1,
		"sepal_shadow_rows_total iris disagreed v1.1.0 v1.0.0": 2,
		"sepal_shadow_rows_total iris failed v1.1.0 v1.0.0":    0,
	}, "sepal_shadow")
}

func TestPredictionsComeAndGoWithTheirVersions(t *testing.T) {
	t.Parallel()
	w := watch(t, "v1.0.0", "v1.1.0")
	v, err := w.models.Current().Resolve("", "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	w.monitor.Tally(v, "").Add([]float64{5.1, 3.5, 1.4, 0.2}, nil, 1, 0.4)
	live := map[string]float64{
		"sepal_low_confidence_predictions_total iris stable v1.1.0": 0,
		"sepal_prediction_confidence iris stable v1.1.0":            0,
		"sepal_predictions_total setosa iris stable v1.1.0":         0,
		"sepal_predictions_total versicolor iris stable v1.1.0":     0,
		"sepal_predictions_total virginica iris stable v1.1.0":      0,
	}
	all := map[string]float64{
		"sepal_low_confidence_predictions_total iris  v1.0.0": 1,
		"sepal_prediction_confidence iris  v1.0.0":            1,
		"sepal_predictions_total setosa iris  v1.0.0":         0,
		"sepal_predictions_total versicolor iris  v1.0.0":     1,
		"sepal_predictions_total virginica iris  v1.0.0":      0,
	}
	for name, value := range live {
		all[name] = value
	}
	prefixes := []string{"sepal_low", "sepal_prediction_c", "sepal_predictions"}
	w.require(t, "with two versions", all, prefixes...)
	if err := os.RemoveAll(filepath.Join(w.root, "iris", "v1.0.0")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.models.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.require(t, "with one", live, prefixes...)
}

func TestDriftIsShownOnceThereIsEnough(t *testing.T) {
	t.Parallel()
	w := watch(t, "v1.0.0")
	v, err := w.models.Current().Resolve("", "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"sepal_drift_rows iris v1.0.0": 0, "sepal_reference_mean_confidence iris v1.0.0": v.File.GetReference().GetMeanConfidence()}
	prefixes := []string{"sepal_drift", "sepal_prediction_drift", "sepal_mean", "sepal_reference", "sepal_estimated"}
	w.require(t, "at the start", want, prefixes...)

	w = watch(t, "v1.0.0") // reports are kept for a second
	for range 10 {
		w.monitor.Tally(v, "stable").Add([]float64{5.1, 3.5, 1.4, 9}, nil, 0, 0.75)
	}
	got := w.values(t, prefixes...)
	want["sepal_drift_rows iris v1.0.0"] = 10
	want["sepal_mean_confidence iris v1.0.0"] = 0.75
	want["sepal_estimated_accuracy iris v1.0.0"] = 0.75
	for _, f := range v.File.GetSignature().GetFeatures() {
		outside := 0.0
		if f.GetName() == "petal_width_cm" {
			outside = 1
		}
		want[fmt.Sprintf("sepal_drift_out_of_range_ratio %s iris v1.0.0", f.GetName())] = outside
		want[fmt.Sprintf("sepal_drift_missing_ratio %s iris v1.0.0", f.GetName())] = 0
		want[fmt.Sprintf("sepal_reference_missing_ratio %s iris v1.0.0", f.GetName())] = 0
		for _, name := range []string{"sepal_drift_psi", "sepal_drift_psi_critical", "sepal_drift_js_distance"} {
			series := fmt.Sprintf("%s %s iris v1.0.0", name, f.GetName())
			if got[series] <= 0 {
				t.Errorf("%s is %v, expected more than 0", series, got[series])
			}
			want[series] = got[series]
		}
	}
	for _, name := range []string{"sepal_prediction_drift_psi", "sepal_prediction_drift_psi_critical", "sepal_prediction_drift_js_distance"} {
		series := name + " iris v1.0.0"
		if got[series] <= 0 {
			t.Errorf("%s is %v, expected more than 0", series, got[series])
		}
		want[series] = got[series]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
}
