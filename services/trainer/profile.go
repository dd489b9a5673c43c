package trainer

import (
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// maxBins is the number of bins of a numeric feature: deciles, where its values differ enough.
const maxBins = 10

// profile describes the rows of the table and what the model makes of them.
func profile(t *dataset.Table, m *softmax.Model) (*modelv1.ReferenceProfile, error) {
	s := newScore(m)
	for i, label := range t.Labels {
		if err := s.add(t.Row(i), label); err != nil {
			return nil, err
		}
	}
	out := &modelv1.ReferenceProfile{
		Rows:                 uint32(t.Len()),
		Features:             make([]*modelv1.FeatureProfile, t.Signature.Len()),
		PredictedClassShares: make([]float64, len(t.Classes)),
		MeanConfidence:       s.confidence / float64(s.rows),
	}
	for j := range out.Features {
		out.Features[j] = featureProfile(t, j)
	}
	for k := range t.Classes {
		var predicted uint32
		for label := range t.Classes {
			predicted += s.confusion[label*len(t.Classes)+k]
		}
		out.PredictedClassShares[k] = float64(predicted) / float64(s.rows)
	}
	return out, nil
}

func featureProfile(t *dataset.Table, j int) *modelv1.FeatureProfile {
	out := &modelv1.FeatureProfile{MissingShare: float64(len(t.Missing[j])) / float64(t.Len())}
	values := t.Present(j)
	var counts []int
	if f := t.Signature.Feature(j); f.Categorical() {
		counts = make([]int, len(f.Categories))
		for _, v := range values {
			counts[int(v)]++
		}
	} else {
		slices.Sort(values)
		out.Edges = quantileEdges(values, maxBins)
		counts = countBins(values, out.Edges)
	}
	out.Shares = make([]float64, len(counts))
	for i, n := range counts {
		out.Shares[i] = float64(n) / float64(len(values))
	}
	return out
}

// quantileEdges returns the inner edges of up to the given number of bins that hold as equal
// numbers of the sorted values as they can. Each edge is the smallest value of the bin above
// it; edges that would leave a bin empty are left out, so a constant has none.
func quantileEdges(sorted []float64, bins int) []float64 {
	var edges []float64
	last := sorted[0]
	for i := 1; i < bins; i++ {
		if edge := sorted[i*len(sorted)/bins]; edge > last {
			edges = append(edges, edge)
			last = edge
		}
	}
	return edges
}

// countBins counts the values in each bin: bin i holds those with edges[i-1] <= v < edges[i].
func countBins(values, edges []float64) []int {
	counts := make([]int, len(edges)+1)
	for _, v := range values {
		bin, onEdge := slices.BinarySearch(edges, v)
		if onEdge {
			bin++
		}
		counts[bin]++
	}
	return counts
}
