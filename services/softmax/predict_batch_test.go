package softmax_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// manyRows are n rows of a model, or fewer of long ones: enough for several blocks, and from 4000
// on for several goroutines.
func manyRows(r *rand.Rand, m *softmax.Model, n int) []float64 {
	n = min(n, max(500, 120_000/m.Signature().Len()))
	var rows []float64
	for range n {
		for j := range m.Signature().Len() {
			if f := m.Signature().Feature(j); f.Categorical() {
				rows = append(rows, float64(r.IntN(len(f.Categories))))
			} else {
				rows = append(rows, r.NormFloat64())
			}
		}
	}
	return rows
}

// batchModels are models of all kinds, by what they are.
func batchModels(t testing.TB, r *rand.Rand) map[string]*softmax.Model {
	all := map[string]*softmax.Model{}
	mixedWide := append(slices.Concat(numeric(17)), softmax.Feature{Name: "shop", Categories: names("shop", 90)}, softmax.Feature{Name: "last"})
	for kind, features := range map[string][]softmax.Feature{
		"one number": numeric(1), "4 numbers": numeric(4), "30 numbers": numeric(30), "301 numbers": numeric(301),
		"a text and numbers": mixed(), "one text of many": mixedWide,
	} {
		for _, classes := range []int{2, 3, 4, 7, 21} {
			m := randomModel(t, r, features, classes)
			all[fmt.Sprintf("%s, %d classes", kind, classes)] = m
			if classes > 2 {
				d := m.Definition()
				d.Link = softmax.LinkOneVsRest
				all[fmt.Sprintf("%s, %d classes one against the rest", kind, classes)] = newModel(t, d)
			}
		}
	}
	return all
}

func predictBatch(t testing.TB, m *softmax.Model, rows []float64) ([]float64, []int) {
	t.Helper()
	n := len(rows) / m.Signature().Len()
	probabilities, classes := make([]float64, n*m.NumClasses()), make([]int, n)
	if err := m.PredictBatch(probabilities, classes, rows); err != nil {
		t.Fatal(err)
	}
	return probabilities, classes
}

func TestALargeBatchIsPredictRowByRow(t *testing.T) {
	t.Parallel()
	r := random(70)
	for name, m := range batchModels(t, r) {
		p, k := m.Signature().Len(), m.NumClasses()
		rows := manyRows(r, m, 1500)
		probabilities, classes := predictBatch(t, m, rows)
		for i := range classes {
			want, class := predict(t, m, rows[i*p:(i+1)*p])
			if got := probabilities[i*k : (i+1)*k]; !slices.Equal(got, want) || classes[i] != class {
				t.Errorf("%s, row %d: class %d of %v, alone %d of %v", name, i, classes[i], got, class, want)
				break
			}
		}
		// Rows from another place on fall into other blocks, among other neighbours.
		shifted, _ := predictBatch(t, m, rows[7*p:])
		if !slices.Equal(shifted, probabilities[7*k:]) {
			t.Errorf("%s: without the first seven rows, the others have other probabilities", name)
		}
	}
}

// Not parallel: it sets how many processors there are.
func TestABatchIsTheSameOnAnyNumberOfProcessors(t *testing.T) {
	r := random(71)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, m := range batchModels(t, r) {
		rows := manyRows(r, m, 4000)
		runtime.GOMAXPROCS(1)
		want, wantClasses := predictBatch(t, m, rows)
		for _, processors := range []int{2, 3, 8} {
			runtime.GOMAXPROCS(processors)
			if got, classes := predictBatch(t, m, rows); !slices.Equal(got, want) || !slices.Equal(classes, wantClasses) {
				t.Errorf("%s: other results on %d processors", name, processors)
			}
		}
	}
}

// The error of a batch is that of its first bad row, whatever the trouble and wherever it stands.
func TestABatchTellsItsFirstBadRow(t *testing.T) {
	t.Parallel()
	r := random(72)
	const n = 6000
	for _, features := range [][]softmax.Feature{numeric(12), mixed()} {
		d := randomModel(t, r, features, 3).Definition()
		d.Weights[0] = 1e10
		m := newModel(t, d)
		p := m.Signature().Len()
		rows := manyRows(r, m, n)
		probabilities, classes := make([]float64, n*3), make([]int, n)
		for range 30 {
			bad := slices.Clone(rows)
			for range 1 + r.IntN(4) {
				row := r.IntN(n) / (1 + r.IntN(9))
				bad[row*p] = []float64{math.NaN(), math.Inf(1), 1e300}[r.IntN(3)]
			}
			var want error
			for i := 0; want == nil; i++ {
				_, want = m.Predict(make([]float64, 3), bad[i*p:(i+1)*p])
				want = inRow(want, i)
			}
			checkSame(t, m.PredictBatch(probabilities, classes, bad), want)
		}
	}
}

func TestABatchTellsOfANumberWithoutWeight(t *testing.T) {
	t.Parallel()
	r := random(74)
	for _, classes := range []int{2, 3, 5, 10, 21} {
		d := randomModel(t, r, numeric(6), classes).Definition()
		clear(d.Weights[2*classes : 3*classes])
		m := newModel(t, d)
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, n := range []int{1, 7, 5000} {
				rows := manyRows(r, m, n)
				row := r.IntN(n)
				rows[row*6+2] = bad
				_, want := m.Predict(make([]float64, classes), rows[row*6:row*6+6])
				checkSame(t, m.PredictBatch(make([]float64, n*classes), make([]int, n), rows), inRow(want, row))
			}
		}
	}
}

func TestEveryProbabilityOfABatchIsOne(t *testing.T) {
	t.Parallel()
	r := random(73)
	for name, m := range batchModels(t, r) {
		k := m.NumClasses()
		probabilities, classes := predictBatch(t, m, manyRows(r, m, 300))
		for i, class := range classes {
			var sum float64
			row := probabilities[i*k : (i+1)*k]
			for _, p := range row {
				sum += p
			}
			if math.Abs(sum-1) > 1e-15*float64(k) || slices.Max(row) != row[class] || slices.Min(row) < 0 {
				t.Errorf("%s, row %d: %v, class %d", name, i, row, class)
			}
		}
	}
}
