package drift_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/stat"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/drift"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
)

// iris returns the iris model, and the rows that it was trained on.
func iris(t *testing.T) (*modelv1.Model, *softmax.Model, [][]float64) {
	t.Helper()
	testdata := filepath.Join("..", "..", "..", "testdata")
	data, err := os.ReadFile(filepath.Join(testdata, "models", "iris", "v1.0.0", "model.binpb"))
	if err != nil {
		t.Fatal(err)
	}
	file, compiled, err := native.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.Open(filepath.Join(testdata, "datasets", "iris.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	lines, err := csv.NewReader(table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]float64
	for _, line := range lines[1:] {
		row := make([]float64, 4)
		for j := range row {
			if row[j], err = strconv.ParseFloat(line[j], 64); err != nil {
				t.Fatal(err)
			}
		}
		rows = append(rows, row)
	}
	return file, compiled, rows
}

// replayed returns a window that has seen the rows, changed, ten times.
func replayed(t *testing.T, file *modelv1.Model, m *softmax.Model, rows [][]float64, change func(row []float64)) *drift.Window {
	t.Helper()
	w := drift.NewWindow(file, drift.Options{})
	probabilities := make([]float64, m.NumClasses())
	for _, row := range slices.Repeat(rows, 10) {
		row = slices.Clone(row)
		change(row)
		class, err := m.Predict(probabilities, row)
		if err != nil {
			t.Fatal(err)
		}
		w.Add(row, nil, class, probabilities[class])
	}
	return w
}

func TestTheTrainingRowsHaveNotDrifted(t *testing.T) {
	t.Parallel()
	file, m, rows := iris(t)
	report := replayed(t, file, m, rows, func([]float64) {}).Report()
	if report.GetState() != stable || report.GetRows() != 1500 {
		t.Errorf("got %v of %d rows", report.GetState(), report.GetRows())
	}
	for _, f := range report.GetFeatures() {
		if f.GetState() != stable || f.GetDivergence().GetPsi() > 1e-9 || f.GetOutOfRangeShare() != 0 || f.GetMissingShare() != 0 {
			t.Errorf("got %v", f)
		}
	}
	p := report.GetPredictions()
	if p.GetState() != stable || p.GetDivergence().GetPsi() > 1e-9 || !near(p.GetMeanConfidence(), p.GetReferenceMeanConfidence(), 1e-8) {
		t.Errorf("got %v", p)
	}
}

func TestAShiftShowsInItsFeature(t *testing.T) {
	t.Parallel()
	file, m, rows := iris(t)
	for shifted := range 4 {
		t.Run(file.GetSignature().GetFeatures()[shifted].GetName(), func(t *testing.T) {
			t.Parallel()
			var values []float64
			for _, row := range rows {
				values = append(values, row[shifted])
			}
			by := 2 * stat.StdDev(values, nil)
			report := replayed(t, file, m, rows, func(row []float64) { row[shifted] += by }).Report()
			if report.GetState() != drifted {
				t.Errorf("got %v", report.GetState())
			}
			for j, f := range report.GetFeatures() {
				if psi := f.GetDivergence().GetPsi(); j == shifted && (psi <= 0.2 || f.GetState() != drifted) || j != shifted && (psi > 0.1 || f.GetState() != stable) {
					t.Errorf("of %s got %v, PSI %v", f.GetFeature(), f.GetState(), psi)
				}
			}
		})
	}
}
