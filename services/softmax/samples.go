package softmax

import (
	"context"
	"math"
	"runtime"
	"sync"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// maxMagnitude bounds values and weights, so that no square of one overflows.
const maxMagnitude = 1e150

// Samples are labelled rows to fit a model to. n is the number of labels.
type Samples struct {
	// Rows are row-major n × Signature.Len(); a category stands as its position. Every value
	// fits the signature and is at most 1e150 in magnitude. A column whose weight would be beyond all
	// numbers, such as one of values below 1e-300 without a penalty, counts as constant.
	Rows []float64
	// Sparse are the rows in place of Rows, where most values are 0. Exactly one of the two is
	// set. All features of the signature are numeric then.
	Sparse *Sparse
	// Labels are n positions of classes. Every class has a row whose weight is not 0.
	Labels []int
	// Weights are n values from 0 to 1e150, of a finite sum: a row of weight 2 counts as two rows, one of
	// weight 0 as none. Nil: every row weighs 1.
	Weights []float64
}

// Sparse are n rows of numeric columns of which most values are 0, in compressed rows.
type Sparse struct {
	// Start are n+1 positions: row i holds Values[Start[i]:Start[i+1]].
	Start []int
	// Columns are the columns of the values, ascending within a row and distinct, from 0 to
	// Signature.Width()-1.
	Columns []int32
	// Values are at most 1e150 in magnitude.
	Values []float64
}

// rowsPerLook is how many rows are checked or encoded before the context is looked at.
const rowsPerLook = 1 << 14

// checkSamples also returns the context's error.
func checkSamples(ctx context.Context, signature *Signature, classes []string, s *Samples, classWeights []float64) error {
	if signature == nil {
		return undefined("signature", "is missing")
	}
	if err := checkClasses(classes); err != nil {
		return err
	}
	n := len(s.Labels)
	if n == 0 {
		return undefined("samples", "there is no row to fit")
	}
	if s.Weights != nil && len(s.Weights) != n {
		return undefined("samples.Weights", "has %d values, expected %d: one per label", len(s.Weights), n)
	}
	if err := checkShape(ctx, signature, s); err != nil {
		return err
	}
	weights, total := make([]float64, len(classes)), 0.0
	for i, label := range s.Labels {
		if i%rowsPerLook == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := checkSample(s, i, len(classes)); err != nil {
			return err
		}
		weight := s.weight(i)
		if classWeights != nil {
			weight *= classWeights[label]
		}
		weights[label] += weight
		total += weight
	}
	for k, weight := range weights {
		if weight == 0 {
			return &EmptyClassError{Class: classes[k]}
		}
	}
	if math.IsInf(total, 1) {
		return undefined("samples.Weights", "the sum is not finite: the weights are too large")
	}
	return nil
}

func checkSample(s *Samples, i, classes int) error {
	if label := s.Labels[i]; label < 0 || label >= classes {
		return &LabelError{Row: i, Label: label, Classes: classes}
	}
	if w := s.weight(i); !(w >= 0 && w <= maxMagnitude) {
		return &WeightError{Row: i, Weight: w}
	}
	return nil
}

func (s *Samples) row(i, features int) []float64 {
	return s.Rows[i*features : (i+1)*features]
}

func (s *Samples) weight(i int) float64 {
	if s.Weights == nil {
		return 1
	}
	return s.Weights[i]
}

func checkDenseRow(signature *Signature, s *Samples, i int) error {
	row := s.row(i, signature.Len())
	if err := signature.Check(row, i); err != nil {
		return err
	}
	for j, v := range row {
		if math.Abs(v) > maxMagnitude {
			return tooLarge(signature, i, j, v)
		}
	}
	return nil
}

func tooLarge(signature *Signature, row, column int, v float64) error {
	return &ValueError{
		Row: row, Column: column, Feature: signature.Feature(column).Name, Value: v,
		Want: "at most 1e150 in magnitude",
	}
}

// checkShape checks the number of values, and sparse rows altogether.
func checkShape(ctx context.Context, signature *Signature, s *Samples) error {
	n, p := len(s.Labels), signature.Len()
	if s.Sparse != nil {
		return checkSparse(ctx, signature, s)
	}
	if got := len(s.Rows); got < n*p {
		return &ShapeError{Row: got / p, Got: got % p, Want: p}
	} else if got > n*p {
		return undefined("samples.Rows", "has %d values, expected %d: %d per label", got, n*p, p)
	}
	return checkDense(ctx, signature, s)
}

// checkDense checks the values, on all processors where there are many, and returns the error of
// the first row at fault.
func checkDense(ctx context.Context, signature *Signature, s *Samples) error {
	const many = 1 << 20
	n, parts := len(s.Labels), 1
	if len(s.Rows) >= many {
		parts = min(n, runtime.GOMAXPROCS(0))
	}
	errs := make([]error, parts)
	var wait sync.WaitGroup
	for part := 1; part < parts; part++ {
		wait.Go(func() { errs[part] = checkDenseRows(ctx, signature, s, part*n/parts, (part+1)*n/parts) })
	}
	errs[0] = checkDenseRows(ctx, signature, s, 0, n/parts)
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkDenseRows(ctx context.Context, signature *Signature, s *Samples, from, to int) error {
	p := signature.Len()
	for ; from < to; from += rowsPerLook {
		if err := ctx.Err(); err != nil {
			return err
		}
		last := min(from+rowsPerLook, to)
		if signature.numeric && kernel.AllWithin(s.Rows[from*p:last*p], maxMagnitude) {
			continue
		}
		for i := from; i < last; i++ {
			if err := checkDenseRow(signature, s, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkSparse(ctx context.Context, signature *Signature, s *Samples) error {
	rows, n := s.Sparse, len(s.Labels)
	switch {
	case s.Rows != nil:
		return undefined("samples", "has both Rows and Sparse, expected one of them")
	case !signature.numeric:
		return undefined("samples.Sparse", "the signature has categorical features, expected numeric ones alone")
	case len(rows.Start) != n+1:
		return undefined("samples.Sparse.Start", "has %d positions, expected %d: one more than labels", len(rows.Start), n+1)
	case len(rows.Columns) != len(rows.Values):
		return undefined("samples.Sparse.Columns", "has %d columns, expected %d: one per value", len(rows.Columns), len(rows.Values))
	case rows.Start[0] != 0 || rows.Start[n] != len(rows.Values):
		return undefined("samples.Sparse.Start", "goes from %d to %d, expected 0 to %d, the number of values", rows.Start[0], rows.Start[n], len(rows.Values))
	}
	for i := range n {
		if i%rowsPerLook == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := checkSparseRow(signature, rows, i); err != nil {
			return err
		}
	}
	return nil
}

func checkSparseRow(signature *Signature, rows *Sparse, i int) error {
	from, to := rows.Start[i], rows.Start[i+1]
	if from > to || to > len(rows.Values) {
		return undefined("samples.Sparse.Start", "row %d goes from %d to %d of %d values", i, from, to, len(rows.Values))
	}
	last := int32(-1)
	for at := from; at < to; at++ {
		column, v := rows.Columns[at], rows.Values[at]
		switch {
		case column <= last:
			return undefined("samples.Sparse.Columns", "row %d has column %d after column %d, expected them to ascend", i, column, last)
		case int(column) >= signature.width:
			return undefined("samples.Sparse.Columns", "row %d has column %d, expected 0 to %d", i, column, signature.width-1)
		case v-v != 0:
			f := &signature.features[column]
			return &ValueError{Row: i, Column: int(column), Feature: f.Name, Value: v, Want: f.Want()}
		case math.Abs(v) > maxMagnitude:
			return tooLarge(signature, i, int(column), v)
		}
		last = column
	}
	return nil
}
