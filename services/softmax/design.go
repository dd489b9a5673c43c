package softmax

import (
	"context"
	"math"

	"github.com/sepal-ml/sepal/services/softmax/internal/solver"
)

// design is what the solver is to fit, made of what the caller gave.
func design(ctx context.Context, signature *Signature, classes int, s *Samples, o FitOptions) (*solver.Problem, error) {
	config := solver.Config{
		Labels: s.Labels, Classes: classes, Weights: s.Weights, ClassWeights: o.ClassWeights,
		Intercept: !o.NoIntercept,
		C:         o.C, L1Ratio: o.L1Ratio,
		Float32: o.Float32, Workers: o.Workers,
	}
	if o.Unpenalised {
		config.C = math.Inf(1)
	}
	if o.Standardise {
		config.Standardise = numericColumns(signature)
	}
	switch {
	case s.Sparse != nil:
		config.Sparse = &solver.Sparse{
			Width: signature.Width(), Start: s.Sparse.Start, Columns: s.Sparse.Columns, Values: s.Sparse.Values,
		}
	case signature.numeric:
		config.Rows = solver.Dense{Values: s.Rows, Columns: signature.Len()}
	case signature.width > manyColumns && signature.width >= 8*signature.Len():
		rows, err := oneHot(ctx, signature, s.Rows)
		if err != nil {
			return nil, err
		}
		config.Sparse = rows
	default:
		config.Rows = encoded{signature, s.Rows}
	}
	return solver.New(ctx, config)
}

// manyColumns is how many encoded columns are worth sparse rows: one-hot columns are mostly 0.
const manyColumns = 256

// oneHot returns the encoded rows as sparse ones. Its error is the context's.
func oneHot(ctx context.Context, signature *Signature, rows []float64) (*solver.Sparse, error) {
	features := signature.Len()
	s := &solver.Sparse{
		Width: signature.width, Start: make([]int, 1, len(rows)/features+1),
		Columns: make([]int32, 0, len(rows)), Values: make([]float64, 0, len(rows)),
	}
	for at := 0; at < len(rows); at += features {
		if at/features%rowsPerLook == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for j, v := range rows[at : at+features] {
			column := signature.offsets[j]
			if signature.features[j].Categorical() {
				column, v = column+int(v), 1
			}
			if v != 0 {
				s.Columns, s.Values = append(s.Columns, int32(column)), append(s.Values, v)
			}
		}
		s.Start = append(s.Start, len(s.Values))
	}
	return s, nil
}

// numericColumns says of each encoded column whether it is a numeric feature.
func numericColumns(signature *Signature) []bool {
	numeric := make([]bool, signature.Width())
	for i := range signature.features {
		if !signature.features[i].Categorical() {
			numeric[signature.offsets[i]] = true
		}
	}
	return numeric
}

// encoded gives the solver rows with one-hot columns, which are made block by block.
type encoded struct {
	signature *Signature
	rows      []float64
}

// Width is the number of encoded columns.
func (e encoded) Width() int { return e.signature.Width() }

// Block encodes rows to scratch.
func (e encoded) Block(scratch []float64, from, to int) []float64 {
	features, width := e.signature.Len(), e.signature.Width()
	for i := from; i < to; i++ {
		e.signature.Encode(scratch[(i-from)*width:(i-from+1)*width], e.rows[i*features:(i+1)*features])
	}
	return scratch[:(to-from)*width]
}
