package solver

import (
	"context"
	"math"
	"slices"
	"testing"
)

// Rows whose logits are too many are taken a chunk after another, with the same sums.
func TestChunksOfSparseRows(t *testing.T) {
	t.Parallel()
	sh := shape{rows: 9000, features: 90, classes: 3, form: sparseRows, weighted: true}
	whole, cut := problem(t, config(sh)), problem(t, config(sh))
	x := point(whole, 1, 0.3)
	value, gradient := evaluate(t, whole, x)
	if len(whole.chunks) != 1 {
		t.Fatalf("%d chunks", len(whole.chunks))
	}
	evaluate(t, cut, x)
	chunks, err := cut.newChunks(t.Context(), 2*cut.plan.block*cut.ld)
	if err != nil {
		t.Fatal(err)
	}
	cut.chunks = chunks
	if len(cut.chunks) < 2 || cut.chunks[0].last-cut.chunks[0].first != 2*cut.plan.block {
		t.Fatalf("%d chunks, the first of %d rows", len(cut.chunks), cut.chunks[0].last)
	}
	again, other := evaluate(t, cut, x)
	if math.Abs(again-value) > 1e-14*value || farthest(other, gradient) > 1e-15 {
		t.Errorf("value %v, expected %v; gradients %v apart", again, value, farthest(other, gradient))
	}
}

func TestTransposedRows(t *testing.T) {
	t.Parallel()
	s := &Sparse{
		Width: 4,
		Start: []int{0, 2, 2, 5, 6}, Columns: []int32{0, 3, 0, 1, 3, 1}, Values: []float64{1, 2, 3, 4, 5, 6},
	}
	c := chunk{first: 1, last: 4}
	if err := c.transpose(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.columns.Start, []int{0, 1, 3, 3, 4}) || !slices.Equal(c.columns.Columns, []int32{1, 1, 2, 1}) ||
		!slices.Equal(c.columns.Values, []float64{3, 4, 6, 5}) {
		t.Errorf("columns %+v", c.columns)
	}
	if c.parts[0] != 0 || c.parts[len(c.parts)-1] != 4 || !slices.IsSorted(c.parts) {
		t.Errorf("cut at %v", c.parts)
	}
}

func TestPreparingSparseRowsStopsWithItsContext(t *testing.T) {
	t.Parallel()
	p := problem(t, config(shape{rows: 3000, features: 90, classes: 3, form: sparseRows}))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.newChunks(ended, betweenValues); err != context.Canceled {
		t.Errorf("making chunks: %v, expected that it was cancelled", err)
	}
	if _, err := p.measureSparse(ended, true); err != context.Canceled {
		t.Errorf("measuring: %v, expected that it was cancelled", err)
	}
	shares := 0
	p.sparseMoments(ended, func(int) float64 { shares++; return 0 })
	if shares > 0 {
		t.Errorf("the moments of %d rows were taken after the context had ended", shares)
	}
}

func TestNarrowSparseRowsAreMadeDense(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		features, classes int
		dense             bool
	}{
		{narrowWidth, 4, true},
		{narrowWidth, 5, false},
		{narrowWidth + 1, 2, false},
		{7, 100, true}, // two values in seven are not few
		{9, 100, false},
	} {
		r := &Sparse{Width: test.features, Start: []int{0, 2, 4}, Columns: []int32{0, 1, 5, 6}, Values: []float64{1, 1, 2, 2}}
		if r.dense(test.classes) != test.dense {
			t.Errorf("%+v: made dense %v", test, !test.dense)
		}
		got := unpacked{r}.Block(make([]float64, 2*test.features), 0, 2)
		if got[1] != 1 || got[test.features+5] != 2 || dot(got, got) != 10 {
			t.Errorf("%+v: rows %v", test, got)
		}
	}
}
