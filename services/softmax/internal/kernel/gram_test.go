package kernel_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

func TestGram(t *testing.T) {
	t.Parallel()
	r := random(40)
	for range 150 {
		rows, columns := r.IntN(200), 1+r.IntN(40)
		ldx, ldg := columns+r.IntN(3), columns+r.IntN(3)
		x := normals(t, r, max(0, (rows-1)*ldx+columns), 1)
		g := normals(t, r, (columns-1)*ldg+columns, 1)
		var weights []float64
		if r.IntN(2) == 0 {
			weights = normals(t, r, rows, 1)
		}
		want := slices.Clone(g)
		for i := range rows {
			w := 1.0
			if weights != nil {
				w = weights[i]
			}
			for a := range columns {
				for b := range columns {
					want[a*ldg+b] += w * x[i*ldx+a] * x[i*ldx+b]
				}
			}
		}
		kernel.Gram(g, ldg, x, ldx, rows, columns, weights, guarded(t, kernel.GramScratch(columns)))
		for a := range columns {
			for b := a; b < columns; b++ {
				if got := g[a*ldg+b]; math.Abs(got-want[a*ldg+b]) > 1e-12 {
					t.Fatalf("%d rows of %d: element %d, %d is %v, expected %v", rows, columns, a, b, got, want[a*ldg+b])
				}
			}
		}
		kernel.Mirror(g, ldg, columns)
		for a := range columns {
			for b := range a {
				if g[a*ldg+b] != g[b*ldg+a] {
					t.Fatalf("%d, %d differs from its mirror", a, b)
				}
			}
		}
	}
	wantPanic(t, "kernel: scratch is too short", func() {
		kernel.Gram(make([]float64, 1), 1, make([]float64, 1), 1, 1, 1, nil, nil)
	})
}
