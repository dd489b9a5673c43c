package solver

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// kronecker approximates the Hessian by a matrix over the classes times one over the columns,
//
//	S ⊗ A/tr(S) + penalty,  S = Σ share·(diag(p) - p pᵀ),  A = Σ share·(1 - |p|²)·row rowᵀ
//
// over some of the rows: what each class does to the others is in S, what each column has to do
// with the others in A. In the directions of S's eigenvectors the classes fall apart, and each
// leaves a matrix over the columns. Eigenvalues close to each other share one.
//
// Where the probabilities of all rows are kept, the rows are picked by them at each point. Else
// they are a sample, the same at all points. A matrix is made once the passes since the last, or
// since a little before the start, have taken about as long as that does; until then it is that of
// another point, or the identity at first.
type kronecker struct {
	problem, sample *Problem
	picks           int       // how many rows to pick; 0: there is a sample
	live            []int     // the columns of the matrices, those that are picked only if they tell something
	gradient        []float64 // not wanted
	rotation        []float64 // eigenvectors in columns; ld is that of the problem
	inverse         []float64 // its transpose
	turned          []float64
	group           []int // the factor of each eigenvector, -1 for moves of all classes alike
	factors         []cholesky
	since           float64 // how many passes the problem had taken when the factors were made
}

// closeEigenvalues is the largest ratio of eigenvalues that share a factor.
const closeEigenvalues = 2

func newKronecker(ctx context.Context, p *Problem, rows int) (*kronecker, error) {
	k := &kronecker{problem: p, sample: p}
	if p.count > rows && !p.recompute {
		k.picks = rows
	} else if !p.ready || p.count > rows {
		var err error
		if k.sample, err = p.sample(ctx, rows); err != nil {
			return nil, err
		}
		k.sample.keep = true
		k.gradient = make([]float64, p.Size())
	}
	for j, scale := range p.scale {
		if k.picks == 0 || scale != 0 {
			k.live = append(k.live, j)
		}
	}
	k.turned = make([]float64, 2*p.columns*p.ld)
	k.since = p.passes - headStart
	return k, nil
}

// refresh makes a matrix where that is worth it.
func (k *kronecker) refresh(ctx context.Context, x []float64) error {
	if k.problem.passes-k.since < k.worth() {
		return nil
	}
	err := k.renew(ctx, x)
	k.since = k.problem.passes
	return err
}

// renew takes the probabilities at x, the point evaluated last.
func (k *kronecker) renew(ctx context.Context, x []float64) error {
	if k.picks > 0 {
		return k.pick(ctx)
	}
	p, s := k.problem, k.sample
	if s != p {
		if _, err := s.Evaluate(ctx, x, k.gradient); err != nil {
			return err
		}
	}
	gram, err := s.weightedGrams(ctx, 1, func(dst, shares, curvature []float64, _ int) {
		if s.free == 1 {
			copy(dst, curvature)
			return
		}
		for i, share := range shares {
			row := curvature[i*s.ld : i*s.ld+s.free]
			dst[i] = share * (1 - kernel.Dot(row, row))
		}
	})
	if err != nil {
		return err
	}
	if s.free == 1 {
		return k.factorise(ctx, gram, nil)
	}
	products, err := s.meanProducts(ctx, x)
	if err != nil {
		return err
	}
	return k.factorise(ctx, gram, products)
}

// worth is how many passes take as long as new factors.
func (k *kronecker) worth() float64 {
	n := float64(len(k.live))
	rows := float64(k.sample.count)
	if k.picks > 0 {
		rows = float64(k.picks)
	}
	return (rows*n*n + float64(len(k.factors)+1)*n*n*n/3) / (factorSpeed * float64(k.problem.plan.work))
}

// headStart is how many passes the first factors may take as long as to be made at once.
const headStart = 2

// factorSpeed is how many operations of new factors take as long as one of a pass.
const factorSpeed = 12

// pick is renew by rows that are picked.
func (k *kronecker) pick(ctx context.Context) error {
	picked, err := k.problem.pickCurved(ctx, k.picks)
	if err != nil {
		return err
	}
	gram, err := picked.gram(ctx, k.live)
	if err != nil {
		return err
	}
	if k.problem.free == 1 {
		return k.factorise(ctx, gram, nil)
	}
	return k.factorise(ctx, gram, picked.products())
}

