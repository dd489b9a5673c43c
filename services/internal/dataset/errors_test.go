package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	label := Options{Label: "y"}
	tests := []struct {
		name, text string
		options    Options
		want       string
	}{
		{"an empty file", "", label, "data.csv:1: the file is empty, expected a header line with the names of the columns"},
		{"a byte order mark alone", "\ufeff", label, "data.csv:1: the file is empty, expected a header line with the names of the columns"},
		{"a header alone", "x,y\n", label, "data.csv:1: the file has a header but no rows"},
		{"a name that stands twice", "x,y,x\n1,a,1\n", label, `data.csv:1: column "x": stands twice in the header, as columns 1 and 3`},
		{"a column without a name", ",x,y\n0,1,a\n", label, "data.csv:1: column 1 has no name in the header; name it, or write the file without it (in pandas, index=False)"},
		{"a name that is no text", "x\xff,y\n1,a\n", label, "data.csv:1: the name of column 1 is not UTF-8 text"},
		{"a long name", strings.Repeat("x", 257) + ",y\n1,a\n1,b\n", label,
			"data.csv:1: the columns make no features: features[0].name: has 257 bytes, at most 256 are allowed"},
		{"semicolons", "x;y\n1;a\n", label, `data.csv:1: the header has one column, "x;y": the cells must be separated by commas`},
		{"a short row", "x,z,y\n1,2,a\n1,a\n", label, "data.csv:3: the row has 2 cells, expected 3 as in the header"},
		{"a long row", "x,y\n\n1,a,2\n", label, "data.csv:3: the row has 3 cells, expected 2 as in the header"},
		{"a stray quote", "x,y\n1\"2,a\n", label, `data.csv:2: is not CSV: bare " in non-quoted-field`},
		{"a quote that never ends", "x,y\n1,a\n\"1,a\n2,b\n", label, `data.csv:3: is not CSV: extraneous or missing " in quoted-field`},
		{"no label named", "x,y\n1,a\n", Options{}, `data.csv:1: no label column was named, the header has "x", "y"`},
		{"a label that is not there", "x,y\n1,a\n", Options{Label: "species"}, `data.csv:1: column "species": is not in the header, which has "x", "y"`},
		{"a missing label", "x,y\n1,a\n2,\n", label, `data.csv:3: column "y": the label is missing; every row needs one`},
		{"a missing label, though imputing", "x,y\n1,a\n2,NA\n", Options{Label: "y", Impute: true}, `data.csv:3: column "y": the label is missing; every row needs one`},
		{"one class", "x,y\n1,a\n2,a\n", label, `data.csv: column "y": every row has the label "a"; a classifier needs at least two classes`},
		{"a label that is a number to estimate", "x,y\n" + numbered(MaxCategories+1, "1,%d\n"), label,
			`data.csv:1002: column "y": has more than 1000 distinct values, too many for classes; is it a number to estimate, or an identifier?`},
		{"a label that is no text", "x,y\n1,a\n1,\xff\n", label, `data.csv:3: column "y": "\xff" is not UTF-8 text`},
		{"a missing value", "x,z,y\n1,2,a\n3,N/A,b\n", label,
			`data.csv:3: column "z": the value is missing ("N/A"); impute missing values, or remove the row`},
		{"a column without values", "x,z,y\n1,,a\n3,?,b\n", Options{Label: "y", Impute: true},
			`data.csv: column "z": has no value in any row; drop the column`},
		{"an infinite value", "x,y\n1,a\n2,b\ninf,a\n", label, `data.csv:4: column "x": "inf" is not a finite number of at most 1e+150 in magnitude`},
		{"a value too large", "x,y\n1,a\n1e999,b\n", label, `data.csv:3: column "x": "1e999" is not a finite number of at most 1e+150 in magnitude`},
		{"a value too large to square", "x,y\n1,a\n-2e150,b\n", label, `data.csv:3: column "x": "-2e150" is not a finite number of at most 1e+150 in magnitude`},
		{"an infinite value among many", "x,y\n" + numbered(MaxCategories+1, "%d,a\n") + "-Inf,b\n", label,
			`data.csv:1003: column "x": "-Inf" is not a finite number of at most 1e+150 in magnitude`},
		{"an identifier", "x,y\n" + numbered(MaxCategories+1, "id%d,a\n"), label,
			`data.csv:1002: column "x": has more than 1000 distinct values, too many for a categorical column; if it identifies rows, drop it`},
		{"a slip in a column of numbers", "x,y\n1,a\noops,b\n" + numbered(MaxCategories+1, "%d,a\n"), label,
			`data.csv:3: column "x": "oops" is not a number, and with more than 1000 distinct values the column cannot be categorical; correct the cell, or drop the column`},
		{"numbers asked to be categories", "x,y\n" + numbered(MaxCategories+1, "%d,a\n"), Options{Label: "y", Categorical: []string{"x"}},
			`data.csv:1002: column "x": has more than 1000 distinct values, too many for a categorical column; if it identifies rows, drop it`},
		{"a category that is no text", "x,y\na,a\n\xff,b\n", label, `data.csv:3: column "x": "\xff" is not UTF-8 text`},
		{"a dropped column that is not there", "x,y\n1,a\n", Options{Label: "y", Drop: []string{"id"}}, `data.csv:1: column "id": is not in the header, which has "x", "y"`},
		{"a dropped label", "x,y\n1,a\n", Options{Label: "y", Drop: []string{"y"}}, `data.csv:1: column "y": cannot be dropped: it is the label`},
		{"no feature", "x,y\n1,a\n", Options{Label: "y", Drop: []string{"x"}}, "data.csv:1: there is no feature: the header has no column but the label and those dropped"},
		{"a unit for no feature", "x,y\n1,a\n", Options{Label: "y", Units: map[string]string{"z": "cm"}}, `data.csv:1: column "z": cannot have a unit: it is not a feature`},
		{"a categorical label", "x,y\n1,a\n", Options{Label: "y", Categorical: []string{"y"}}, `data.csv:1: column "y": cannot be categorical: it is not a feature`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			table, err := Read(t.Context(), strings.NewReader(test.text), "data.csv", test.options)
			var got *Error
			if !errors.As(err, &got) || table != nil {
				t.Fatalf("got %v and the error %v, expected an *Error alone", table, err)
			}
			if got.Error() != test.want {
				t.Errorf("error is\n%s, expected\n%s", got, test.want)
			}
		})
	}
}

// numbered repeats a line n times with the number of each.
func numbered(n int, line string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, line, i)
	}
	return text.String()
}

func TestLongListsOfColumnsAreCut(t *testing.T) {
	t.Parallel()
	header := strings.TrimSuffix(numbered(30, "f%d,"), ",")
	_, err := Read(t.Context(), strings.NewReader(header+"\n"), "data.csv", Options{Label: "y"})
	if err == nil || !strings.HasSuffix(err.Error(), `, "f14", (10 more), "f25", "f26", "f27", "f28", "f29"`) {
		t.Errorf("error is %v", err)
	}
}

func TestMissingMarkers(t *testing.T) {
	t.Parallel()
	markers := []string{"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?"}
	for _, cell := range append(markers, "Na", "Nan", "none", "0", "-", "inf") {
		if got, want := Missing(cell), slices.Contains(markers, cell); got != want {
			t.Errorf("Missing(%q) is %v, expected %v", cell, got, want)
		}
	}
}
