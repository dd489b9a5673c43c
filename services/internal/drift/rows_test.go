package drift_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/drift"
)

// profileOf is a profile of equal shares between those edges.
func profileOf(edges ...float64) *modelv1.FeatureProfile {
	p := &modelv1.FeatureProfile{Edges: edges}
	for range len(edges) + 1 {
		p.Shares = append(p.Shares, 1/float64(len(edges)+1))
	}
	return p
}

// TestRowsAtOnceAreCountedAsOneByOne takes bins of all kinds, and values on, next to and far from
// their edges.
func TestRowsAtOnceAreCountedAsOneByOne(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	drawn := make([]float64, 30)
	for i := range drawn {
		drawn[i] = random.NormFloat64()
	}
	slices.Sort(drawn)
	edges := [][]float64{
		{}, {1}, {1, 2}, {1, 2, 3}, {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9},
		drawn,
		{0, 1, 1.0001, 1.0002, 1.0003, 100}, // crowded
		{-math.MaxFloat64, 0, 1, math.MaxFloat64},
		{1, math.Nextafter(1, 2), 2, 3}, {5e-324, 1e-323, 1.5e-323, 2e-323},
	}
	m := numericModel(len(edges))
	values := []float64{0, math.Copysign(0, -1), -1e300, 1e300, 5e-324}
	for j, own := range edges {
		m.Reference.Features[j] = profileOf(own...)
		for _, edge := range own {
			values = append(values, edge, math.Nextafter(edge, math.Inf(-1)), math.Nextafter(edge, math.Inf(1)))
		}
	}
	for i := range values {
		values[i] = max(-math.MaxFloat64, min(values[i], math.MaxFloat64))
	}
	single, atOnce := drift.NewWindow(m, drift.Options{}), drift.NewWindow(m, drift.Options{})
	for _, n := range []int{0, 1, 128, 1000} {
		var rows, confidences []float64
		var classes []int
		for i := range n {
			row := make([]float64, len(edges))
			for j := range row {
				row[j] = values[random.IntN(len(values))]
			}
			class, confidence := i%3, []float64{0.1, 0.5, 1, math.NaN(), 2}[random.IntN(5)]
			single.Add(row, nil, class, confidence)
			rows, classes, confidences = append(rows, row...), append(classes, class), append(confidences, confidence)
		}
		batch := atOnce.Batch()
		batch.AddRows(rows, classes, confidences)
		batch.Flush()
	}
	ignored := protocmp.IgnoreFields(single.Report(), "since", "until")
	if diff := cmp.Diff(single.Report(), atOnce.Report(), protocmp.Transform(), ignored); diff != "" {
		t.Errorf("one by one (-) and at once (+):\n%s", diff)
	}
}

func TestRowsThatDoNotFitAreNotCounted(t *testing.T) {
	t.Parallel()
	for i, odd := range []struct {
		rows, confidences []float64
		classes           []int
	}{
		{rows: []float64{1}, confidences: []float64{1}, classes: []int{0}},
		{rows: []float64{1, 2}, confidences: []float64{1, 1}, classes: []int{0}},
		{rows: []float64{1, 2, 3, 4}, confidences: []float64{1, 1}, classes: []int{0, 3}},
		{rows: []float64{1, 2}, confidences: []float64{1}, classes: []int{-1}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			w := drift.NewWindow(numericModel(2), drift.Options{})
			batch := w.Batch()
			batch.AddRows(odd.rows, odd.classes, odd.confidences)
			batch.Flush()
			if n := w.Report().GetRows(); n != 0 {
				t.Errorf("%d rows were counted", n)
			}
		})
	}
}
