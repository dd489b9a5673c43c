package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"
)

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// normals returns n values that end where what may be read ends.
func normals(t testing.TB, r *rand.Rand, n int, scale float64) []float64 {
	values := guarded(t, n)
	for i := range values {
		values[i] = scale * r.NormFloat64()
	}
	return values
}

// same reports whether two values are the same, or within the relative distance of one another.
func same(a, b, relative float64) bool {
	return a == b || a != a && b != b || math.Abs(a-b) <= relative*max(math.Abs(a), math.Abs(b))
}

func wantPanic(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != text {
			t.Errorf("panic %v, expected %q", got, text)
		}
	}()
	f()
}
