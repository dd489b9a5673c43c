package solver

import (
	"context"

	"gonum.org/v1/gonum/mat"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// rowSpace minimises a problem of far more columns than rows where they matter: the penalty keeps
// the weights in the space that the rows span (the representer theorem, Kimeldorf and Wahba 1971).
// With the rows Z, times what makes the penalty the same for all columns, and Z·Zᵀ = L·Lᵀ, the
// problem over the rows of L has the same minimum in a column per row at most. What rounding left
// to do is done over all columns.
func rowSpace(ctx context.Context, r *run) error {
	if err := r.begin(ctx, r.options.Start); err != nil || r.over() {
		return err
	}
	s, err := newSpan(ctx, r.problem)
	if err != nil {
		return err
	}
	if s.rank == 0 { // no column tells anything, or none that can be squared
		return r.conjugateSteps(ctx, precondition)
	}
	small, err := New(ctx, s.config())
	if err != nil {
		return err
	}
	options := r.options
	options.Tolerance /= 10
	if !r.astray && r.options.Start != nil {
		weights, intercepts, err := s.coordinates(ctx, r.x)
		if err != nil {
			return err
		}
		options.Start = small.Variables(weights, intercepts)
	}
	found, err := Minimise(ctx, small, options)
	if err != nil {
		return err
	}
	if err := s.point(ctx, r.next.x, small, found.X); err != nil {
		return err
	}
	value, err := r.problem.Evaluate(ctx, r.next.x, r.next.gradient)
	if err != nil {
		return err
	}
	if value <= r.value {
		r.progress.Iteration = max(found.Iteration, 1) - 1
		r.move(value)
	} else if _, err := r.problem.Evaluate(ctx, r.x, r.next.gradient); err != nil {
		return err
	}
	if r.over() {
		return nil
	}
	return r.conjugateSteps(ctx, precondition)
}

const (
	// maxSpan bounds the rows of rowSpace: the matrix of their products is factored by one goroutine.
	maxSpan = 1000
	// sparseSpan bounds them for each class where they are sparse: a product of two rows takes long
	// then, and a pass does not.
	sparseSpan = 32
)

// spans reports whether rowSpace is for the problem.
func (p *Problem) spans() bool {
	if p.narrow != nil || p.l1 != nil || p.strength == 0 || p.count > maxSpan || 4*p.features < 5*p.count {
		return false
	}
	// A pass over the small problem is to take no longer than one over the rows and the weights.
	return p.sparse == nil || p.count <= sparseSpan*p.ld && p.count*p.count <= p.features+len(p.sparse.Values)
}

// span is the space of the rows of a problem.
type span struct {
	problem *Problem
	unit    []float64 // of each column: its values times unit are a column of Z
	rank    int       // 0: there is nothing to work with
	factor  []float64 // L, as many columns as the rank, the rows in the problem's order
	pivots  []int     // rows of L that make a lower triangle
}

func newSpan(ctx context.Context, p *Problem) (*span, error) {
	s := &span{problem: p, unit: make([]float64, p.features)}
	for j, scale := range p.scale[:p.features] {
		if scale != 0 {
			s.unit[j] = 1 / (scale * p.standard[j])
		}
	}
	multiply := s.products
	if p.sparse != nil {
		multiply = s.sparseProducts
	}
	products, err := multiply(ctx)
	if err != nil {
		return nil, err
	}
	if !finite(products) {
		return s, nil
	}
	n := p.count
	var factor mat.PivotedCholesky
	factor.Factorize(mat.NewSymDense(n, products), -1) //nolint:misspell // the name is gonum's; of any rank
	s.rank, s.pivots = factor.Rank(), factor.ColumnPivots(nil)
	upper := factor.RawU()
	s.factor = make([]float64, n*s.rank)
	for at, row := range s.pivots {
		for c := range min(at+1, s.rank) {
			s.factor[row*s.rank+c] = upper.At(c, at)
		}
	}
	s.pivots = s.pivots[:s.rank]
	return s, nil
}

// products returns Z·Zᵀ.
func (s *span) products(ctx context.Context) ([]float64, error) {
	const strip, most = 48, 1 << 18
	p, n := s.problem, s.problem.count
	out := make([]float64, n*n)
	width := min(p.features, max(64, most/n))
	transposed := make([]float64, width*n)
	w := p.newWorker()
	for from := 0; from < p.features; from += width {
		to := min(from+width, p.features)
		for i := range n {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			row := p.augmented(w, i, i+1)
			for j, v := range row[from:to] {
				transposed[j*n+i] = v * s.unit[from+j]
			}
		}
		err := p.share((n+strip-1)/strip, n*n*(to-from), func(_ *worker, job int) error {
			at := job * strip
			rows := min(strip, n-at)
			kernel.MulAdd(out[at*n:], n, transposed[at:], 1, n, transposed, n, rows, at+rows, to-from)
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	mirrorUp(out, n)
	return out, nil
}

// mirrorUp copies the lower triangle of a matrix to the upper.
func mirrorUp(matrix []float64, n int) {
	for i := range n {
		for j := range i {
			matrix[j*n+i] = matrix[i*n+j]
		}
	}
}

// config is the problem over the rows of L.
func (s *span) config() Config {
	p := s.problem
	c := Config{
		Rows:    Dense{Values: s.factor, Columns: s.rank},
		Labels:  make([]int, p.count),
		Classes: p.classes,
		Weights: p.weights, ClassWeights: p.classWeights,
		Intercept: p.intercept,
		C:         1 / p.strength / p.total,
		Workers:   p.workers,
	}
	for i, label := range p.labels {
		c.Labels[i] = int(label)
	}
	return c
}

// coordinates returns the weights by columns of L, and intercepts, that give the rows the logits
// that variables of the problem do.
func (s *span) coordinates(ctx context.Context, x []float64) (weights, intercepts []float64, err error) {
	p := s.problem
	first := p.classes - p.free
	weights, intercepts = make([]float64, p.classes*s.rank), make([]float64, p.classes)
	logitsOf := s.logits(x)
	logits := make([]float64, p.free)
	for c, row := range s.pivots {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		logitsOf(logits, row)
		own := s.factor[row*s.rank:][:c+1]
		for k, z := range logits {
			solved := weights[(first+k)*s.rank:][:c+1]
			solved[c] = (z - kernel.Dot(own[:c], solved[:c])) / own[c]
		}
	}
	if p.intercept {
		for k, v := range x[p.features*p.free:] {
			intercepts[first+k] = v * p.scale[p.features]
		}
	}
	return weights, intercepts, nil
}

// logits returns what writes the logits of a row at x, without intercepts, to dst.
func (s *span) logits(x []float64) func(dst []float64, row int) {
	p := s.problem
	if p.sparse != nil {
		return s.sparseLogits(x)
	}
	w := p.newWorker()
	return func(dst []float64, row int) {
		clear(dst)
		for j, v := range p.augmented(w, row, row+1)[:p.features] {
			kernel.AddScaled(dst, v, x[j*p.free:(j+1)*p.free])
		}
	}
}

// point writes the variables of the problem that are those of the small one.
func (s *span) point(ctx context.Context, x []float64, small *Problem, found []float64) error {
	p := s.problem
	first := p.classes - p.free
	weights, intercepts := small.Weights(found)
	clear(x)
	w := p.newWorker()
	share, shares := make([]float64, p.free), make([]float64, p.free)
	for c := s.rank - 1; c >= 0; c-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := s.pivots[c]
		own := s.factor[row*s.rank:][:c+1]
		for k := range share {
			left := weights[(first+k)*s.rank:][:c+1]
			share[k] = left[c] / own[c]
			kernel.AddScaled(left[:c], -share[k], own[:c])
		}
		if p.sparse != nil {
			s.addSparseRow(x, row, share)
			kernel.AddScaled(shares, 1, share)
			continue
		}
		for j, v := range p.augmented(w, row, row+1)[:p.features] {
			kernel.AddScaled(x[j*p.free:(j+1)*p.free], v*s.unit[j]*s.unit[j], share)
		}
	}
	if p.sparse != nil {
		s.takeCentre(x, shares)
	}
	if p.intercept {
		for k := range p.free {
			x[p.features*p.free+k] = intercepts[first+k] / p.scale[p.features]
		}
	}
	return nil
}
