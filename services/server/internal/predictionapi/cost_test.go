package predictionapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/softmax"
)

// TestMatrixCost shows that a matrix costs its answer and little else, whatever its size.
func TestMatrixCost(t *testing.T) { //nolint:paralleltest // counts what the whole process allocates
	const columns, classes = 4, 3
	a := assigned{version: newVersion(t, columns, classes)}
	for _, all := range []bool{false, true} {
		for _, rows := range []int{1, 1000, 100_000} {
			request := &predictionv1.BatchPredictRequest{
				Matrix:        &predictionv1.Matrix{Columns: columns, FloatValues: make([]float32, rows*columns)},
				Probabilities: all,
			}
			if !all {
				request.Matrix = &predictionv1.Matrix{Columns: columns, Values: make([]float64, rows*columns)}
			}
			answer := func() {
				b := &batch{assigned: a, request: request, scorer: newMatrixScorer(a, request, 1)}
				if err := b.answer(context.Background(), new(predictionv1.BatchPredictResponse), 0, b.rows()); err != nil {
					t.Error(err)
				}
			}
			if allocations := testing.AllocsPerRun(5, answer); allocations > 12 {
				t.Errorf("%d rows, probabilities %v: %v allocations, want at most 12", rows, all, allocations)
			}
			size := rows * (4 + 8)
			if all {
				size += rows * classes * 8
			}
			// Large blocks are whole pages.
			if got, want := allocated(answer), size+3*8192; got > want {
				t.Errorf("%d rows, probabilities %v: %d bytes allocated, want at most %d", rows, all, got, want)
			}
		}
	}
}

// TestBadMatrixCost shows that what a matrix of bad rows costs is bounded.
func TestBadMatrixCost(t *testing.T) { //nolint:paralleltest // counts what the whole process allocates
	const rows, detailed = 100_000, 100
	a := assigned{version: newVersion(t, 1, 2)}
	request := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 1, Values: make([]float64, rows)}}
	for i := range request.Matrix.Values {
		request.Matrix.Values[i] = math.NaN()
	}
	response := new(predictionv1.BatchPredictResponse)
	spent := allocated(func() {
		b := &batch{assigned: a, request: request, scorer: newMatrixScorer(a, request, detailed)}
		if err := b.answer(context.Background(), response, 0, rows); err != nil {
			t.Error(err)
		}
	})
	refused := response.GetMatrix().GetErrors()
	if len(refused) != rows {
		t.Fatalf("%d errors, want %d", len(refused), rows)
	}
	for i, e := range refused {
		want := fmt.Sprintf("matrix.values[%d] is NaN, expected a finite number for x0", i)
		if i >= detailed {
			want = "does not fit, as rows before it"
		}
		if int(e.GetRow()) != i || e.GetError().GetCode() != "invalid_argument" || e.GetError().GetMessage() != want {
			t.Fatalf("error %d: %v, want %s", i, e, want)
		}
	}
	if most := rows * 320; spent > most {
		t.Errorf("%d bytes allocated, want at most %d", spent, most)
	}
}

// TestBatchStops shows that no form goes on for a client who has left.
func TestBatchStops(t *testing.T) {
	t.Parallel()
	a := assigned{version: newVersion(t, 4, 3)}
	rows := &rowScorer{source: []*predictionv1.Row{{Features: make([]float64, 4)}}}
	rows.predictor.prepare(a, nil, false)
	request := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4, Values: make([]float64, 4)}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, b := range map[string]*batch{
		"rows":   {assigned: a, scorer: rows},
		"matrix": {assigned: a, scorer: newMatrixScorer(a, request, 1)},
	} {
		response := new(predictionv1.BatchPredictResponse)
		if err := b.answer(ctx, response, 0, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if err := b.answer(t.Context(), response, 0, 1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMessageCost shows that a message of a stream that follows one of the same version costs
// no memory before it is written.
func TestMessageCost(t *testing.T) { //nolint:paralleltest // counts what the whole process allocates
	a := assigned{version: newVersion(t, 4, 3), variant: "stable"}
	var p predictor
	response, request := new(predictionv1.PredictResponse), &predictionv1.PredictRequest{Features: make([]float64, 4)}
	if allocations := testing.AllocsPerRun(100, func() {
		p.prepare(a, request.TopK, request.GetExplain())
		if violations := p.predict(context.Background(), response, request, ""); violations != nil {
			t.Error(violations)
		}
	}); allocations > 0 {
		t.Errorf("%v allocations, want none", allocations)
	}
}

func BenchmarkMatrix(b *testing.B) {
	for _, shape := range []struct{ columns, classes int }{{4, 3}, {30, 2}, {100, 3}} {
		b.Run(fmt.Sprintf("%dx%d", shape.columns, shape.classes), func(b *testing.B) {
			const rows = 10_000
			a := assigned{version: newVersion(b, shape.columns, shape.classes)}
			request := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{
				Columns: uint32(shape.columns), Values: make([]float64, rows*shape.columns),
			}}
			for i := range request.Matrix.Values {
				request.Matrix.Values[i] = float64(i%7) / 7
			}
			b.ReportAllocs()
			for b.Loop() {
				m := &batch{assigned: a, request: request, scorer: newMatrixScorer(a, request, 1)}
				if err := m.answer(context.Background(), new(predictionv1.BatchPredictResponse), 0, rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

func newVersion(tb testing.TB, columns, classes int) *registry.Version {
	tb.Helper()
	features := make([]softmax.Feature, columns)
	for j := range features {
		features[j].Name = fmt.Sprintf("x%d", j)
	}
	signature, err := softmax.NewSignature(features)
	if err != nil {
		tb.Fatal(err)
	}
	d := softmax.Definition{
		Signature:  signature,
		Weights:    make([]float64, columns*classes),
		Intercepts: make([]float64, classes),
	}
	for i := range d.Weights {
		d.Weights[i] = float64(i%5) - 2
	}
	for k := range classes {
		d.Classes = append(d.Classes, fmt.Sprintf("class%d", k))
	}
	model, err := softmax.NewModel(d)
	if err != nil {
		tb.Fatal(err)
	}
	return &registry.Version{Model: "m", Version: "v1.0.0", Compiled: model}
}
