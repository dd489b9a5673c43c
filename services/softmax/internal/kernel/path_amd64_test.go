//go:build !purego

package kernel_test

import (
	"math"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// results is what all functions make of the same numbers, some of them in the last bits a sign of
// the path.
func results(t *testing.T) []float64 {
	r := random(50)
	const rows, features, classes, ld = 67, 13, 7, 8
	x, w, z := normals(t, r, rows*features, 1), normals(t, r, features*ld, 1), make([]float64, rows*ld)
	single := make([]float32, len(x))
	labels, ones := make([]int32, rows), make([]int32, rows)
	for i := range labels {
		labels[i], ones[i] = int32(i%classes), int32(i%2)
	}
	for i, v := range x {
		single[i] = float32(v)
	}
	kernel.MulAdd(z, ld, x, features, 1, w, ld, rows, ld, features)
	kernel.MulAdd32(z, ld, single, features, 1, w, ld, rows, ld, features)
	all := slices.Clone(z)
	kernel.MulAdd(z, 2, x, features, 1, w, 2, rows, 2, features)
	all = append(all, z...)
	p := slices.Clone(z)
	all = append(all, kernel.CrossEntropy(z, ld, rows, classes, labels, x[:rows], p))
	all = append(all, z...)
	all = append(all, p...)
	u := normals(t, r, len(p), 1)
	kernel.Curve(u, p, ld, rows, classes, nil)
	all = append(all, u...)
	kernel.SoftmaxRows(u, ld, rows, classes)
	all = append(all, u...)
	curvature := make([]float64, rows)
	all = append(all, kernel.Logistic(x[:rows], ones, nil, curvature))
	all = append(all, curvature...)
	g := make([]float64, features*features)
	kernel.Gram(g, features, x, features, rows, features, curvature, make([]float64, kernel.GramScratch(features)))
	moments := kernel.Moments{
		About: x[:features], Unit: x[features : 2*features], Sum: make([]float64, features),
		Square: make([]float64, features), Low: make([]float64, features), High: make([]float64, features),
	}
	moments.Add(x, features, curvature)
	all = append(append(append(append(all, moments.Sum...), moments.Square...), moments.Low...), moments.High...)
	kernel.Exp(w, w)
	all = append(all, w...)
	kernel.AddScaled(x, 1.25, slices.Clone(x))
	kernel.ScaleAdd(x, 0.75, slices.Clone(x))
	return append(append(all, g...), append(x, kernel.Dot(x, x))...)
}

// Not parallel: it takes the processor's features away for a while.
func TestPaths(t *testing.T) {
	had := cpu.X86.HasFMA
	assembly := cpu.X86.HasAVX2 && had
	first := results(t)
	cpu.X86.HasFMA = false
	portable := results(t)
	cpu.X86.HasFMA = had
	different := 0
	for i, v := range first {
		if math.Abs(v-portable[i]) > 1e-10*(1+math.Abs(v)) {
			t.Errorf("result %d is %v, by the portable path %v", i, v, portable[i])
		}
		if v != portable[i] {
			different++
		}
	}
	t.Logf("AVX2 and FMA: %t; %d of %d results differ in their last bits", assembly, different, len(first))
	// Sums by fused steps cannot all end in the bits of those by single ones.
	if assembly != (different > len(first)/20) {
		t.Errorf("with AVX2 and FMA %t, %d of %d results differ from the portable path's", assembly, different, len(first))
	}
	if !slices.Equal(first, results(t)) {
		t.Error("a second run gives other bits")
	}
}
