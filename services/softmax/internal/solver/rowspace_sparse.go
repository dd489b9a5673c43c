package solver

import (
	"context"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// Sparse rows are taken about their columns' means without being written out: what is taken from all
// of them alike is summed up apart.

// sparseProductJobs is how many goroutines may share the products, each with a row written out.
const sparseProductJobs = 16

// sparseProducts is products of sparse rows.
func (s *span) sparseProducts(ctx context.Context) ([]float64, error) {
	p := s.problem
	n, rows := p.count, p.sparse
	squares := make([]float64, p.features) // of what values are multiplied by
	var centre float64                     // the centre's product with itself
	for j, unit := range s.unit {
		squares[j] = p.scale[j] * unit * p.scale[j] * unit
		centre += p.shift[j] * p.shift[j] * squares[j]
	}
	along := make([]float64, n) // each row's product with the centre
	for i := range n {
		for at := rows.Start[i]; at < rows.Start[i+1]; at++ {
			j := rows.Columns[at]
			along[i] += rows.Values[at] * squares[j] * p.shift[j]
		}
	}
	out := make([]float64, n*n)
	err := p.share(sparseProductJobs, n*len(rows.Values), func(_ *worker, job int) error {
		wide := make([]float64, p.features)
		for i := job; i < n; i += sparseProductJobs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if p.weight(i) == 0 {
				continue
			}
			own, columns := rows.Values[rows.Start[i]:rows.Start[i+1]], rows.Columns[rows.Start[i]:rows.Start[i+1]]
			for at, j := range columns {
				wide[j] = own[at] * squares[j]
			}
			for l := range i + 1 {
				if p.weight(l) == 0 {
					continue
				}
				product := centre - along[i] - along[l]
				for at := rows.Start[l]; at < rows.Start[l+1]; at++ {
					product += rows.Values[at] * wide[rows.Columns[at]]
				}
				out[i*n+l] = product
			}
			for _, j := range columns {
				wide[j] = 0
			}
		}
		return nil
	})
	mirrorUp(out, n)
	return out, err
}

// sparseLogits returns what writes the logits of a row at x, without intercepts, to dst.
func (s *span) sparseLogits(x []float64) func(dst []float64, row int) {
	p := s.problem
	p.flatten(x)
	base := make([]float64, p.free)
	copy(base, p.flat.bias)
	if p.intercept {
		kernel.AddScaled(base, -p.scale[p.features], x[p.features*p.free:])
	}
	return func(dst []float64, row int) {
		copy(dst, base)
		for at := p.sparse.Start[row]; at < p.sparse.Start[row+1]; at++ {
			j := int(p.sparse.Columns[at])
			kernel.AddScaled(dst, p.sparse.Values[at], p.flat.weights[j*p.ld:j*p.ld+p.free])
		}
	}
}

// addSparseRow adds a row to x, each class's share of it, but for what is taken from all rows.
func (s *span) addSparseRow(x []float64, row int, share []float64) {
	p := s.problem
	for at := p.sparse.Start[row]; at < p.sparse.Start[row+1]; at++ {
		j := int(p.sparse.Columns[at])
		kernel.AddScaled(x[j*p.free:(j+1)*p.free], p.sparse.Values[at]*p.scale[j]*s.unit[j]*s.unit[j], share)
	}
}

// takeCentre takes the centre from x, as often as the shares of all rows say.
func (s *span) takeCentre(x, shares []float64) {
	p := s.problem
	for j, unit := range s.unit {
		kernel.AddScaled(x[j*p.free:(j+1)*p.free], -p.shift[j]*p.scale[j]*unit*unit, shares)
	}
}
