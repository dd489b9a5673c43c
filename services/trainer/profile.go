package trainer

import (
	"context"
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

const (
	// maxBins is the number of bins of a numeric feature: deciles, where its values differ enough.
	maxBins = 10
	// rowsPerBin is how many training rows a bin should have: the index that drift is measured by
	// is noise where they are few.
	rowsPerBin = 15
	// fewestPerBin is how few it may have where values that stand many times leave no other choice.
	fewestPerBin = 10
	// maxProfiled is the number of features that are profiled: of wider tables none is.
	maxProfiled = 2000
)

// profile describes the rows and what the model makes of them. Nil for a table too wide.
func (r *training) profile(ctx context.Context, m *softmax.Model, all softmax.Samples) (*modelv1.ReferenceProfile, error) {
	t := r.table
	if t.Signature.Len() > maxProfiled {
		return nil, nil
	}
	predicted, confidence := make([]int, m.NumClasses()), 0.0
	err := predictAll(ctx, m, all, func(_ int, probabilities []float64, class int) {
		predicted[class]++
		confidence += probabilities[class]
	})
	if err != nil {
		return nil, err
	}
	out := &modelv1.ReferenceProfile{
		Rows:                 uint32(t.Len()),
		PredictedClassShares: shares(predicted, t.Len()),
		MeanConfidence:       confidence / float64(t.Len()),
	}
	if t.Sparse != nil {
		out.Features = sparseProfiles(t.Sparse, t.Len(), t.Signature.Len())
		return out, nil
	}
	var values []float64
	for j := range t.Signature.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		values = t.AppendPresent(values[:0], j)
		out.Features = append(out.Features, r.featureProfile(j, values))
	}
	return out, nil
}

// featureProfile describes a feature by its values, which it may reorder.
func (r *training) featureProfile(j int, values []float64) *modelv1.FeatureProfile {
	t := r.table
	out := &modelv1.FeatureProfile{MissingShare: float64(len(t.Missing[j])) / float64(t.Len())}
	var counts []int
	if f := t.Signature.Feature(j); f.Categorical() {
		counts = make([]int, len(f.Categories))
		for _, v := range values {
			counts[int(v)]++
		}
	} else {
		slices.Sort(values)
		out.Edges = quantileEdges(column{values: values}, binsFor(len(values)))
		counts = countBins(column{values: values}, out.Edges)
	}
	out.Shares = shares(counts, len(values))
	return out
}

// shares returns the parts of n. Of nothing, the first is all: shares sum to 1.
func shares(counts []int, n int) []float64 {
	out := make([]float64, len(counts))
	if n == 0 {
		out[0] = 1
		return out
	}
	for i, count := range counts {
		out[i] = float64(count) / float64(n)
	}
	return out
}

// binsFor returns how many bins so many values are for.
func binsFor(values int) int { return max(2, min(maxBins, values/rowsPerBin)) }

// column is sorted values, and zeros that are not written down among them.
type column struct {
	values []float64
	zeros  int
}

func (c column) len() int { return len(c.values) + c.zeros }

// at returns the value of that position.
func (c column) at(i int) float64 {
	if c.zeros == 0 {
		return c.values[i]
	}
	below, _ := slices.BinarySearch(c.values, 0)
	switch {
	case i < below:
		return c.values[i]
	case i < below+c.zeros:
		return 0
	default:
		return c.values[i-c.zeros]
	}
}

// below returns how many values are less than v.
func (c column) below(v float64) int {
	n, _ := slices.BinarySearch(c.values, v)
	if v > 0 {
		n += c.zeros
	}
	return n
}

// quantileEdges returns the inner edges of up to the given number of bins that hold as equal
// numbers of the values as they can. Each edge is the smallest value of the bin above it; edges
// that would leave a bin with too few values are left out, so a constant has none.
func quantileEdges(c column, bins int) []float64 {
	if c.len() == 0 {
		return nil
	}
	var edges []float64
	fewest, counted := max(1, min(fewestPerBin, c.len()/bins)), 0
	for i := 1; i < bins; i++ {
		edge := c.at(i * c.len() / bins)
		below := c.below(edge)
		if below-counted >= fewest && c.len()-below >= fewest {
			edges = append(edges, edge)
			counted = below
		}
	}
	return edges
}

// countBins counts the values in each bin: bin i holds those with edges[i-1] <= v < edges[i].
func countBins(c column, edges []float64) []int {
	counts := make([]int, len(edges)+1)
	for _, v := range c.values {
		counts[binAt(edges, v)]++
	}
	counts[binAt(edges, 0)] += c.zeros
	return counts
}

func binAt(edges []float64, v float64) int {
	bin, onEdge := slices.BinarySearch(edges, v)
	if onEdge {
		bin++
	}
	return bin
}
