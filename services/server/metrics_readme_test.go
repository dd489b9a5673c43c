package server_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// irisRows returns the features of the iris data set.
func irisRows(t *testing.T) [][]float64 {
	t.Helper()
	file, err := os.Open(testenv.Testdata("datasets", "iris.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	for _, record := range records[1:] {
		row := make([]float64, 4)
		for j := range row {
			if row[j], err = strconv.ParseFloat(record[j], 64); err != nil {
				t.Fatal(err)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// broken adds a version that cannot be loaded.
func broken(t *testing.T, env *testenv.Env, version string) {
	t.Helper()
	path := filepath.Join(env.Options.ModelPath, "iris", version)
	if err := os.MkdirAll(path, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "model.binpb"), []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Registry(t, testenv.Protocols()[0]).Reload(t.Context(), &registryv1.ReloadRequest{}); err != nil {
		t.Fatal(err)
	}
}

// everything returns what a server exposes of itself that has done all that there is to do.
func everything(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	env := startRegistry(t, "v1.0.0", "v1.1.0")
	broken(t, env, "v2.0.0")
	p := testenv.Protocols()[0]
	if _, err := env.Registry(t, p).SetRollout(t.Context(), &registryv1.SetRolloutRequest{Rollout: &registryv1.Rollout{
		Model: "iris", Stable: "v1.0.0", Shadows: []string{"v1.1.0"}, Etag: etagOf(t, env),
	}}); err != nil {
		t.Fatal(err)
	}
	matrix := &predictionv1.Matrix{Columns: 4}
	for _, row := range append(irisRows(t), irisRows(t)...) {
		matrix.Values = append(matrix.Values, row...)
	}
	if _, err := env.Prediction(t, p).BatchPredict(t.Context(), &predictionv1.BatchPredictRequest{Matrix: matrix}); err != nil {
		t.Fatal(err)
	}
	_, _, text := scrape(t, testenv.HTTPClient(t, false), http.MethodGet, env.URL, "")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// metricsTable returns the table of the metrics that are a server's own.
func metricsTable(families map[string]*dto.MetricFamily) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		if !strings.HasPrefix(name, "sepal_") {
			continue
		}
		var labels []string
		for _, series := range f.GetMetric() {
			for _, label := range series.GetLabel() {
				if shown := "`" + label.GetName() + "`"; !slices.Contains(labels, shown) {
					labels = append(labels, shown)
				}
			}
		}
		slices.Sort(labels)
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), strings.Join(labels, " "), f.GetHelp()))
	}
	return "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n" + strings.Join(lines, "")
}

// TestReadmeListsEveryMetric holds the README to what a server exposes: dashboards and alerts are
// made of these names, so that to rename one is to break them.
func TestReadmeListsEveryMetric(t *testing.T) {
	t.Parallel()
	path := testenv.Testdata("..", "services", "server", "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics -->\n\n", "\n<!-- end of metrics -->"
	before, rest, found := strings.Cut(string(readme), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no table between %q and %q", path, begin, end)
	}
	want := metricsTable(everything(t))
	if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("the README's metrics (-server +README), SEPAL_UPDATE_GOLDEN=1 mends it:\n%s", diff)
	}
}
