package trainer

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// sparsely returns the same table without its zeros.
func sparsely(table *dataset.Table) *dataset.Table {
	out, p := *table, table.Signature.Len()
	out.Rows, out.Missing = nil, nil
	out.Sparse = &softmax.Sparse{Start: []int{0}}
	for i := range table.Len() {
		for j, v := range table.Rows[i*p : (i+1)*p] {
			if v != 0 {
				out.Sparse.Columns = append(out.Sparse.Columns, int32(j))
				out.Sparse.Values = append(out.Sparse.Values, v)
			}
		}
		out.Sparse.Start = append(out.Sparse.Start, len(out.Sparse.Values))
	}
	return &out
}

// holes is a table of numbers that are mostly 0.
func holes(t *testing.T) *dataset.Table {
	t.Helper()
	var text strings.Builder
	text.WriteString("a,b,c,d,e,y\n")
	for i := range 120 {
		row := [5]int{}
		row[i%5] = i%7 - 3
		row[(i*i)%5] = i % 4
		fmt.Fprintf(&text, "%d,%d,%d,%d,%d,%c\n", row[0], row[1], row[2], row[3], row[4], "xyz"[(row[0]+2*row[1]+i/3+9)%3])
	}
	return tableOf(t, text.String())
}

func TestSparseRowsGiveTheModelOfDenseOnes(t *testing.T) {
	t.Parallel()
	dense := holes(t)
	for _, standardise := range []bool{false, true} {
		o := options()
		o.Standardise, o.Grid, o.Calibrate = standardise, []float64{0.1, 1}, true
		want, got := train(t, o, dense), train(t, o, sparsely(dense))
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-7*max(1, math.Abs(a)) }
		ignored := protocmp.IgnoreFields(&modelv1.TrainingReport{}, "solver", "iterations", "passes", "gradient_max", "objective_gap")
		golden := protocmp.IgnoreFields(&modelv1.Model{}, "golden_rows") // the typical row is another
		if diff := cmp.Diff(want.Model, got.Model, protocmp.Transform(), ignored, golden, cmp.Comparer(near)); diff != "" {
			t.Errorf("standardised %v: model (-dense +sparse):\n%s", standardise, diff)
		}
		if diff := cmp.Diff(want.Largest, got.Largest, cmp.Comparer(near)); diff != "" {
			t.Errorf("standardised %v: largest weights (-dense +sparse):\n%s", standardise, diff)
		}
		if rows := got.Model.GetGoldenRows(); len(rows) != 4 || !slicesEqual(rows[0].GetFeatures(), want.Model.GetGoldenRows()[0].GetFeatures()) {
			t.Errorf("golden rows are %v", rows)
		}
		decode(t, got.Model)
	}
}

func slicesEqual(a, b []float64) bool { return cmp.Equal(a, b) }

func TestWideTablesHaveNoProfile(t *testing.T) {
	t.Parallel()
	const p = maxProfiled + 1
	features := make([]softmax.Feature, p)
	for j := range features {
		features[j].Name = fmt.Sprintf("f%d", j+1)
	}
	signature, err := softmax.NewSignature(features)
	if err != nil {
		t.Fatal(err)
	}
	table := &dataset.Table{Signature: signature, Classes: []string{"a", "b"}, Sparse: &softmax.Sparse{Start: []int{0}}}
	for i := range 40 {
		table.Sparse.Columns = append(table.Sparse.Columns, int32(i%7), int32(1000+i))
		table.Sparse.Values = append(table.Sparse.Values, 1, float64(i))
		table.Sparse.Start = append(table.Sparse.Start, 2*(i+1))
		table.Labels = append(table.Labels, (i/3)%2)
	}
	result := train(t, options(), table)
	if result.Model.Reference != nil || len(result.Notes) != 1 || !strings.Contains(result.Notes[0], "2001 features") {
		t.Errorf("the profile is %v, the notes %q", result.Model.GetReference(), result.Notes)
	}
	if rows := result.Model.GetGoldenRows(); len(rows) != 3 || len(rows[0].GetFeatures()) != p {
		t.Errorf("there are %d golden rows", len(rows))
	}
	decode(t, result.Model)
}

func TestASparseRowThatOverflowsIsNamed(t *testing.T) {
	t.Parallel()
	rows := &softmax.Sparse{Start: []int{0, 0, 1, 2}, Columns: []int32{0, 0}, Values: []float64{1, 1e300}}
	err := predictAll(t.Context(), steep(t, 1e100), softmax.Samples{Sparse: rows, Labels: []int{0, 0, 0}}, func(int, []float64, int) {})
	if err == nil || !strings.HasPrefix(err.Error(), "row 3 of the data makes the logit") {
		t.Errorf("error is %v", err)
	}
}
