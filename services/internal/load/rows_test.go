package load_test

import (
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/load"
)

func TestRandomRowsFitTheSignature(t *testing.T) {
	t.Parallel()
	numeric := func(n *modelv1.NumericFeature) *modelv1.Feature {
		return &modelv1.Feature{Kind: &modelv1.Feature_Numeric{Numeric: n}}
	}
	signature := &modelv1.Signature{Features: []*modelv1.Feature{
		numeric(&modelv1.NumericFeature{Min: proto.Float64(-2), Max: proto.Float64(6)}),
		numeric(&modelv1.NumericFeature{Min: proto.Float64(-math.MaxFloat64), Max: proto.Float64(math.MaxFloat64)}),
		numeric(&modelv1.NumericFeature{}),
		numeric(&modelv1.NumericFeature{Min: proto.Float64(3), Max: proto.Float64(3)}),
		{Kind: &modelv1.Feature_Categorical{Categorical: &modelv1.CategoricalFeature{Categories: []string{"a", "b", "c"}}}},
	}}
	const n = 20_000
	all := load.RandomRows(signature, n, 5)
	var sums, squares [5]float64
	categories := map[float64]int{}
	for _, row := range all {
		for i, v := range row.GetFeatures() {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("feature %d is %v", i, v)
			}
			sums[i] += v
			squares[i] += v * v
		}
		if v := row.GetFeatures()[0]; v < -2 || v > 6 {
			t.Errorf("found %v out of range", v)
		}
		categories[row.GetFeatures()[4]]++
	}
	// Five standard errors of the means: uniform 8/√12/√n, normal 1/√n.
	if mean := sums[0] / n; math.Abs(mean-2) > 0.082 {
		t.Errorf("the mean of numbers from -2 to 6 is %v", mean)
	}
	if mean, variance := sums[2]/n, squares[2]/n; math.Abs(mean) > 0.036 || math.Abs(variance-1) > 0.05 {
		t.Errorf("numbers of no known range have the mean %v and variance %v", mean, variance)
	}
	if mean := sums[3] / n; math.Abs(mean-3) > 1e-12 {
		t.Errorf("the mean of threes is %v", mean)
	}
	for category, count := range categories {
		if category != 0 && category != 1 && category != 2 || math.Abs(float64(count)/n-1.0/3) > 0.017 {
			t.Errorf("category %v came %d times in %d", category, count, n)
		}
	}
	if again := load.RandomRows(signature, n, 5); !proto.Equal(again[n-1], all[n-1]) {
		t.Error("the same seed gave other rows")
	}
	if other := load.RandomRows(signature, n, 6); proto.Equal(other[n-1], all[n-1]) {
		t.Error("another seed gave the same rows")
	}
}
