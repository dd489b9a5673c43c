package onnx

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

const elsewhere = "../../../testdata/models-elsewhere/onnx/"

// answers are what onnxruntime answers; the folder's README.md says what the fields mean.
type answers struct {
	X       [][]*float64 // nil: missing
	Label   []string     `json:"ort_label"`
	Probs   [][]float64  `json:"ort_probs"`
	Precise bool         // whether the file works in float64
}

func readManifest(t testing.TB) map[string]answers {
	t.Helper()
	all := make(map[string]answers)
	data, err := os.ReadFile(elsewhere + "manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(elsewhere + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t testing.TB, data []byte) (*softmax.Model, *Report) {
	t.Helper()
	m, r, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

// ask returns the probabilities of a row. A missing value is replaced by the feature's.
func ask(t testing.TB, m *softmax.Model, row []float64) ([]float64, string) {
	t.Helper()
	row = slices.Clone(row)
	for i, v := range row {
		if math.IsNaN(v) {
			stand := m.Signature().Feature(i).Impute
			if stand == nil {
				t.Fatalf("feature %d takes no missing value", i)
				return nil, ""
			}
			row[i] = *stand
		}
	}
	p := make([]float64, m.NumClasses())
	best, err := m.Predict(p, row)
	if err != nil {
		t.Fatal(err)
	}
	return p, m.Class(best)
}

func within(t testing.TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d probabilities, expected %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Errorf("%s: probability %d is %v, expected %v", what, i, got[i], want[i])
		}
	}
}

func TestPredictsAsTheRuntime(t *testing.T) {
	t.Parallel()
	for name, want := range readManifest(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := decode(t, readFile(t, name))
			if len(want.X) < 10 || len(want.Probs) != len(want.X) || len(want.Label) != len(want.X) {
				t.Fatalf("%d rows, %d answers, %d labels", len(want.X), len(want.Probs), len(want.Label))
			}
			tolerance := 1e-6
			if want.Precise {
				tolerance = 1e-12
			}
			for i, given := range want.X {
				row := make([]float64, len(given))
				for j, v := range given {
					row[j] = math.NaN()
					if v != nil {
						row[j] = *v
					}
				}
				got, label := ask(t, m, row)
				within(t, name, got, want.Probs[i], tolerance)
				if label != want.Label[i] {
					t.Errorf("row %d is %q, expected %q", i, label, want.Label[i])
				}
			}
		})
	}
}

func TestEveryFileHasAnAnswer(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(elsewhere + "*.onnx")
	if err != nil {
		t.Fatal(err)
	}
	answers := readManifest(t)
	if len(files) < 5 {
		t.Errorf("%d files, expected 5 or more", len(files))
	}
	for _, path := range files {
		name := filepath.Base(path)
		_, answered := answers[name]
		if _, refused := refusedFiles()[name]; answered == refused {
			t.Errorf("%s is to be read: %v; is to be refused: %v", name, answered, refused)
		}
	}
}
