package kernel_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

func TestSparseIsDense(t *testing.T) {
	t.Parallel()
	r := random(60)
	for range 300 {
		rows, width, n := r.IntN(12), 1+r.IntN(30), 1+r.IntN(50)
		ldw, ldz := n+r.IntN(3), n+r.IntN(3)
		dense, s := make([]float64, (rows+1)*width), kernel.Sparse{Start: []int{0}}
		for i := range rows {
			for c := range width {
				if r.IntN(3) == 0 {
					v := r.NormFloat64()
					dense[i*width+c] = v
					s.Values, s.Columns = append(s.Values, v), append(s.Columns, int32(c))
				}
			}
			s.Start = append(s.Start, len(s.Values))
		}
		from := r.IntN(rows + 1)
		rows -= from
		w, z := normals(t, r, (width-1)*ldw+n, 1), normals(t, r, max(0, (rows-1)*ldz+n), 1)
		wantZ, wantW := slices.Clone(z), slices.Clone(w)
		kernel.MulAdd(wantZ, ldz, dense[from*width:], width, 1, w, ldw, rows, n, width)
		s.MulAdd(z, ldz, w, ldw, from, rows, n)
		if !slices.Equal(z, wantZ) {
			t.Fatalf("%d×%d times %d columns: %v, dense %v", rows, width, n, z, wantZ)
		}
		kernel.MulAdd(wantW, ldw, dense[from*width:], 1, width, z, ldz, width, n, rows)
		s.AddTransposed(w, ldw, z, ldz, from, rows, n)
		for i := range w {
			if math.Abs(w[i]-wantW[i]) > 1e-13*(1+math.Abs(w[i])) {
				t.Fatalf("transposed: element %d is %v, dense %v", i, w[i], wantW[i])
			}
		}
	}
}

func TestSparseChecksItsColumns(t *testing.T) {
	t.Parallel()
	const text = "kernel: column out of range"
	for _, column := range []int32{-1, 3, math.MaxInt32, math.MinInt32} {
		s := kernel.Sparse{Start: []int{0, 2}, Columns: []int32{0, column}, Values: []float64{1, 1}}
		wantPanic(t, text, func() { s.MulAdd(make([]float64, 5), 5, make([]float64, 15), 5, 0, 1, 5) })
		wantPanic(t, text, func() { s.AddTransposed(make([]float64, 15), 5, make([]float64, 5), 5, 0, 1, 5) })
		wantPanic(t, text, func() { s.MulAdd(make([]float64, 5), 5, nil, 5, 0, 1, 5) })
	}
}

func TestAddDots(t *testing.T) {
	t.Parallel()
	r := random(61)
	for range 300 {
		rows, columns := r.IntN(20), r.IntN(40)
		ld := columns + r.IntN(3)
		x, w, z := normals(t, r, max(0, (rows-1)*ld+columns), 1), normals(t, r, columns, 1), normals(t, r, rows, 1)
		if rows > 0 && columns > 0 && r.IntN(2) == 0 {
			x[r.IntN(rows)*ld+r.IntN(columns)] = math.NaN()
		}
		got := fresh(t, z)
		kernel.AddDots(got, x, ld, w)
		for i := range z {
			alone := []float64{z[i]}
			want := z[i]
			if columns > 0 {
				row := x[i*ld : i*ld+columns]
				kernel.AddDots(alone, fresh(t, row), columns, w)
				want += kernel.Dot(row, w)
			}
			if !same(got[i], alone[0], 0) || got[i]-got[i] == 0 && math.Abs(got[i]-want) > 1e-12 || (got[i] != got[i]) != (want != want) {
				t.Fatalf("%d×%d, row %d: %v, alone %v, expected %v", rows, columns, i, got[i], alone[0], want)
			}
		}
	}
}
