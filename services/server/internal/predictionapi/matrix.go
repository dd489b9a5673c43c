package predictionapi

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// cancelCheckValues is after about how many values of a matrix a batch looks whether anyone
// still waits for it.
const cancelCheckValues = 16 << 10

// someRows is how many rows of a matrix are classified at once: enough that to begin costs
// nothing, and so few that what becomes of them stays in the processor's cache.
const someRows = 128

// matrixScorer classifies the rows of a matrix. It allocates what it answers with, and nothing
// per row that fits.
type matrixScorer struct {
	assigned
	columns       int // of a row, as the request says
	values        []float64
	floats        []float32 // in place of values
	row           []float64 // of floats
	probabilities []float64 // of a row, where they are not answered
	some          struct {  // of some rows
		rows, probabilities []float64
		classes             []int
	}
	classes []string
	all     bool // whether probabilities are answered
	// maxDetailed is how many errors of one answer say in full what is wrong with their rows:
	// a few bytes of a matrix may each ask for a text.
	maxDetailed int
}

func newMatrixScorer(a assigned, request *predictionv1.BatchPredictRequest, maxDetailed int) *matrixScorer {
	model, matrix := a.version.Compiled, request.GetMatrix()
	s := &matrixScorer{
		assigned:      a,
		columns:       int(matrix.GetColumns()),
		values:        matrix.GetValues(),
		floats:        matrix.GetFloatValues(),
		probabilities: make([]float64, model.NumClasses()),
		classes:       make([]string, model.NumClasses()),
		all:           request.GetProbabilities(),
		maxDetailed:   maxDetailed,
	}
	for k := range s.classes {
		s.classes[k] = model.Class(k)
	}
	if len(s.floats) > 0 {
		s.row = make([]float64, model.Signature().Len())
	}
	return s
}

// field is the name of the field that holds the values.
func (s *matrixScorer) field() string {
	if len(s.floats) > 0 {
		return "float_values"
	}
	return "values"
}

// check returns what is wrong with the shape of the matrix.
func (s *matrixScorer) check(prefix string, maxRows int) []rpc.Violation {
	n := len(s.values) + len(s.floats)
	d := newDecoder(s.version, prefix)
	switch want := s.version.Compiled.Signature().Len(); {
	case s.columns != want:
		d.refuse("columns", "is %d, expected %s", s.columns, d.allFeatures())
	case n%s.columns != 0:
		d.refuse(s.field(), "has %d, expected a multiple of %d", n, s.columns)
	case n/s.columns > maxRows:
		d.refuse(s.field(), "has %d rows of %d, expected at most %d", n/s.columns, s.columns, maxRows)
	}
	return d.violations
}

func (s *matrixScorer) rows() int { return (len(s.values) + len(s.floats)) / s.columns }

func (s *matrixScorer) score(ctx context.Context, response *predictionv1.BatchPredictResponse, first, end int) error {
	if response.Matrix == nil {
		response.Matrix = &predictionv1.MatrixResult{Classes: s.classes}
	}
	result := response.GetMatrix()
	s.resize(result, end-first)
	block := s.block(end - first)
	stride := min(max(1, cancelCheckValues/s.columns), someRows)
	for i := first; i < end; i += stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.scoreRows(ctx, block, result, first, i, min(i+stride, end))
	}
	block.Flush()
	return nil
}

// resize makes room for the results of n rows.
func (s *matrixScorer) resize(result *predictionv1.MatrixResult, n int) {
	result.ClassIndices = resized(result.ClassIndices, n)
	result.Confidences = resized(result.Confidences, n)
	if s.all {
		result.Probabilities = resized(result.Probabilities, n*len(s.classes))
	}
	result.Errors = nil
}

// resized returns a slice of n values, which is s where that has the room.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// scoreRows classifies the rows from start up to, not including, end; first is the row that
// result begins with. Of those that are unsure, one at most is logged.
func (s *matrixScorer) scoreRows(ctx context.Context, block *monitor.Block, result *predictionv1.MatrixResult, first, start, end int) {
	n, k := end-start, len(s.classes)
	if s.all {
		s.some.probabilities = result.Probabilities[(start-first)*k : (end-first)*k]
	} else {
		s.some.probabilities = resized(s.some.probabilities, n*k)
	}
	s.some.classes = resized(s.some.classes, n)
	rows := s.between(start, end)
	if s.version.Compiled.PredictBatch(s.some.probabilities, s.some.classes, rows) != nil {
		s.scoreEach(ctx, block, result, first, start, end)
		return
	}
	indices, confidences := result.ClassIndices[start-first:end-first], result.Confidences[start-first:end-first]
	for i, class := range s.some.classes {
		indices[i], confidences[i] = uint32(class), s.some.probabilities[i*k+class]
	}
	if i := s.observeRows(block, rows, s.columns, s.some.classes, confidences); i >= 0 {
		s.unsure.note(ctx, &s.assigned, rows[i*s.columns:(i+1)*s.columns], nil, s.some.classes[i], confidences[i])
	}
}

// between returns the rows from start up to, not including, end, until it is called again.
func (s *matrixScorer) between(start, end int) []float64 {
	if len(s.floats) == 0 {
		return s.values[start*s.columns : end*s.columns]
	}
	floats := s.floats[start*s.columns : end*s.columns]
	s.some.rows = resized(s.some.rows, len(floats))
	for i, v := range floats {
		s.some.rows[i] = float64(v)
	}
	return s.some.rows
}

// scoreEach is scoreRows where some row does not fit.
func (s *matrixScorer) scoreEach(ctx context.Context, block *monitor.Block, result *predictionv1.MatrixResult, first, start, end int) {
	model, k, noted := s.version.Compiled, len(s.classes), false
	for i := start; i < end; i++ {
		at, probabilities := i-first, s.probabilities
		if s.all {
			probabilities = result.Probabilities[at*k : (at+1)*k]
		}
		values := s.at(i)
		class, err := model.Predict(probabilities, values)
		if err != nil {
			clear(probabilities)
			result.ClassIndices[at], result.Confidences[at] = 0, 0
			result.Errors = append(result.Errors, s.refused(i, values, len(result.Errors)))
			continue
		}
		result.ClassIndices[at], result.Confidences[at] = uint32(class), probabilities[class]
		if s.observe(block, values, nil, class, probabilities[class]) && !noted {
			noted = true
			s.unsure.note(ctx, &s.assigned, values, nil, class, probabilities[class])
		}
	}
}

// at returns row i, until it is called again.
func (s *matrixScorer) at(i int) []float64 {
	if len(s.floats) == 0 {
		return s.values[i*s.columns : (i+1)*s.columns]
	}
	for j, v := range s.floats[i*s.columns : (i+1)*s.columns] {
		s.row[j] = float64(v)
	}
	return s.row
}

// refused says what is wrong with row i, which the model does not take; before is how many
// errors the answer has already.
func (s *matrixScorer) refused(i int, values []float64, before int) *predictionv1.MatrixRowError {
	if before >= s.maxDetailed {
		return &predictionv1.MatrixRowError{Row: uint32(i), Error: &predictionv1.RowError{
			Code:    connect.CodeInvalidArgument.String(),
			Message: "does not fit, as rows before it",
		}}
	}
	d := newDecoder(s.version, "matrix.")
	if d.values(values, s.field(), i*s.columns); d.violations == nil {
		// Each value is in order, so the row as a whole is too large.
		d.refuse(fmt.Sprintf("%s[%d]", s.field(), i*s.columns), "begins a row that %s", overflow)
	}
	return &predictionv1.MatrixRowError{Row: uint32(i), Error: rowError(d.violations)}
}
