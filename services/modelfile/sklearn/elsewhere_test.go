package sklearn_test

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/modelfile/sklearn"
	"github.com/sepal-ml/sepal/services/softmax"
)

const folder = "../../../testdata/models-elsewhere/sklearn"

// expected is what a manifest says of a file.
type expected struct {
	// X has null where a value is missing.
	X       [][]*float64
	Proba   [][]float64
	Pred    []string
	Classes []string
	// Coef and Intercept are of the classifier; they stand where there are no predictions.
	Coef      [][]float64
	Intercept []float64
	// Tolerance of the probabilities; 0: 1e-12.
	Tolerance float64
	// Refused is a part of the error, if the file is refused.
	Refused string
}

// modelFiles are the files of the folder, by name.
func modelFiles(t testing.TB) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if ext := filepath.Ext(entry.Name()); ext == ".pkl" || ext == ".joblib" {
			files[entry.Name()] = read(t, entry.Name())
		}
	}
	return files
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// manifests returns what is expected of each file. Those of the oracles name the files of one
// model together, by what their names begin with.
func manifests(t testing.TB, files map[string][]byte) map[string]expected {
	t.Helper()
	all := map[string]expected{}
	paths, err := filepath.Glob(filepath.Join(folder, "manifest_*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests in %s: %v", folder, err)
	}
	for _, path := range paths {
		var entries map[string]expected
		if err := json.Unmarshal(read(t, filepath.Base(path)), &entries); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for name, e := range entries {
			if filepath.Ext(name) == ".pkl" || filepath.Ext(name) == ".joblib" {
				if _, ok := files[name]; !ok {
					t.Errorf("%s names %s, which is missing", path, name)
				}
				all[name] = e
				continue
			}
			addFamily(t, all, files, name, e)
		}
	}
	return all
}

func addFamily(t testing.TB, all map[string]expected, files map[string][]byte, name string, e expected) {
	t.Helper()
	found := 0
	for file := range files {
		rest, ok := strings.CutPrefix(file, name)
		if !ok || rest[0] != '.' && rest[0] != '_' {
			continue
		}
		found++
		if strings.Contains(rest, "xz") || strings.Contains(rest, "lzma") {
			all[file] = expected{Refused: "compress=0"}
		} else {
			all[file] = e
		}
	}
	if found < 2 {
		t.Errorf("%d files of %s, expected two or more", found, name)
	}
}

func TestEveryFileIsReadOrRefusedAsExpected(t *testing.T) {
	t.Parallel()
	files := modelFiles(t)
	manifest := manifests(t, files)
	if len(files) < 180 {
		t.Errorf("%d files, expected at least 180", len(files))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		want, ok := manifest[name]
		if !ok {
			t.Errorf("no manifest names %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model, report, err := sklearn.Decode(files[name])
			if want.Refused != "" {
				requireRefused(t, err, want.Refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !sklearn.Sniff(files[name]) {
				t.Error("Sniff does not know the file")
			}
			version := name[strings.LastIndex(name, "_sk")+len("_sk"):]
			if report.LibraryVersion == "" || !strings.HasPrefix(version, report.LibraryVersion) {
				t.Errorf("version %q", report.LibraryVersion)
			}
			requireClasses(t, model, want.Classes)
			if want.X == nil {
				requireWeights(t, model, want)
				return
			}
			requirePredictions(t, model, want)
		})
	}
}

func requireRefused(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil {
		t.Fatalf("the file is read, expected an error with %q", part)
	}
	requireOneLine(t, err)
	if !strings.Contains(err.Error(), part) {
		t.Errorf("the error is %q, expected %q in it", err, part)
	}
}

func requireClasses(t *testing.T, model *softmax.Model, want []string) {
	t.Helper()
	if got := model.Definition().Classes; !slices.Equal(got, want) {
		t.Errorf("classes %q, expected %q", got, want)
	}
}

// requireWeights compares the weights of a classifier without steps before it.
func requireWeights(t *testing.T, model *softmax.Model, want expected) {
	t.Helper()
	weights, intercepts := slices.Concat(want.Coef...), want.Intercept
	if len(want.Coef) == 1 {
		weights = append(make([]float64, len(weights)), weights...)
		intercepts = []float64{0, intercepts[0]}
	}
	d := model.Definition()
	if !slices.Equal(d.Weights, weights) || !slices.Equal(d.Intercepts, intercepts) {
		t.Errorf("weights %v and %v, expected %v and %v", d.Weights, d.Intercepts, weights, intercepts)
	}
}

func requirePredictions(t *testing.T, model *softmax.Model, want expected) {
	t.Helper()
	tolerance := want.Tolerance
	if tolerance == 0 {
		tolerance = 1e-12
	}
	if len(want.X) == 0 || len(want.X) != len(want.Proba) || len(want.X) != len(want.Pred) {
		t.Fatalf("the manifest has %d rows, %d rows of probabilities and %d predictions", len(want.X), len(want.Proba), len(want.Pred))
	}
	p := make([]float64, model.NumClasses())
	for i, values := range want.X {
		row := make([]float64, len(values))
		for f, v := range values {
			switch stand := model.Signature().Feature(f).Impute; {
			case v != nil:
				row[f] = *v
			case stand == nil:
				t.Fatalf("nothing stands in for a missing value of feature %d", f)
			default:
				row[f] = *stand
			}
		}
		class, err := model.Predict(p, row)
		if err != nil {
			t.Fatal(err)
		}
		if model.Class(class) != want.Pred[i] {
			t.Errorf("row %d: %q, expected %q", i, model.Class(class), want.Pred[i])
		}
		for k := range p {
			if d := math.Abs(p[k] - want.Proba[i][k]); !(d <= tolerance) {
				t.Errorf("row %d, class %d: %v, expected %v, %.1e away", i, k, p[k], want.Proba[i][k], d)
			}
		}
	}
}
