package trainer

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/sepal-ml/sepal/services/softmax"
)

// ClassWeights are the weights of one class that matter most.
type ClassWeights struct {
	// Class is the position of the class.
	Class int
	// Weights are those of the largest magnitude, the largest first; none is 0.
	Weights []Weight
}

// Weight is the weight of an encoded column on a scale on which columns can be compared.
type Weight struct {
	// Column is the name of the feature, or of a category as "feature=category".
	Column string
	// PerDeviation is what the logit of the class gains when the column grows by its standard
	// deviation over the rows.
	PerDeviation float64
}

// maxLargest is how many weights of a class are shown.
const maxLargest = 10

// largestWeights returns the largest weights of each class; of two classes those of the second,
// since the first has none.
func largestWeights(ctx context.Context, m *softmax.Model, rows softmax.Samples) ([]ClassWeights, error) {
	deviations, err := columnDeviations(ctx, m.Signature(), rows)
	if err != nil {
		return nil, err
	}
	d := m.Definition()
	k, width := len(d.Classes), len(deviations)
	names := columnNames(d.Signature)
	var out []ClassWeights
	for class := range k {
		if k == 2 && class == 0 {
			continue
		}
		weights := make([]Weight, 0, width)
		for column, deviation := range deviations {
			if w := d.Weights[class*width+column] * deviation; w != 0 {
				weights = append(weights, Weight{Column: names[column], PerDeviation: w})
			}
		}
		slices.SortStableFunc(weights, func(a, b Weight) int {
			return cmp.Compare(math.Abs(b.PerDeviation), math.Abs(a.PerDeviation))
		})
		out = append(out, ClassWeights{Class: class, Weights: slices.Clone(weights[:min(len(weights), maxLargest)])})
	}
	return out, nil
}

// columnNames names the encoded columns.
func columnNames(s *softmax.Signature) []string {
	names := make([]string, 0, s.Width())
	for j := range s.Len() {
		f := s.Feature(j)
		if !f.Categorical() {
			names = append(names, f.Name)
		}
		for _, category := range f.Categories {
			names = append(names, f.Name+"="+category)
		}
	}
	return names
}

// columnDeviations returns the standard deviation (population) of each encoded column.
func columnDeviations(ctx context.Context, s *softmax.Signature, rows softmax.Samples) ([]float64, error) {
	n := len(rows.Labels)
	means, squares := make([]float64, s.Width()), make([]float64, s.Width())
	var err error
	if rows.Sparse != nil {
		sparseMoments(means, squares, rows.Sparse, n)
	} else if err = denseMoments(ctx, means, squares, s, rows.Rows); err != nil {
		return nil, err
	}
	deviations := squares
	for column, sum := range squares {
		deviations[column] = math.Sqrt(max(0, sum) / float64(n))
	}
	return deviations, nil
}

// denseMoments writes the means and the sums of the squared distances from them.
func denseMoments(ctx context.Context, means, squares []float64, s *softmax.Signature, rows []float64) error {
	p := s.Len()
	encoded := make([]float64, s.Width())
	for i := 0; i*p < len(rows); i++ {
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for column, v := range s.Encode(encoded, rows[i*p:(i+1)*p]) {
			off := v - means[column]
			means[column] += off / float64(i+1)
			squares[column] += off * (v - means[column])
		}
	}
	return nil
}

// sparseMoments is denseMoments of n sparse rows.
func sparseMoments(means, squares []float64, rows *softmax.Sparse, n int) {
	written := make([]int, len(means))
	for at, column := range rows.Columns {
		means[column] += rows.Values[at] / float64(n)
		written[column]++
	}
	for at, column := range rows.Columns {
		off := rows.Values[at] - means[column]
		squares[column] += off * off
	}
	for column, mean := range means {
		squares[column] += float64(n-written[column]) * mean * mean
	}
}
