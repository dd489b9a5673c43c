package trainer

import (
	"context"
	"errors"
	"fmt"

	"github.com/sepal-ml/sepal/services/softmax"
)

// rowError says which of the rows predicted could not be.
type rowError struct {
	row int // position among the samples
	err error
}

func (e *rowError) Error() string {
	var overflow *softmax.OverflowError
	if errors.As(e.err, &overflow) {
		return fmt.Sprintf("row %d of the data makes the logit of class %q overflow: its values are too large", e.row+1, overflow.Class)
	}
	return fmt.Sprintf("row %d of the data: %v", e.row+1, e.err)
}

func (e *rowError) Unwrap() error { return e.err }

// blockValues is how many values are predicted between two looks at the context.
const blockValues = 1 << 17

// predictAll calls each for every row in order, with the probabilities of the classes, which are
// valid during the call, and the predicted class. The error is the context's or a [*rowError].
func predictAll(
	ctx context.Context, m *softmax.Model, s softmax.Samples, each func(row int, probabilities []float64, predicted int),
) error {
	n, p, k := len(s.Labels), m.Signature().Len(), m.NumClasses()
	size := max(16, min(n, blockValues/(p+k)))
	if s.Sparse != nil {
		size = max(16, min(n, blockValues/k))
	}
	scorer := newScorer(m, s)
	probabilities, classes := make([]float64, size*k), make([]int, size)
	for first := 0; first < n; first += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(size, n-first)
		if err := scorer(first, probabilities[:size*k], classes[:size]); err != nil {
			return atRow(first, err)
		}
		for i, class := range classes[:size] {
			each(first+i, probabilities[i*k:(i+1)*k], class)
		}
	}
	return nil
}

// atRow adds the position of the block to that in the error.
func atRow(first int, err error) error {
	var overflow *softmax.OverflowError
	var value *softmax.ValueError
	switch {
	case errors.As(err, &overflow):
		first += overflow.Row
	case errors.As(err, &value):
		first += value.Row
	}
	return &rowError{row: first, err: err}
}

// newScorer returns a function that predicts as many rows as there are classes to write, from the
// row of that position on.
func newScorer(m *softmax.Model, s softmax.Samples) func(first int, probabilities []float64, classes []int) error {
	p := m.Signature().Len()
	if s.Sparse == nil {
		return func(first int, probabilities []float64, classes []int) error {
			return m.PredictBatch(probabilities, classes, s.Rows[first*p:(first+len(classes))*p])
		}
	}
	linear := newSparseScorer(m)
	return func(first int, probabilities []float64, classes []int) error {
		return linear.predict(probabilities, classes, s.Sparse, first)
	}
}

// sparseScorer predicts sparse rows by the values that are not 0 alone.
type sparseScorer struct {
	model      *softmax.Model
	weights    []float64 // columns × classes
	intercepts []float64
	rank       []int
}

func newSparseScorer(m *softmax.Model) *sparseScorer {
	d := m.Definition()
	k, width := len(d.Classes), d.Signature.Width()
	weights := make([]float64, len(d.Weights))
	for class := range k {
		for column := range width {
			weights[column*k+class] = d.Weights[class*width+column]
		}
	}
	return &sparseScorer{model: m, weights: weights, intercepts: d.Intercepts, rank: make([]int, 1)}
}

func (s *sparseScorer) predict(probabilities []float64, classes []int, rows *softmax.Sparse, first int) error {
	k := len(s.intercepts)
	for i := range classes {
		z := probabilities[i*k : (i+1)*k]
		copy(z, s.intercepts)
		for at := rows.Start[first+i]; at < rows.Start[first+i+1]; at++ {
			column, v := int(rows.Columns[at]), rows.Values[at]
			for c, w := range s.weights[column*k : (column+1)*k] {
				z[c] += v * w
			}
		}
		for c, v := range z {
			if v-v != 0 {
				return &softmax.OverflowError{Row: i, Class: s.model.Class(c)}
			}
		}
		classes[i] = softmax.Rank(s.rank, z)[0]
		softmax.Softmax(z, z)
	}
	return nil
}
