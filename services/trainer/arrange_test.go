package trainer

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

func TestPermuteAndBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 1))
	for n := range 40 {
		order := random.Perm(n)
		values := make([]int, 2*n)
		for i := range values {
			values[i] = i
		}
		moved := slices.Clone(values)
		permute(moved, 2, order, nil)
		for i, from := range order {
			if moved[2*i] != 2*from || moved[2*i+1] != 2*from+1 {
				t.Fatalf("order %v gives %v", order, moved)
			}
		}
		unpermute(moved, 2, order, nil)
		if !slices.Equal(moved, values) {
			t.Fatalf("order %v is taken back to %v", order, moved)
		}
	}
}

func TestTheTableIsAsItWas(t *testing.T) {
	t.Parallel()
	table := tableOf(t, gappy)
	table.Weights = slices.Repeat([]float64{1}, table.Len())
	table.Weights[3] = 2
	rows, labels, weights := slices.Clone(table.Rows), slices.Clone(table.Labels), slices.Clone(table.Weights)
	o := options()
	o.Grid, o.Calibrate = []float64{0.1, 1}, true
	train(t, o, table)
	if !slices.Equal(table.Rows, rows) || !slices.Equal(table.Labels, labels) || !slices.Equal(table.Weights, weights) {
		t.Error("the table changed")
	}
	o.MaxIterations = 1
	if _, err := Train(t.Context(), o, table); err == nil {
		t.Fatal("a fit of one iteration converges")
	}
	if !slices.Equal(table.Rows, rows) || !slices.Equal(table.Labels, labels) {
		t.Error("the table changed when the training failed")
	}
}

func TestASplitThatIsNotWantedMovesNothing(t *testing.T) {
	t.Parallel()
	table := tableOf(t, gappy)
	rows := slices.Clone(table.Rows)
	ended := false
	a := arrangement{table: table, ended: func() bool { return ended }}
	a.split([]int{5, 1, 2}, []int{3, 4})
	moved := slices.Clone(table.Rows)
	if slices.Equal(moved, rows) {
		t.Fatal("a split that is wanted moves nothing")
	}
	ended = true
	a.restore()
	if !slices.Equal(table.Rows, moved) {
		t.Error("rows are moved back that nobody wants any more")
	}
	b := arrangement{table: table, ended: func() bool { return true }}
	b.split([]int{0, 1, 2}, []int{3, 4})
	if !slices.Equal(table.Rows, moved) {
		t.Error("rows are moved that nobody wants any more")
	}
}

func TestASplitIsAsByHand(t *testing.T) {
	t.Parallel()
	table := tableOf(t, gappy)
	train, held := []int{0, 2, 3, 6, 7, 9}, []int{1, 5, 8}
	want, wantHeld := byHand(table, train, train), byHand(table, train, held)
	a := arrangement{table: table}
	for range 2 { // from the table's order, and from that of a split
		fit, check := a.split(train, held)
		if !slices.Equal(fit.Rows, want.Rows) || !slices.Equal(fit.Labels, want.Labels) ||
			!slices.Equal(check.Rows, wantHeld.Rows) || !slices.Equal(check.Labels, wantHeld.Labels) {
			t.Errorf("the split is %v and %v, expected %v and %v", fit, check, want, wantHeld)
		}
		a.split(held, train)
	}
}

func TestAStandInOfTheSchemaStays(t *testing.T) {
	t.Parallel()
	given := 40.0
	schema, err := softmax.NewSignature([]softmax.Feature{{Name: "x", Impute: &given}, {Name: "c", Categories: []string{"blue", "green", "red"}}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := dataset.Read(t.Context(), strings.NewReader(gappy), "data.csv", dataset.Options{Label: "y", Impute: true, Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	a := arrangement{table: table}
	fit, _ := a.split([]int{0, 2, 3, 6, 7, 9}, []int{1, 5, 8})
	if fit.Rows[2] != given {
		t.Errorf("the missing value of row 2 is %v, expected the schema's, %v", fit.Rows[2], given)
	}
}

// TestASplitIsNoCopy is not parallel: it counts the bytes of the whole process.
func TestASplitIsNoCopy(t *testing.T) {
	const n, p = 20_000, 40
	features := make([]softmax.Feature, p)
	for j := range features {
		features[j].Name = string(rune('a'+j%26)) + string(rune('a'+j/26))
	}
	signature, err := softmax.NewSignature(features)
	if err != nil {
		t.Fatal(err)
	}
	table := &dataset.Table{
		Signature: signature, Rows: make([]float64, n*p), Labels: make([]int, n), Missing: make([][]int, p), Classes: []string{"a", "b"},
	}
	var train, held []int
	for i := range n {
		if i%5 == 0 {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	a := arrangement{table: table}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	a.split(train, held)
	a.restore()
	runtime.ReadMemStats(&after)
	if used, data := after.TotalAlloc-before.TotalAlloc, uint64(8*n*p); used > data/10 {
		t.Errorf("a split of %d bytes allocates %d", data, used)
	}
}
