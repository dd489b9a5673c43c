package dataset

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestWeights(t *testing.T) {
	t.Parallel()
	table, err := loadText(t, "w,x,y\n0.5,1,a\n0,2,b\n2,3,b\n", CSV, Options{Label: "y", Weight: "w"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(table.Weights, []float64{0.5, 0, 2}) || table.Signature.Len() != 1 || !slices.Equal(table.Rows, []float64{1, 2, 3}) {
		t.Errorf("got %+v", table)
	}
	for text, want := range map[string]string{
		"x,y\n1,a\n":              `standard input:1: column "w": is not in the header, which has "x", "y"`,
		"w,x,y\n1,1,a\n,2,b\n":    `standard input:3: column "w": the weight is missing; every row needs one`,
		"w,x,y\n1,1,a\nten,2,b\n": `standard input:3: column "w": "ten" is not a weight, a number from 0 to 1e150`,
		"w,x,y\n1,1,a\n-1,2,b\n":  `standard input:3: column "w": -1 is not a weight, a number from 0 to 1e150`,
		"w,x,y\n1,1,a\n1e151,2,b": `standard input:3: column "w": 1e+151 is not a weight, a number from 0 to 1e150`,
		"w,x,y\n1,1,a\n0,2,b\n":   `standard input: column "w": every row of the class "b" has the weight 0; a class needs a row that counts`,
		"w,y\n1,a\n1,b\n":         `standard input:1: there is no feature: the header has no column but the label and those dropped`,
		"w,x,y\n1,1,a\ninf,2,b\n": `standard input:3: column "w": "inf" is not a weight, a number from 0 to 1e150`,
	} {
		table, err := loadText(t, text, CSV, Options{Label: "y", Weight: "w"})
		expectRefusal(t, table, err, want)
	}
	for _, o := range []Options{{Label: "y", Weight: "y"}, {Label: "y", Weight: "x", Drop: []string{"x"}}} {
		table, err := loadText(t, "w,x,y\n1,1,a\n", CSV, o)
		expectOwnError(t, table, err)
	}
}

func TestRareCategoriesAreMerged(t *testing.T) {
	t.Parallel()
	const text = "c,d,n,y\na,other,1,p\na,x,2,q\nb,other,3,p\nc,x,4,q\na,z,5,p\nb,x,6,q\n"
	two, one := 2, 1
	tests := []struct {
		name    string
		options Options
		want    []softmax.Feature
		rows    []float64 // of c and d
	}{
		{"fewer than two rows", Options{RareBelow: 2}, []softmax.Feature{
			{Name: "c", Categories: []string{"a", "b", "other"}, Other: &two}, {Name: "d", Categories: []string{"other", "x", "other 2"}, Other: &two},
		}, []float64{0, 0, 0, 1, 1, 0, 2, 1, 0, 2, 1, 1}},
		{"fewer than three rows", Options{RareBelow: 3}, []softmax.Feature{
			{Name: "c", Categories: []string{"a", "other"}, Other: &one}, {Name: "d", Categories: []string{"x", "other 2"}, Other: &one},
		}, []float64{0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0}},
		{"one row", Options{RareBelow: 1}, []softmax.Feature{{Name: "c", Categories: []string{"a", "b", "c"}}, {Name: "d", Categories: []string{"other", "x", "z"}}},
			[]float64{0, 0, 0, 1, 1, 0, 2, 1, 0, 2, 1, 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Label, test.options.Drop = "y", []string{"n"}
			table, err := loadText(t, text, CSV, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Signature.Features(); !reflect.DeepEqual(got, test.want) || !slices.Equal(table.Rows, test.rows) {
				t.Errorf("features are %+v, rows %v", got, table.Rows)
			}
		})
	}
	t.Run("always one", func(t *testing.T) {
		t.Parallel()
		table, err := loadText(t, text, CSV, Options{Label: "y", Other: true})
		if err != nil {
			t.Fatal(err)
		}
		if f := table.Signature.Feature(0); f.Other == nil || *f.Other != 3 || f.Categories[3] != "other" || table.Signature.Feature(2).Other != nil {
			t.Errorf("features are %+v", table.Signature.Features())
		}
	})
	t.Run("all rare", func(t *testing.T) {
		t.Parallel()
		table, err := loadText(t, text, CSV, Options{Label: "y", RareBelow: 9})
		if err != nil {
			t.Fatal(err)
		}
		if f := table.Signature.Feature(0); !slices.Equal(f.Categories, []string{"other"}) || *f.Other != 0 || len(table.Warnings) != 2 {
			t.Errorf("feature is %+v, warnings %v", f, table.Warnings)
		}
	})
}

func TestManyTextsMayBeMergedToFewCategories(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("c,x,y\n")
	for i := range 3 * MaxCategories {
		fmt.Fprintf(&text, "id%d,%d,p\nk%d,1,q\n", i, i, i%7)
	}
	table, err := loadText(t, text.String(), CSV, Options{Label: "y", RareBelow: 2})
	if err != nil {
		t.Fatal(err)
	}
	if f := table.Signature.Feature(0); len(f.Categories) != 8 || *f.Other != 7 || table.Row(0)[0] != 7 || table.Row(3)[0] != 1 {
		t.Errorf("feature is %+v", f)
	}
	if f := table.Signature.Feature(1); f.Categorical() {
		t.Errorf("a column of numbers has the categories %q", f.Categories)
	}
	_, err = loadText(t, "c,y\n"+numbered(MaxTexts+1, "id%d,p\n"), CSV, Options{Label: "y", RareBelow: 2})
	if err == nil || !strings.Contains(err.Error(), "more than 100000 distinct values") {
		t.Errorf("error is %v", err)
	}
	_, err = loadText(t, "c,y\n"+strings.Repeat(numbered(MaxCategories+1, "id%d,p\n"), 2)+"id1,q", CSV, Options{Label: "y", RareBelow: 2})
	if err == nil || !strings.Contains(err.Error(), "has 1001 categories, at most 1000 are allowed") {
		t.Errorf("error is %v", err)
	}
}
