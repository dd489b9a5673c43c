package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// product is a call of MulAdd.
type product struct {
	c, a, b                     []float64
	ldc, ars, acs, ldb, m, n, k int
}

func (p *product) String() string {
	return fmt.Sprintf("%dx%dx%d, strides of a %d and %d, leading dimensions %d and %d", p.m, p.n, p.k, p.ars, p.acs, p.ldc, p.ldb)
}

func (p *product) do(c []float64) []float64 {
	kernel.MulAdd(c, p.ldc, p.a, p.ars, p.acs, p.b, p.ldb, p.m, p.n, p.k)
	return c
}

// naive is the definition. It writes the sum of the terms' sizes beside each element.
func (p *product) naive() (c, sizes []float64) {
	c, sizes = slices.Clone(p.c), make([]float64, len(p.c))
	for i := range p.m {
		for j := range p.n {
			at := i*p.ldc + j
			sizes[at] = math.Abs(c[at])
			for t := range p.k {
				term := p.a[i*p.ars+t*p.acs] * p.b[t*p.ldb+j]
				c[at] += term
				sizes[at] += math.Abs(term)
			}
		}
	}
	return c, sizes
}

func randomProduct(t testing.TB, r *rand.Rand, m, n, k int) *product {
	p := &product{m: m, n: n, k: k, ldc: n + r.IntN(3)*r.IntN(5), ldb: n + r.IntN(3)*r.IntN(5)}
	if r.IntN(3) == 0 {
		p.ldb = kernel.Pad(n)
	}
	switch r.IntN(4) {
	case 0:
		p.ars, p.acs = k+r.IntN(3), 1
	case 1:
		p.ars, p.acs = 1, m+r.IntN(3)
	case 2:
		p.ars, p.acs = 0, 1+r.IntN(2)
	default:
		p.ars, p.acs = 1+r.IntN(2), 0
	}
	p.c = normals(t, r, max(0, (m-1)*p.ldc+n), 1)
	p.a = normals(t, r, max(0, (m-1)*p.ars+(k-1)*p.acs+1), 1)
	p.b = normals(t, r, max(0, (k-1)*p.ldb+n), 1)
	return p
}

// someColumns is up to 39, and often few: there are kernels for these.
func someColumns(r *rand.Rand) int {
	if r.IntN(2) == 0 {
		return r.IntN(5)
	}
	return r.IntN(40)
}

func TestMulAddIsTheProduct(t *testing.T) {
	t.Parallel()
	r := random(1)
	for range 1500 {
		p := randomProduct(t, r, r.IntN(60), someColumns(r), r.IntN(40))
		want, sizes := p.naive()
		got := p.do(p.c)
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-15*float64(p.k+1)*sizes[i] {
				t.Fatalf("%v: element %d is %v, expected %v", p, i, got[i], want[i])
			}
		}
	}
}

// However the sizes are cut into calls, the bits are the same.
func TestMulAddInPieces(t *testing.T) {
	t.Parallel()
	r := random(2)
	for range 300 {
		p := randomProduct(t, r, 1+r.IntN(60), 1+someColumns(r), 1+r.IntN(300))
		whole, pieces := p.do(slices.Clone(p.c)), slices.Clone(p.c)
		m, n, k := r.IntN(p.m+1), r.IntN(p.n+1), r.IntN(p.k+1)
		for _, ts := range [][2]int{{0, k}, {k, p.k}} {
			for _, is := range [][2]int{{0, m}, {m, p.m}} {
				for _, js := range [][2]int{{0, n}, {n, p.n}} {
					if ts[0] == ts[1] || is[0] == is[1] || js[0] == js[1] {
						continue
					}
					kernel.MulAdd(pieces[is[0]*p.ldc+js[0]:], p.ldc, p.a[is[0]*p.ars+ts[0]*p.acs:], p.ars, p.acs,
						p.b[ts[0]*p.ldb+js[0]:], p.ldb, is[1]-is[0], js[1]-js[0], ts[1]-ts[0])
				}
			}
		}
		if !slices.Equal(whole, pieces) {
			t.Fatalf("%v, cut at %d, %d, %d: not the same bits", p, m, n, k)
		}
	}
}

// What is not finite stays in its row of a, or its column of b.
func TestMulAddKeepsNaNWhereItIs(t *testing.T) {
	t.Parallel()
	r := random(3)
	for range 300 {
		p := randomProduct(t, r, 1+r.IntN(40), 1+someColumns(r), 1+r.IntN(19))
		p.ars, p.acs = p.k, 1
		p.a = normals(t, r, p.m*p.k, 1)
		row, column := r.IntN(p.m), r.IntN(p.n)
		p.a[row*p.k+r.IntN(p.k)] = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(3)]
		p.b[r.IntN(p.k)*p.ldb+column] = math.NaN()
		p.do(p.c)
		for i := range p.m {
			for j := range p.n {
				v := p.c[i*p.ldc+j]
				if finite := v-v == 0; finite != (i != row && j != column) {
					t.Fatalf("%v: with trouble in row %d of a and column %d of b, element %d, %d is %v", p, row, column, i, j, v)
				}
			}
		}
	}
}

func TestMulAdd32IsMulAddOfTheSameValues(t *testing.T) {
	t.Parallel()
	r := random(4)
	for range 300 {
		p := randomProduct(t, r, r.IntN(20), r.IntN(20), r.IntN(20))
		half := guarded32(t, len(p.a))
		for i, v := range p.a {
			half[i] = float32(v)
			p.a[i] = float64(half[i])
		}
		want, got := p.do(slices.Clone(p.c)), slices.Clone(p.c)
		kernel.MulAdd32(got, p.ldc, half, p.ars, p.acs, p.b, p.ldb, p.m, p.n, p.k)
		if !slices.Equal(got, want) {
			t.Fatalf("%v: %v, expected %v", p, got, want)
		}
	}
}

func TestMulAddChecksItsSlices(t *testing.T) {
	t.Parallel()
	const shape = "kernel: matrix does not fit its slice"
	v := make([]float64, 12)
	for name, call := range map[string]func(){
		"c is short":              func() { kernel.MulAdd(v[:11], 4, v, 4, 1, v, 4, 3, 4, 3) },
		"b is short":              func() { kernel.MulAdd(v, 4, v, 4, 1, v[:11], 4, 3, 4, 3) },
		"a is short":              func() { kernel.MulAdd(v, 4, v[:10], 4, 1, v, 4, 3, 4, 3) },
		"a goes backwards":        func() { kernel.MulAdd(v, 4, v, -1, 1, v, 4, 3, 4, 3) },
		"rows overlap":            func() { kernel.MulAdd(v, 3, v, 4, 1, v, 4, 3, 4, 3) },
		"a of float32 is short":   func() { kernel.MulAdd32(v, 4, make([]float32, 10), 4, 1, v, 4, 3, 4, 3) },
		"strides out of bounds":   func() { kernel.MulAdd(v, 4, v, 1, 5, v, 4, 3, 4, 3) },
		"a stride that overflows": func() { kernel.MulAdd(v, 4, v, math.MaxInt/2+1, 1, v, 4, 3, 4, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantPanic(t, shape, call)
		})
	}
	wantPanic(t, "kernel: negative size", func() { kernel.MulAdd(v, 4, v, 4, 1, v, 4, -1, 4, 3) })
	kernel.MulAdd(nil, 0, nil, 0, 0, nil, 0, 0, 4, 3)
	kernel.MulAdd(nil, 0, nil, 0, 0, nil, 0, 4, 0, 3)
}
