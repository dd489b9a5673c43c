package kernel_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

func TestMoments(t *testing.T) {
	t.Parallel()
	r := random(70)
	for range 300 {
		rows, columns := r.IntN(150), 1+r.IntN(20)
		ld := columns + r.IntN(3)
		x, shares := normals(t, r, max(0, (rows-1)*ld+columns), 1), normals(t, r, rows, 1)
		for i := range shares {
			if shares[i] = math.Abs(shares[i]); r.IntN(4) == 0 {
				shares[i] = 0
				x[i*ld+r.IntN(columns)] = math.NaN()
			}
		}
		constant := func(v float64) []float64 {
			values := guarded(t, columns)
			for j := range values {
				values[j] = v
			}
			return values
		}
		m := kernel.Moments{
			About: normals(t, r, columns, 1), Unit: normals(t, r, columns, 1),
			Sum: constant(0), Square: constant(0), Low: constant(math.Inf(1)), High: constant(math.Inf(-1)),
		}
		m.Add(x, ld, shares)
		for j := range columns {
			low, high := math.Inf(1), math.Inf(-1)
			var sum, square float64
			for i, share := range shares {
				if share == 0 {
					continue
				}
				v := x[i*ld+j]
				low, high = min(low, v), max(high, v)
				v = (v - m.About[j]) * m.Unit[j]
				sum, square = sum+share*v, square+share*v*v
			}
			if m.Low[j] != low || m.High[j] != high {
				t.Fatalf("%d×%d, column %d: from %v to %v, expected %v to %v", rows, columns, j, m.Low[j], m.High[j], low, high)
			}
			if math.Abs(m.Sum[j]-sum) > 1e-12*(1+square) || math.Abs(m.Square[j]-square) > 1e-12*square {
				t.Fatalf("%d×%d, column %d: sums %v and %v, expected %v and %v", rows, columns, j, m.Sum[j], m.Square[j], sum, square)
			}
		}
	}
	m := kernel.Moments{About: make([]float64, 2), Unit: make([]float64, 2), Sum: make([]float64, 3)}
	wantPanic(t, "kernel: length mismatch", func() { m.Add(make([]float64, 3), 3, make([]float64, 1)) })
	wantPanic(t, "kernel: matrix does not fit its slice", func() { m.Add(make([]float64, 2), 3, make([]float64, 1)) })
}

func TestMomentsInParts(t *testing.T) {
	t.Parallel()
	r := random(71)
	const rows, columns = 200, 7
	x, shares := normals(t, r, rows*columns, 1), normals(t, r, rows, 1)
	about, unit := normals(t, r, columns, 1), normals(t, r, columns, 1)
	empty := func() kernel.Moments {
		return kernel.Moments{
			About: about, Unit: unit, Sum: make([]float64, columns), Square: make([]float64, columns),
			Low: make([]float64, columns), High: make([]float64, columns),
		}
	}
	whole, parts := empty(), empty()
	whole.Add(x, columns, shares)
	for from := 0; from < rows; {
		to := min(rows, from+1+r.IntN(70))
		parts.Add(x[from*columns:], columns, shares[from:to])
		from = to
	}
	for i, got := range [][]float64{parts.Sum, parts.Square, parts.Low, parts.High} {
		if want := [][]float64{whole.Sum, whole.Square, whole.Low, whole.High}[i]; !slices.Equal(got, want) {
			t.Errorf("in parts %v, at once %v", got, want)
		}
	}
}

func TestRescale(t *testing.T) {
	t.Parallel()
	r := random(72)
	for n := range 40 {
		x, shift, scale, dst := normals(t, r, n, 1), normals(t, r, n, 1), normals(t, r, n, 1), guarded(t, n)
		kernel.Rescale(dst, x, shift, scale)
		for j, v := range x {
			if want := (v - shift[j]) * scale[j]; dst[j] != want {
				t.Errorf("n = %d, value %d: %v, expected %v", n, j, dst[j], want)
			}
		}
	}
	two, three := make([]float64, 2), make([]float64, 3)
	for _, call := range []func(){
		func() { kernel.Rescale(three, two, two, two) },
		func() { kernel.Rescale(two, two, three, two) },
		func() { kernel.Rescale(two, two, two, three) },
	} {
		wantPanic(t, "kernel: length mismatch", call)
	}
}
