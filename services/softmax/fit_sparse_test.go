package softmax_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// thinned returns the table with most values 0, and the same as sparse rows.
func thinned(t testing.TB, r *rand.Rand, n, p, classes int) (dense, sparse table) {
	t.Helper()
	dense = noisy(t, r, n, p, classes, 1)
	rows := &softmax.Sparse{Start: []int{0}}
	for i, v := range dense.samples.Rows {
		if r.IntN(5) > 0 {
			dense.samples.Rows[i] = 0
		} else {
			rows.Columns, rows.Values = append(rows.Columns, int32(i%p)), append(rows.Values, v)
		}
		if i%p == p-1 {
			rows.Start = append(rows.Start, len(rows.Values))
		}
	}
	sparse = dense
	sparse.samples = softmax.Samples{Sparse: rows, Labels: dense.samples.Labels}
	return dense, sparse
}

// Sparse rows are other words for dense ones, whether they are few columns or many.
func TestSparseRowsFitAsDenseOnes(t *testing.T) {
	t.Parallel()
	r := random(70)
	for _, p := range []int{10, 100} {
		for _, classes := range []int{2, 4} {
			dense, sparse := thinned(t, r, 300, p, classes)
			for _, options := range []softmax.FitOptions{{}, {NoIntercept: true, C: 0.1}, {Standardise: true, Workers: 3}} {
				a, b := sparse.fit(t, options), dense.fit(t, options)
				got, want := a.Model.Definition(), b.Model.Definition()
				off := max(farthest(got.Weights, want.Weights), farthest(got.Intercepts, want.Intercepts), farthest(got.Reference, want.Reference))
				if off > 1e-8 {
					t.Errorf("%d columns, %d classes, %+v: off by %v", p, classes, options, off)
				}
				checkReport(t, &dense, withC(options), a)
			}
		}
	}
}

func withC(o softmax.FitOptions) softmax.FitOptions {
	if o.C == 0 {
		o.C = 1
	}
	return o
}

func TestFitRefusesSparseRows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(s *softmax.Samples)
		want  string
	}{
		"rows twice":        {func(s *softmax.Samples) { s.Rows = []float64{1} }, "samples: has both Rows and Sparse, expected one of them"},
		"a start missing":   {func(s *softmax.Samples) { s.Sparse.Start = s.Sparse.Start[:3] }, "samples.Sparse.Start: has 3 positions, expected 4: one more than labels"},
		"a column missing":  {func(s *softmax.Samples) { s.Sparse.Columns = s.Sparse.Columns[:2] }, "samples.Sparse.Columns: has 2 columns, expected 4: one per value"},
		"starts late":       {func(s *softmax.Samples) { s.Sparse.Start[0] = 1 }, "samples.Sparse.Start: goes from 1 to 4, expected 0 to 4, the number of values"},
		"goes back":         {func(s *softmax.Samples) { s.Sparse.Start[2] = 1 }, "samples.Sparse.Start: row 1 goes from 2 to 1 of 4 values"},
		"goes beyond":       {func(s *softmax.Samples) { s.Sparse.Start[1] = 9 }, "samples.Sparse.Start: row 0 goes from 0 to 9 of 4 values"},
		"does not ascend":   {func(s *softmax.Samples) { s.Sparse.Columns[1] = 0 }, "samples.Sparse.Columns: row 0 has column 0 after column 0, expected them to ascend"},
		"a column too far":  {func(s *softmax.Samples) { s.Sparse.Columns[3] = 3 }, "samples.Sparse.Columns: row 2 has column 3, expected 0 to 2"},
		"a column below 0":  {func(s *softmax.Samples) { s.Sparse.Columns[2] = -1 }, "samples.Sparse.Columns: row 1 has column -1 after column -1, expected them to ascend"},
		"a value too large": {func(s *softmax.Samples) { s.Sparse.Values[3] = -1e151 }, "row 2, column 2 (x2): -1e+151 is not at most 1e150 in magnitude"},
		"an infinite value": {func(s *softmax.Samples) { s.Sparse.Values[0] /= 0 * s.Sparse.Values[1] }, "row 0, column 0 (x0): +Inf is not a finite number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := softmax.Samples{
				Sparse: &softmax.Sparse{Start: []int{0, 2, 3, 4}, Columns: []int32{0, 2, 1, 2}, Values: []float64{1, 2, 3, 4}},
				Labels: []int{0, 1, 0},
			}
			test.spoil(&s)
			_, err := softmax.Fit(context.Background(), newSignature(t, numeric(3)), names("class", 2), s, softmax.FitOptions{})
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, expected %v", err, test.want)
			}
		})
	}
	_, err := softmax.Fit(context.Background(), newSignature(t, mixed()), names("class", 2),
		softmax.Samples{Sparse: &softmax.Sparse{Start: []int{0, 0, 0}}, Labels: []int{0, 1}}, softmax.FitOptions{})
	var undefined *softmax.DefinitionError
	if !errors.As(err, &undefined) || undefined.Field != "samples.Sparse" {
		t.Errorf("categories: %v", err)
	}
}

func TestFitLeavesSparseRowsAlone(t *testing.T) {
	t.Parallel()
	_, sparse := thinned(t, random(71), 200, 90, 3)
	rows := sparse.samples.Sparse
	start, columns, values := slices.Clone(rows.Start), slices.Clone(rows.Columns), slices.Clone(rows.Values)
	sparse.fit(t, softmax.FitOptions{})
	if !slices.Equal(start, rows.Start) || !slices.Equal(columns, rows.Columns) || !slices.Equal(values, rows.Values) {
		t.Error("the samples changed")
	}
}

// Features of many categories are fitted as sparse rows: the same as one numeric column for each.
func TestManyCategoriesAreSparseColumns(t *testing.T) {
	t.Parallel()
	r := random(72)
	signature := newSignature(t, []softmax.Feature{{Name: "amount"}, {Name: "place", Categories: names("place", 300)}})
	data := table{signature: signature, classes: names("class", 3)}
	plain := table{signature: newSignature(t, numeric(signature.Width())), classes: data.classes}
	for range 900 {
		row := []float64{r.NormFloat64(), float64(r.IntN(300))}
		data.samples.Rows = append(data.samples.Rows, row...)
		plain.samples.Rows = append(plain.samples.Rows, signature.Encode(make([]float64, signature.Width()), row)...)
		data.samples.Labels = append(data.samples.Labels, (int(row[1])+r.IntN(2))%3)
	}
	plain.samples.Labels = data.samples.Labels
	a, b := data.fit(t, softmax.FitOptions{}).Model.Definition(), plain.fit(t, softmax.FitOptions{}).Model.Definition()
	if off := max(farthest(a.Weights, b.Weights), farthest(a.Intercepts, b.Intercepts), farthest(a.Reference, b.Reference)); off > 1e-8 {
		t.Errorf("off by %v", off)
	}
}
