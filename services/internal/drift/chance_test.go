package drift_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/services/internal/drift"
)

// trained returns a model of independent features that was profiled on so many rows, of numbers in
// quantile bins or of categories; draw returns a value.
func trained(rows, features, bins int, categorical bool, draw func() float64) *modelv1.Model {
	m := &modelv1.Model{
		Signature: new(modelv1.Signature), Classes: []string{"a", "b"},
		Reference: &modelv1.ReferenceProfile{Rows: uint32(rows), PredictedClassShares: []float64{0.5, 0.5}, MeanConfidence: 0.5},
	}
	for j := range features {
		values := make([]float64, rows)
		for i := range values {
			values[i] = draw()
		}
		slices.Sort(values)
		f, profile := &modelv1.Feature{Name: fmt.Sprint("x", j)}, new(modelv1.FeatureProfile)
		counts := make([]float64, bins)
		if categorical {
			c := new(modelv1.CategoricalFeature)
			for i := range bins {
				c.Categories = append(c.Categories, fmt.Sprint("c", i))
			}
			f.Kind = &modelv1.Feature_Categorical{Categorical: c}
			for _, v := range values {
				counts[int(v)]++
			}
		} else {
			f.Kind = &modelv1.Feature_Numeric{Numeric: new(modelv1.NumericFeature)}
			for i := 1; i < bins; i++ {
				profile.Edges = append(profile.Edges, values[i*rows/bins])
			}
			for _, v := range values {
				at := 0
				for at < len(profile.Edges) && v >= profile.Edges[at] {
					at++
				}
				counts[at]++
			}
		}
		for _, n := range counts {
			profile.Shares = append(profile.Shares, n/float64(rows))
		}
		m.Signature.Features = append(m.Signature.Features, f)
		m.Reference.Features = append(m.Reference.Features, profile)
	}
	return m
}

// TestChanceIsNoDrift draws windows from what the training rows were drawn from: they must drift
// once in a thousand. The bounds leave room for the luck of 4000 windows, and for categories that
// a few rows have, where the distribution of the index is known approximately.
func TestChanceIsNoDrift(t *testing.T) {
	t.Parallel()
	const features = 50
	for _, test := range []struct {
		training, window, bins int
		categorical            bool
		most                   float64
	}{
		{150, 200, 10, false, 0.0025},
		{150, 200, 3, false, 0.0025},
		{500, 200, 10, false, 0.0025},
		{150, 1000, 10, false, 0.0025},
		{1000, 1000, 10, false, 0.0025},
		{200, 200, 2, true, 0.004},
		{200, 200, 12, true, 0.004},
		{150, 300, 40, true, 0.004},
		{1000, 200, 40, true, 0.004},
	} {
		t.Run(fmt.Sprintf("%d of %d in %d bins", test.window, test.training, test.bins), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(test.training), uint64(test.window*test.bins)))
			draw := random.NormFloat64
			if test.categorical {
				// Categories as they are: some frequent, many rare.
				draw = func() float64 { return float64(int(random.Float64() * random.Float64() * float64(test.bins))) }
			}
			windows, found := 0, 0
			for windows < 4000 {
				w := drift.NewWindow(trained(test.training, features, test.bins, test.categorical, draw), drift.Options{})
				row := make([]float64, features)
				for i := range test.window {
					for j := range row {
						row[j] = draw()
					}
					w.Add(row, nil, i%2, 0.5)
				}
				for _, f := range w.Report().GetFeatures() {
					windows++
					if f.GetState() == monitoringv1.DriftState_DRIFT_STATE_DRIFTED {
						found++
					}
				}
			}
			if rate := float64(found) / float64(windows); rate > test.most {
				t.Errorf("%d of %d windows drifted, a share of %v, expected at most %v", found, windows, rate, test.most)
			}
		})
	}
}
