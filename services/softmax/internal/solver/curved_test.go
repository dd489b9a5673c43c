package solver

import (
	"context"
	"math"
	"slices"
	"testing"
)

// Far from 0 most rows have their class for certain, and those that are picked still tell all
// that the rows do.
func TestCurvedRowsStandForAll(t *testing.T) {
	t.Parallel()
	const picks = 600
	for _, sh := range []shape{
		{rows: 9000, features: 20, classes: 4, weighted: true},
		{rows: 9000, features: 20, classes: 3, form: made},
		{rows: 9000, features: 20, classes: 3, form: single},
		{rows: 9000, features: 20, classes: 2, form: far, weighted: true},
	} {
		t.Run(sh.String(), func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			p := problem(t, config(sh))
			p.keep = true
			x := point(p, 3, 4)
			evaluate(t, p, x)
			c, err := p.pickCurved(ctx, picks)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.rows) > picks || len(c.rows) < picks/4 || !slices.IsSorted(c.rows) {
				t.Errorf("%d rows, expected some %d at most, ascending", len(c.rows), picks)
			}
			for _, i := range c.rows {
				if p.weight(i) == 0 {
					t.Errorf("row %d is picked, and weighs nothing", i)
				}
			}
			columns := make([]int, p.columns)
			for j := range columns {
				columns[j] = j
			}
			got, err := c.gram(ctx, columns)
			if err != nil {
				t.Fatal(err)
			}
			got = slices.Clone(got)
			want, err := p.weightedGrams(ctx, 1, func(dst, shares, curvature []float64, _ int) {
				clear(dst)
				p.traces(dst, shares, curvature)
			})
			if err != nil {
				t.Fatal(err)
			}
			upper := func(matrix []float64) []float64 {
				var values []float64
				for i := range p.columns {
					values = append(values, matrix[i*p.columns+i:(i+1)*p.columns]...)
				}
				return values
			}
			if off := apart(upper(got), upper(want)); off > 0.2 {
				t.Errorf("columns: %.2g off", off)
			}
			if p.free == 1 {
				return
			}
			products, err := p.meanProducts(ctx, x)
			if err != nil {
				t.Fatal(err)
			}
			between := func(products []float64) []float64 {
				var values []float64
				for k := range p.free {
					values = append(values, products[k*p.ld+k+1:k*p.ld+p.free]...)
				}
				return values
			}
			if off := apart(between(c.products()), between(products)); off > 0.2 {
				t.Errorf("classes: %.2g off", off)
			}
		})
	}
}

// apart is how far got is from want by Euclid, as a share of want.
func apart(got, want []float64) float64 {
	var difference, size float64
	for i, v := range want {
		difference, size = math.Hypot(difference, got[i]-v), math.Hypot(size, v)
	}
	return difference / size
}

// Where every row has its class for certain, no row is picked, and the penalty is all there is.
func TestNothingCurves(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3} {
		p := problem(t, config(shape{rows: 300, features: 4, classes: classes}))
		p.keep = true
		x := make([]float64, p.Size())
		x[len(x)-1] = 1e8 // the intercept of the last class
		p.centreClasses(x)
		evaluate(t, p, x)
		k, err := newKronecker(context.Background(), p, 50)
		if err == nil {
			err = k.renew(context.Background(), x)
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, err := p.pickCurved(context.Background(), 50); err != nil || len(c.rows) > 0 {
			t.Errorf("%d classes: %d rows picked, %v", classes, len(c.rows), err)
		}
		r, got := point(p, 2, 1), make([]float64, p.Size())
		k.apply(got, r)
		if !finite(got) || maxNorm(got) == 0 {
			t.Errorf("%d classes: solved to %v", classes, got)
		}
	}
}

// Columns that tell nothing are not in the matrices, and their weights stay 0.
func TestCurvedLeavesOutConstantColumns(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 4} {
		c := config(shape{rows: 1200, features: 24, classes: classes})
		dense, _ := c.Rows.(Dense)
		for at := range dense.Values {
			if j := at % dense.Columns; j%7 == 0 || j > 20 {
				dense.Values[at] = 3
			}
		}
		curved := newtonCG(func(ctx context.Context, p *Problem) (preconditioner, error) {
			k, err := newKronecker(ctx, p, 300)
			if err == nil && (k.picks == 0 || len(k.live) >= p.columns) {
				t.Errorf("%d rows to pick, %d of %d columns", k.picks, len(k.live), p.columns)
			}
			return k, err
		})
		want := solve(t, problem(t, c), method{minimise: newton, curves: true, idle: 10}, Options{})
		got := solve(t, problem(t, c), method{minimise: curved, curves: true, idle: 10}, Options{})
		if !got.Converged || farthest(got.X, want.X) > 1e-7 {
			t.Errorf("%d classes: converged %v, %v from newton", classes, got.Converged, farthest(got.X, want.X))
		}
	}
}
