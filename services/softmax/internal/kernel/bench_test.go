package kernel_test

import (
	"fmt"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// BenchmarkMulAdd is of the products of training: rows × features times features × classes, the
// same transposed, and a block of a Gram matrix.
func BenchmarkMulAdd(b *testing.B) {
	for _, shape := range []struct{ features, classes, rows int }{{4, 4, 1024}, {30, 4, 1024}, {54, 8, 512}, {784, 12, 40}, {64, 12, 512}} {
		r := random(10)
		d, n, rows := shape.features, shape.classes, shape.rows
		x, w, z := normals(b, r, rows*d, 1), normals(b, r, d*n, 1), normals(b, r, rows*n, 1)
		flops := float64(2 * rows * d * n)
		b.Run(fmt.Sprintf("forward/%dx%d", d, n), func(b *testing.B) {
			for b.Loop() {
				kernel.MulAdd(z, n, x, d, 1, w, n, rows, n, d)
			}
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GF/s")
		})
		b.Run(fmt.Sprintf("gradient/%dx%d", d, n), func(b *testing.B) {
			for b.Loop() {
				kernel.MulAdd(w, n, x, 1, d, z, n, d, n, rows)
			}
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GF/s")
		})
		single := make([]float32, len(x))
		b.Run(fmt.Sprintf("forward32/%dx%d", d, n), func(b *testing.B) {
			for b.Loop() {
				kernel.MulAdd32(z, n, single, d, 1, w, n, rows, n, d)
			}
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GF/s")
		})
	}
}

func BenchmarkGram(b *testing.B) {
	for _, d := range []int{30, 54, 384, 784} {
		b.Run(fmt.Sprint(d), func(b *testing.B) {
			const rows = 256
			r := random(11)
			x, g, weights := normals(b, r, rows*d, 1), normals(b, r, d*d, 1), normals(b, r, rows, 1)
			scratch := make([]float64, kernel.GramScratch(d))
			for b.Loop() {
				kernel.Gram(g, d, x, d, rows, d, weights, scratch)
			}
			b.ReportMetric(float64(rows*d*(d+1))*float64(b.N)/b.Elapsed().Seconds()/1e9, "GF/s")
		})
	}
}

// BenchmarkRows reports the time per row, of the last four per value. Where the logits are
// overwritten, it contains the time of copying them.
func BenchmarkRows(b *testing.B) {
	const rows = 512
	r := random(12)
	logits := normals(b, r, rows*12, 3)
	labels, classes := make([]int32, rows), []int{2, 3, 7, 10, 100}
	for i := range labels {
		labels[i] = int32(i % 2)
	}
	z, p := normals(b, r, rows*100, 3), normals(b, r, rows*100, 3)
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
	for _, k := range classes {
		ld := kernel.Pad(k)
		run(fmt.Sprintf("softmax/%d", k), func() { copy(z, logits[:rows*min(ld, 12)]); kernel.SoftmaxRows(z, ld, rows, k) })
		run(fmt.Sprintf("cross-entropy/%d", k), func() { copy(z, logits[:rows*min(ld, 12)]); kernel.CrossEntropy(z, ld, rows, k, labels, nil, nil) })
		run(fmt.Sprintf("curve/%d", k), func() { kernel.Curve(z, p, ld, rows, k, nil) })
	}
	run("logistic", func() { copy(z, logits[:rows]); kernel.Logistic(z[:rows], labels, nil, p[:rows]) })
	run("exp", func() { kernel.Exp(p[:rows], z[:rows]) })
	run("dot", func() { kernel.Dot(p[:rows], z[:rows]) })
	run("add-scaled", func() { kernel.AddScaled(p[:rows], 1e-9, z[:rows]) })
}
