package trainer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

func TestQuantileBins(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i)
	}
	tied := slices.Concat(hundred[:15], slices.Repeat([]float64{100}, 8), slices.Repeat([]float64{200}, 23))
	for v := 201.0; len(tied) < 200; v++ {
		tied = append(tied, v)
	}
	tests := []struct {
		name   string
		sorted []float64
		edges  []float64
		counts []int
	}{
		{"deciles", hundred, []float64{10, 20, 30, 40, 50, 60, 70, 80, 90}, []int{10, 10, 10, 10, 10, 10, 10, 10, 10, 10}},
		{"a constant", []float64{7, 7, 7}, nil, []int{3}},
		{"two values", []float64{0, 0, 0, 1, 1}, []float64{1}, []int{3, 2}},
		{"one value often", []float64{0, 5, 5, 5, 5, 5, 5, 5, 5, 9}, []float64{5, 9}, []int{1, 8, 1}},
		{"few values", []float64{1, 2, 3}, []float64{2, 3}, []int{1, 1, 1}},
		{"one row", []float64{1}, nil, []int{1}},
		{"a bin too small", tied, []float64{100, 215, 235, 255, 275, 295, 315, 335}, []int{15, 45, 20, 20, 20, 20, 20, 20, 20}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			edges := quantileEdges(column{values: test.sorted}, 10)
			if !slices.Equal(edges, test.edges) {
				t.Errorf("edges are %v, expected %v", edges, test.edges)
			}
			if counts := countBins(column{values: test.sorted}, edges); !slices.Equal(counts, test.counts) {
				t.Errorf("counts are %v, expected %v", counts, test.counts)
			}
		})
	}
}

func TestProfileLeavesMissingValuesOut(t *testing.T) {
	t.Parallel()
	table := tableOf(t, gappy)
	reference := train(t, options(), table).Model.GetReference()
	if reference.GetRows() != 11 {
		t.Errorf("profiled are %d rows, expected 11", reference.GetRows())
	}
	number, category := reference.GetFeatures()[0], reference.GetFeatures()[1]
	if want := []float64{4}; !slices.Equal(number.GetEdges(), want) { // few rows: two bins
		t.Errorf("edges are %v, expected %v", number.GetEdges(), want)
	}
	expectNear(t, "shares of the number", number.GetShares(), 4.0/9, 5.0/9)
	expectNear(t, "shares of the category", category.GetShares(), 3.0/9, 2.0/9, 4.0/9)
	expectNear(t, "missing shares", []float64{number.GetMissingShare(), category.GetMissingShare()}, 2.0/11, 2.0/11)
}

func TestBinsHaveEnoughRows(t *testing.T) {
	t.Parallel()
	for values, want := range map[int]int{0: 2, 1: 2, 29: 2, 45: 3, 149: 9, 150: 10, 1_000_000: 10} {
		if got := binsFor(values); got != want {
			t.Errorf("%d values get %d bins, expected %d", values, got, want)
		}
	}
	reference := train(t, options(), irisTable(t)).Model.GetReference()
	for j, f := range reference.GetFeatures() {
		if least := slices.Min(f.GetShares()) * 150; least < 9.9 || len(f.GetShares()) < 7 {
			t.Errorf("feature %d of iris has %d bins, the least of %v rows", j, len(f.GetShares()), least)
		}
	}
}

func TestProfileCountsPredictions(t *testing.T) {
	t.Parallel()
	table := tableOf(t, gappy)
	m := train(t, options(), table).Model
	_, compiled := decode(t, m)
	shares, confidence := make([]float64, 3), 0.0
	probabilities := make([]float64, 3)
	for i := range table.Len() {
		predicted, err := compiled.Predict(probabilities, table.Row(i))
		if err != nil {
			t.Fatal(err)
		}
		shares[predicted] += 1.0 / 11
		confidence += probabilities[predicted] / 11
	}
	expectNear(t, "predicted class shares", m.GetReference().GetPredictedClassShares(), shares...)
	expectNear(t, "mean confidence", []float64{m.GetReference().GetMeanConfidence()}, confidence)
}

func TestGoldenRows(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("x,y\n")
	for i := range 40 {
		fmt.Fprintf(&many, "%d,%d\n", i, i%10)
	}
	features := func(rows []*modelv1.GoldenRow) string {
		var text strings.Builder
		for _, row := range rows {
			fmt.Fprint(&text, row.GetFeatures())
		}
		return text.String()
	}
	// The first row of each class, then medians and most frequent categories.
	if got, want := features(train(t, options(), tableOf(t, gappy)).Model.GetGoldenRows()), "[1 2][3 0][5 1][4 2]"; got != want {
		t.Errorf("golden rows are %s, expected %s", got, want)
	}
	if got, want := features(train(t, options(), tableOf(t, many.String())).Model.GetGoldenRows()), "[0][1][2][3][4][5][6][7][19.5]"; got != want {
		t.Errorf("golden rows are %s, expected %s", got, want)
	}
}

func expectNear(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	if !slices.EqualFunc(got, want, near) {
		t.Errorf("%s are %v, expected %v", what, got, want)
	}
}