// turn finds the eigenvectors of S, and groups them. It takes the means of the products of
// probabilities, of three classes and more.
func (k *kronecker) turn(products []float64) (eigenvalues []float64, trace float64) {
	s := k.problem
	if s.free == 1 {
		k.rotation, k.group = []float64{1}, []int{0}
		return []float64{1}, 1
	}
	between := mat.NewSymDense(s.free, nil)
	for a := range s.free {
		var mean float64
		for b, v := range products[a*s.ld : a*s.ld+s.free] {
			mean += v // for probabilities sum to 1
			if b >= a {
				between.SetSym(a, b, -v)
			}
		}
		between.SetSym(a, a, between.At(a, a)+mean)
	}
	var eigen mat.EigenSym
	eigen.Factorize(between, true) //nolint:misspell // the name is gonum's
	eigenvalues = eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	k.rotation, k.inverse = make([]float64, s.ld*s.ld), make([]float64, s.ld*s.ld)
	for a := range s.free {
		for b := range s.free {
			k.rotation[a*s.ld+b] = vectors.At(a, b)
			k.inverse[b*s.ld+a] = vectors.At(a, b)
		}
	}
	for _, v := range eigenvalues {
		trace += v
	}
	if !(trace > 0) { // nothing curves but the penalty
		trace = 1
	}
	k.group = make([]int, s.free)
	groups, first := -1, 0.0
	for e, v := range eigenvalues { // ascending; the first is that of all classes alike, 0
		if e == 0 {
			k.group[e] = -1
			continue
		}
		if groups < 0 || v > closeEigenvalues*first {
			groups, first = groups+1, v
		}
		k.group[e] = groups
	}
	return eigenvalues, trace
}

// factorise takes the upper triangle of A, and what turn does.
func (k *kronecker) factorise(ctx context.Context, gram, products []float64) error {
	p, n := k.problem, len(k.live)
	kernel.Mirror(gram, n, n)
	eigenvalues, trace := k.turn(products)
	groups := slices.Max(k.group) + 1
	sums, counts := make([]float64, groups), make([]float64, groups)
	for e, g := range k.group {
		if g >= 0 {
			sums[g], counts[g] = sums[g]+eigenvalues[e], counts[g]+1
		}
	}
	for len(k.factors) < groups {
		k.factors = append(k.factors, cholesky{})
	}
	return p.share(groups, groups*n*n*n, func(_ *worker, g int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		share := max(sums[g]/counts[g], 1e-12*trace) / trace
		k.factors[g].build(n, 1e-12, func(matrix []float64) {
			clear(matrix)
			kernel.AddScaled(matrix, share, gram)
			for at, j := range k.live {
				matrix[at*(n+1)] += p.penalty[j]
				if p.scale[j] == 0 {
					matrix[at*(n+1)] = 1
				}
			}
		})
		return nil
	})
}

// apply writes the inverse of the matrix times r to dst.
func (k *kronecker) apply(dst, r []float64) {
	p := k.problem
	n, free, ld := p.columns, p.free, p.ld
	if len(k.factors) == 0 {
		copy(dst, r)
		return
	}
	if free == 1 {
		clear(dst)
		k.solve(0, dst, r, 1, 0)
		return
	}
	turned, solved := k.turned[:n*ld], k.turned[n*ld:]
	clear(turned)
	kernel.MulAdd(turned, ld, r, free, 1, k.rotation, ld, n, ld, free)
	clear(solved)
	_ = p.share(free-1, free*n*n, func(_ *worker, at int) error {
		k.solve(k.group[at+1], solved, turned, ld, at+1)
		return nil
	})
	// Back: the transposed rotation from the right.
	clear(turned)
	kernel.MulAdd(turned, ld, solved, ld, 1, k.inverse, ld, n, ld, free)
	for j := range n {
		copy(dst[j*free:(j+1)*free], turned[j*ld:])
	}
}

// solve writes the solution for a column of r to that of dst, by one of the factors. A row of both
// has ld values.
func (k *kronecker) solve(factor int, dst, r []float64, ld, column int) {
	x := make([]float64, len(k.live))
	for at, j := range k.live {
		x[at] = r[j*ld+column]
	}
	k.factors[factor].solve(x)
	for at, j := range k.live {
		dst[j*ld+column] = x[at]
	}
}
