package kernel_test

import (
	"math"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

func TestExp(t *testing.T) {
	t.Parallel()
	r := random(30)
	for n := range 70 {
		src, dst := guarded(t, n), guarded(t, n)
		for range 40 {
			for i := range src {
				src[i] = -745 + (745+709.78)*r.Float64()
				if r.IntN(3) == 0 {
					src[i] = r.NormFloat64()
				}
			}
			kernel.Exp(dst, src)
			for i, x := range src {
				if want := math.Exp(x); math.Abs(dst[i]-want) > max(1e-15*want, 5e-324) {
					t.Fatalf("exp(%v) is %v, expected %v", x, dst[i], want)
				}
			}
		}
	}
}

func TestExpAtTheEdges(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	src := []float64{0, math.Copysign(0, -1), -5e-324, 1e-300, -inf, inf, math.NaN(), -746, -1e308, 709.79, 1e308, -745.14}
	want := []float64{1, 1, 1, 1, 0, inf, math.NaN(), 0, 0, inf, inf, 0}
	kernel.Exp(src, src)
	for i, v := range src {
		if !same(v, want[i], 0) {
			t.Errorf("%d: %v, expected %v", i, v, want[i])
		}
	}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	r := random(31)
	for n := range 70 {
		a, b, alpha := normals(t, r, n, 1), normals(t, r, n, 1), r.NormFloat64()
		var dot, size float64
		for i := range a {
			dot += a[i] * b[i]
			size += math.Abs(a[i] * b[i])
		}
		if got := kernel.Dot(a, b); math.Abs(got-dot) > 1e-15*float64(n)*size {
			t.Errorf("n = %d: dot product %v, expected %v", n, got, dot)
		}
		sum, scaled := fresh(t, a), fresh(t, a)
		kernel.AddScaled(sum, alpha, b)
		kernel.ScaleAdd(scaled, alpha, b)
		for i := range a {
			if want := a[i] + alpha*b[i]; math.Abs(sum[i]-want) > 1e-15*(math.Abs(a[i])+math.Abs(alpha*b[i])) {
				t.Errorf("n = %d: a + alpha·b is %v, expected %v", n, sum[i], want)
			}
			if want := alpha*a[i] + b[i]; math.Abs(scaled[i]-want) > 1e-15*(math.Abs(alpha*a[i])+math.Abs(b[i])) {
				t.Errorf("n = %d: alpha·a + b is %v, expected %v", n, scaled[i], want)
			}
		}
	}
	two, three := make([]float64, 2), make([]float64, 3)
	for _, call := range []func(){
		func() { kernel.Dot(two, three) },
		func() { kernel.AddScaled(two, 1, three) },
		func() { kernel.ScaleAdd(two, 1, three) },
		func() { kernel.Exp(two, three) },
	} {
		wantPanic(t, "kernel: length mismatch", call)
	}
}

func TestVectorsKeepNaN(t *testing.T) {
	t.Parallel()
	for n := 1; n < 20; n++ {
		for at := range n {
			a, ones := make([]float64, n), make([]float64, n)
			for i := range ones {
				ones[i] = 1
			}
			a[at] = math.NaN()
			if got := kernel.Dot(a, ones); got == got {
				t.Errorf("n = %d, NaN at %d: dot product %v", n, at, got)
			}
			kernel.AddScaled(ones, 1, a)
			for i, v := range ones {
				if (v != v) != (i == at) {
					t.Errorf("n = %d, NaN at %d: sum %d is %v", n, at, i, v)
				}
			}
		}
	}
}

func TestAllFinite(t *testing.T) {
	t.Parallel()
	r := random(32)
	for n := range 70 {
		values := normals(t, r, n, 1e300)
		if !kernel.AllFinite(values) {
			t.Errorf("%v are not finite", values)
		}
		for at, kept := range values {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				values[at] = bad
				if kernel.AllFinite(values) {
					t.Errorf("n = %d: %v at %d goes unseen", n, bad, at)
				}
			}
			values[at] = kept
		}
	}
}

func TestAllWithin(t *testing.T) {
	t.Parallel()
	r := random(33)
	for n := range 40 {
		values := guarded(t, n)
		for i := range values {
			values[i] = 10 * (2*r.Float64() - 1)
		}
		if n > 0 {
			values[r.IntN(n)] = math.Copysign(10, r.NormFloat64())
		}
		if !kernel.AllWithin(values, 10) {
			t.Errorf("%v are not within 10", values)
		}
		above := math.Nextafter(10, 11)
		for at, kept := range values {
			for _, bad := range []float64{math.NaN(), -math.NaN(), math.Inf(1), math.Inf(-1), above, -above} {
				values[at] = bad
				if kernel.AllWithin(values, 10) {
					t.Errorf("n = %d: %v at %d goes unseen", n, bad, at)
				}
			}
			values[at] = kept
		}
	}
}
