package solver

import (
	"math"
	"testing"
)

// gramOf returns a random positive definite matrix.
func gramOf(n int, seed uint64) []float64 {
	r := random(seed)
	half := make([]float64, n*n)
	for i := range half {
		half[i] = r.NormFloat64()
	}
	a := make([]float64, n*n)
	for i := range n {
		for j := range n {
			a[i*n+j] = dot(half[i*n:(i+1)*n], half[j*n:(j+1)*n])
		}
		a[i*n+i] += 0.1
	}
	return a
}

func TestCholeskySolves(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 5, panel - 1, panel, panel + 1, 3 * panel, 131} {
		a := gramOf(n, uint64(n))
		c := factorise(a, n, 0)
		for i := range n {
			for j := range i + 1 {
				got := dot(c.factor[i*n:i*n+j+1], c.factor[j*n:j*n+j+1])
				if math.Abs(got-a[i*n+j]) > 1e-12*float64(n)*math.Sqrt(a[i*n+i]*a[j*n+j]) {
					t.Fatalf("n = %d: element %d, %d of the product is %v, expected %v", n, i, j, got, a[i*n+j])
				}
			}
		}
		want := make([]float64, n)
		r := random(5)
		for i := range want {
			want[i] = r.NormFloat64()
		}
		x := make([]float64, n)
		for i := range x {
			x[i] = dot(a[i*n:(i+1)*n], want)
		}
		c.solve(x)
		if off := farthest(x, want); off > 1e-7 {
			t.Errorf("n = %d: the solution is off by %v", n, off)
		}
	}
}

// A matrix that is singular, or by rounding a little worse, is given a little of its diagonal.
func TestCholeskyOfSingularMatrices(t *testing.T) {
	t.Parallel()
	for name, a := range map[string][]float64{
		"ones":       {1, 1, 1, 1, 1, 1, 1, 1, 1},
		"indefinite": {1, 1 + 1e-9, 0, 1 + 1e-9, 1, 0, 0, 0, 1},
		"empty":      {0, 0, 0, 0, 2, 1, 0, 1, 2},
	} {
		c := factorise(a, 3, 1e-12)
		x := []float64{1, 1, 1}
		c.solve(x)
		if !finite(x) {
			t.Errorf("%s: solution %v", name, x)
		}
	}
}
