package softmax_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

var shapes = []struct{ features, classes int }{{4, 3}, {30, 2}, {784, 10}}

func BenchmarkPredict(b *testing.B) {
	for _, shape := range shapes {
		b.Run(fmt.Sprintf("%dx%d", shape.features, shape.classes), func(b *testing.B) {
			r := random(50)
			m := randomModel(b, r, numeric(shape.features), shape.classes)
			row, dst := normals(r, shape.features, 1), make([]float64, shape.classes)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Predict(dst, row); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPredictBatch reports the time per row, on one core and on all.
func BenchmarkPredictBatch(b *testing.B) {
	for _, shape := range []struct{ features, classes, rows int }{{4, 3, 100_000}, {30, 2, 100_000}, {54, 7, 50_000}, {784, 10, 10_000}} {
		r := random(53)
		m := randomModel(b, r, numeric(shape.features), shape.classes)
		rows := normals(r, shape.rows*shape.features, 1)
		probabilities, classes := make([]float64, shape.rows*shape.classes), make([]int, shape.rows)
		for _, cores := range []int{1, runtime.NumCPU()} {
			b.Run(fmt.Sprintf("%dx%d/cores=%d", shape.features, shape.classes, cores), func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
				for b.Loop() {
					if err := m.PredictBatch(probabilities, classes, rows); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(shape.rows), "ns/row")
			})
		}
	}
}

func BenchmarkPredictOneVsRest(b *testing.B) {
	r := random(52)
	d := randomModel(b, r, numeric(4), 3).Definition()
	d.Link = softmax.LinkOneVsRest
	m := newModel(b, d)
	row, dst := normals(r, 4, 1), make([]float64, 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(dst, row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExplain(b *testing.B) {
	r := random(51)
	m := randomModel(b, r, mixed(), 3)
	row, dst := mixedRow(r), make([]float64, 4)
	b.ReportAllocs()
	for b.Loop() {
		m.Explain(dst, row, 0, 1)
	}
}

func BenchmarkFit(b *testing.B) {
	for _, name := range []string{"iris", "breast_cancer", "breast_cancer_std"} {
		b.Run(name, func(b *testing.B) {
			data := readTable(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := softmax.Fit(context.Background(), data.signature, data.classes, data.samples, softmax.FitOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
