package dataset

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func loadText(t *testing.T, text string, format Format, o Options) (*Table, error) {
	t.Helper()
	return Load(t.Context(), Source{Path: "-", In: strings.NewReader(text), Format: format}, o)
}

func mustLoad(t *testing.T, s Source, o Options) *Table {
	t.Helper()
	table, err := Load(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLIBSVMIsRead(t *testing.T) {
	t.Parallel()
	const text = "# heights\n+1 1:0.5 3:-2e1 # a comment\n\n-1\n10 2:7\t3:0\r\n2 1:1 4:0\n"
	table, err := loadText(t, text, LIBSVM, Options{Units: map[string]string{"f3": "cm"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"-1", "1", "2", "10"}; !slices.Equal(table.Classes, want) || !slices.Equal(table.Labels, []int{1, 0, 3, 2}) {
		t.Errorf("classes are %q of %v, expected %q", table.Classes, table.Labels, want)
	}
	want := &softmax.Sparse{Start: []int{0, 2, 2, 3, 4}, Columns: []int32{0, 2, 1, 0}, Values: []float64{0.5, -20, 7, 1}}
	if !reflect.DeepEqual(table.Sparse, want) || table.Rows != nil {
		t.Errorf("sparse rows are %+v, expected %+v", table.Sparse, want)
	}
	features := []softmax.Feature{
		{Name: "f1", Range: &softmax.Range{Max: 1}}, {Name: "f2", Range: &softmax.Range{Max: 7}},
		{Name: "f3", Unit: "cm", Range: &softmax.Range{Min: -20}}, {Name: "f4", Range: &softmax.Range{}},
	}
	if got := table.Signature.Features(); !reflect.DeepEqual(got, features) {
		t.Errorf("features are %+v, expected %+v", got, features)
	}
	if got, want := table.Row(0), []float64{0.5, 0, -20, 0}; !slices.Equal(got, want) || table.Label != "label" || table.Len() != 4 {
		t.Errorf("row 0 is %v, expected %v", got, want)
	}
	if got, want := table.Present(0), []float64{0.5, 0, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("feature 0 is %v, expected %v", got, want)
	}
}

func TestLIBSVMCountsFromZeroIfAnIndexIsZero(t *testing.T) {
	t.Parallel()
	table, err := loadText(t, "0 1:5\n1 0:3 2:4\n", LIBSVM, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if table.Signature.Len() != 3 || !slices.Equal(table.Row(1), []float64{3, 0, 4}) || !slices.Equal(table.Row(0), []float64{0, 5, 0}) {
		t.Errorf("rows are %v, %v", table.Row(0), table.Row(1))
	}
}

func TestSparseMediansAreThoseOfTheRowsWrittenOut(t *testing.T) {
	t.Parallel()
	for _, column := range [][]float64{{0, 0, 3}, {-1, -2, 0, 5}, {-3, -2, -1, 4}, {1, 2, 3, 0}, {5, 6, -7, 8, 9}, {-1, 1}, {2, 0}} {
		var text strings.Builder
		for i, v := range column {
			fmt.Fprintf(&text, "%d 1:%v 2:1\n", i%2, v)
		}
		table, err := loadText(t, text.String(), LIBSVM, Options{Impute: true})
		if err != nil {
			t.Fatal(err)
		}
		want := median(slices.Clone(column))
		if got := typicalOf(t, table); !slices.Equal(got, []float64{want, 1}) || *table.Signature.Feature(0).Impute != want {
			t.Errorf("of %v the median is %v, expected %v", column, got, want)
		}
	}
}

func TestLIBSVMTakesASchema(t *testing.T) {
	t.Parallel()
	schema := signature(t, softmax.Feature{Name: "f4"}, softmax.Feature{Name: "f9", Unit: "m"}, softmax.Feature{Name: "f1"})
	table, err := loadText(t, "0 1:1 2:2 4:4\n1 2:5 3:6\n", LIBSVM, Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(table.Row(0), []float64{4, 0, 1}) || !slices.Equal(table.Row(1), []float64{0, 0, 0}) {
		t.Errorf("rows are %v, %v", table.Row(0), table.Row(1))
	}
	if want := []int32{0, 2}; !slices.Equal(table.Sparse.Columns, want) || table.Signature.Feature(1).Unit != "m" {
		t.Errorf("columns are %v, expected %v", table.Sparse.Columns, want)
	}
}

func TestLIBSVMRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		options    Options
		want       string
	}{
		{"nothing", "\n# empty\n", Options{}, "standard input: has no row, expected lines of label index:value …"},
		{"no feature", "0\n1\n", Options{}, "standard input: has no index in any row, so there is no feature"},
		{"one class", "1 1:1\n+1.0 1:2\n", Options{}, `standard input: column "label": every row has the label "1"; a classifier needs at least two classes`},
		{"a word for a label", "0 1:1\ncat 1:1\n", Options{}, `standard input:2: column "label": "cat" is not a label, a finite number`},
		{"several labels", "1,2 1:1\n", Options{Label: "y"}, `standard input:1: column "y": "1,2" are several labels, expected one for each row`},
		{"queries", "1 qid:3 1:1\n", Options{}, `standard input:1: "qid:3": rows grouped by queries are for ranking, not for classes`},
		{"no pair", "1 1\n", Options{}, `standard input:1: "1" is not index:value with an index of at most 1048576`},
		{"a negative index", "1 -1:1\n", Options{}, `standard input:1: "-1:1" is not index:value with an index of at most 1048576`},
		{"no index", "1 :1\n", Options{}, `standard input:1: ":1" is not index:value with an index of at most 1048576`},
		{"a huge index", "1 99999999999999999999:1\n", Options{}, `standard input:1: "99999999999999999999:1" is not index:value with an index of at most 1048576`},
		{"a great index in a small file", "0 1:1\n1 1000000:1\n", Options{}, "standard input: has the index 1000000, more than the 66688 that a file of its size may have"},
		{"no value", "1 1:\n", Options{}, `standard input:1: "1:": the value is not a finite number of at most 1e+150 in magnitude`},
		{"a value too large", "1 1:1e151\n", Options{}, `standard input:1: "1:1e151": the value is not a finite number of at most 1e+150 in magnitude`},
		{"NaN", "1 1:nan\n", Options{}, `standard input:1: "1:nan": the value is not a finite number of at most 1e+150 in magnitude`},
		{"indices in disorder", "1 2:1 2:1\n", Options{}, "standard input:1: index 2 does not come after 2: the indices of a row must ascend"},
		{"too many classes", numbered(MaxCategories+1, "%d 1:1\n"), Options{}, `standard input:1001: column "label": has more than 1000 distinct values, too many for classes; is it a number to estimate?`},
		{"a column to drop", "1 1:1\n", Options{Drop: []string{"f1"}}, `standard input: column "f1": cannot be dropped: the columns of a libsvm file are read as they are; a schema chooses some of them`},
		{"weights", "1 1:1\n", Options{Weight: "f1"}, `standard input: column "f1": cannot hold weights: a libsvm file has none`},
		{"categories", "1 1:1\n", Options{Categorical: []string{"f1"}}, `standard input: column "f1": cannot be categorical: a libsvm file holds numbers`},
		{"a unit for no column", "1 1:1\n2 2:1\n", Options{Units: map[string]string{"x": "cm"}}, "standard input: has no column for each unit: the columns are f1 to f2"},
		{"a schema of names", "1 1:1\n2 2:1\n", Options{Schema: signature(t, softmax.Feature{Name: "age"})}, `standard input: column "age": is not in the file: the columns of a libsvm file are f1, f2 and so on`},
		{"a schema with categories", "1 1:1\n2 2:1\n", Options{Schema: signature(t, softmax.Feature{Name: "f1", Categories: []string{"a"}})},
			`standard input: column "f1": is categorical in the schema, but a libsvm file holds numbers`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			table, err := loadText(t, test.text, LIBSVM, test.options)
			expectRefusal(t, table, err, test.want)
		})
	}
}

func FuzzLIBSVM(f *testing.F) {
	f.Add("1 1:0.5 3:-2 # c\n-1 2:7\n")
	f.Add("0 0:1\n1 5:1e5\n")
	f.Add("1 qid:1 1:1\n")
	f.Add("1 70000:1\n2 1:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := loadText(t, text, LIBSVM, Options{Impute: true})
		if err != nil {
			expectOwnError(t, table, err)
			return
		}
		if s := table.Sparse; len(s.Start) != table.Len()+1 || len(s.Columns) != s.Start[table.Len()] || len(s.Values) != len(s.Columns) {
			t.Fatalf("the shapes of the table do not agree: %+v", table)
		}
		if most := freeSparseColumns + sparseColumnsPerByte*(len(text)+1); table.Signature.Len() > most {
			t.Fatalf("%d columns of a file of %d bytes", table.Signature.Len(), len(text))
		}
		for i := range min(table.Len(), 3) {
			if err := table.Signature.Check(table.Row(i), i); err != nil {
				t.Fatal(err)
			}
		}
	})
}
