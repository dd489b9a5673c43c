package drift_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/drift"
)

// numericModel returns a model of numeric features, uniform from 0 to 1, in ten bins each.
func numericModel(features int) *modelv1.Model {
	m := &modelv1.Model{
		Name: "uniform", Version: "v1.0.0", Signature: new(modelv1.Signature), Classes: []string{"a", "b", "c"},
		Reference: &modelv1.ReferenceProfile{Rows: 10000, PredictedClassShares: []float64{0.5, 0.25, 0.25}, MeanConfidence: 0.75},
	}
	least, most := 0.0, 1.0
	for j := range features {
		m.Signature.Features = append(m.Signature.Features, &modelv1.Feature{
			Name: fmt.Sprint("x", j),
			Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{Min: &least, Max: &most}},
		})
		profile := new(modelv1.FeatureProfile)
		for i := range 10 {
			if i > 0 {
				profile.Edges = append(profile.Edges, float64(i)/10)
			}
			profile.Shares = append(profile.Shares, 0.1)
		}
		m.Reference.Features = append(m.Reference.Features, profile)
	}
	return m
}

func uniformRows(random *rand.Rand, rows, features int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, features)
		for j := range out[i] {
			out[i][j] = random.Float64()
		}
	}
	return out
}

func BenchmarkAdd(b *testing.B) {
	for _, features := range []int{4, 30, 784} {
		w := drift.NewWindow(numericModel(features), drift.Options{})
		rows := uniformRows(rand.New(rand.NewPCG(1, 2)), 1024, features)
		b.Run(fmt.Sprintf("single/%d", features), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				w.Add(rows[i%len(rows)], nil, i%3, 0.9)
				i++
			}
		})
		b.Run(fmt.Sprintf("parallel/%d", features), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					w.Add(rows[i%len(rows)], nil, i%3, 0.9)
				}
			})
		})
		b.Run(fmt.Sprintf("batch of 256/%d", features), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch := w.Batch()
				for i := range 256 {
					batch.Add(rows[i], nil, i%3, 0.9)
				}
				batch.Flush()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/row")
		})
		classes, confidences, values := make([]int, 128), make([]float64, 128), slices.Concat(rows[:128]...)
		b.Run(fmt.Sprintf("rows/%d", features), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch := w.Batch()
				batch.AddRows(values, classes, confidences)
				batch.AddRows(values, classes, confidences)
				batch.Flush()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/row")
		})
	}
}
