package softmax_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// TestFitFindsTheElasticNet compares with what scikit-learn's saga finds, which is less exact.
func TestFitFindsTheElasticNet(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(oracles + "elasticnet_sklearn_1.9.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		oracle
		L1Ratio float64 `json:"l1_ratio"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 8 {
		t.Fatalf("%d oracles, expected 8", len(all))
	}
	for _, o := range all {
		t.Run(fmt.Sprintf("%v, l1 ratio %v", &o.oracle, o.L1Ratio), func(t *testing.T) {
			t.Parallel()
			data := readTable(t, o.Dataset)
			result := data.fit(t, softmax.FitOptions{C: o.C, L1Ratio: o.L1Ratio})
			t.Logf("%s: %d iterations, %d passes, gap %v", result.Solver, result.Iterations, result.Passes, result.Gap)
			if off := (result.Objective - o.Objective) / o.Objective; off > 1e-12 || off < -1e-7 {
				t.Errorf("objective %.15g, scikit-learn has %.15g", result.Objective, o.Objective)
			}
			got, want := result.Model.Definition(), o.definition(t, data.signature, data.classes)
			if off := farthest(got.Weights, want.Weights); off > 1e-5 && o.L1Ratio < 1 {
				t.Errorf("a weight is %v from scikit-learn's", off)
			}
			for i, row := range o.Rows {
				if p, _ := predict(t, result.Model, data.row(row)); farthest(p, o.Probabilities[i]) > 1e-5 {
					t.Errorf("row %d: %v, scikit-learn has %v", row, p, o.Probabilities[i])
				}
			}
			value := naiveElasticNet(&data, o.C, o.L1Ratio, got)
			if math.Abs(value-result.Objective) > 1e-12*value {
				t.Errorf("objective reported %v, is %v", result.Objective, value)
			}
		})
	}
}

// naiveElasticNet returns the objective that FitOptions documents.
func naiveElasticNet(data *table, c, ratio float64, d softmax.Definition) float64 {
	value, _ := naive(data, c, d)
	for _, w := range d.Weights {
		value += ratio / c * (math.Abs(w) - w*w/2)
	}
	return value
}

// TestL1LeavesOutWhatIsOfNoUse fits with ever stronger penalties: ever fewer weights are left, and
// with the strongest none.
func TestL1LeavesOutWhatIsOfNoUse(t *testing.T) {
	t.Parallel()
	data := readTable(t, "breast_cancer_std")
	before := math.MaxInt
	for _, c := range []float64{1, 0.1, 0.01, 1e-3} {
		result := data.fit(t, softmax.FitOptions{C: c, L1Ratio: 1})
		used := 0
		for _, w := range result.Model.Definition().Weights {
			if w != 0 {
				used++
			}
		}
		t.Logf("C %v: %d weights, %d iterations", c, used, result.Iterations)
		if used >= before || (c == 1e-3) != (used == 0) {
			t.Errorf("C %v leaves %d weights, before %d", c, used, before)
		}
		before = used
	}
}

// Weights moved alike for all classes predict the same, so that a small penalty alone says where
// they belong: the rows of these seeds lead the solver far up that valley.
func TestFitDoesNotCrawlWhereOnlyThePenaltyDecides(t *testing.T) {
	t.Parallel()
	signature, err := softmax.NewSignature([]softmax.Feature{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	slopes := []float64{0.3, -0.5, 0.2}
	for _, seed := range []uint64{74, 76, 118, 144} {
		random := rand.New(rand.NewPCG(seed, 1))
		var samples softmax.Samples
		for range 40 {
			x := []float64{5*random.NormFloat64() - 3, 5*random.NormFloat64() + 2, 5*random.NormFloat64() - 4}
			scores := make([]float64, len(x))
			for k := range scores {
				scores[k] = slopes[k]*x[k] - math.Log(-math.Log(random.Float64()))
			}
			samples.Rows = append(samples.Rows, x...)
			samples.Labels = append(samples.Labels, slices.Index(scores, slices.Max(scores)))
		}
		for _, noIntercept := range []bool{true, false} {
			for _, ratio := range []float64{0.5, 1} {
				options := softmax.FitOptions{C: 1e5, L1Ratio: ratio, NoIntercept: noIntercept, MaxIterations: 100}
				if _, err := softmax.Fit(t.Context(), signature, []string{"x", "y", "z"}, samples, options); err != nil {
					t.Errorf("seed %d, L1 ratio %v, no intercept %v: %v", seed, ratio, noIntercept, err)
				}
			}
		}
	}
}

// Columns that say nearly the same make a narrow valley, in which weights come back from 0 as often as
// they are left there.
func TestL1OfColumnsThatSayNearlyTheSame(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3, 4, 5} {
		for seed := range uint64(5) {
			r := random(200 + seed)
			data := noisy(t, r, 60, 8, classes, 2)
			for i := range data.samples.Labels {
				row := data.row(i)
				for j := range row[1:] {
					row[j+1] = row[0] + 1e-4*row[j+1]
				}
			}
			for _, c := range []float64{1000, 1e5} {
				options := softmax.FitOptions{C: c, L1Ratio: 1, Standardise: true, MaxIterations: 100}
				result, err := softmax.Fit(t.Context(), data.signature, data.classes, data.samples, options)
				if err != nil {
					t.Errorf("%d classes, seed %d, C %v: %v", classes, seed, c, err)
				} else if !(result.Gap <= 1e-3*result.Objective) {
					t.Errorf("%d classes, seed %d, C %v: the gap is at most %v of %v", classes, seed, c, result.Gap, result.Objective)
				}
			}
		}
	}
}
