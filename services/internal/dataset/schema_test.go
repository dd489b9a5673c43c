package dataset

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestSchemaSaysHowColumnsAreRead(t *testing.T) {
	t.Parallel()
	other, three := 0, 3.0
	features := []softmax.Feature{
		{Name: "size", Unit: "m", Description: "how large", Range: &softmax.Range{Min: -5, Max: 5}},
		{Name: "shop", Categories: []string{"rest", "9", "10"}, Other: &other},
		{Name: "age", Impute: &three},
	}
	const text = "y,shop,extra,age,size\na,10,?,1,2\nb,11,oops,,4\na,9,,2,8\n"
	table, err := loadText(t, text, CSV, Options{Label: "y", Schema: signature(t, features...), Units: map[string]string{"age": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	features[0].Range = &softmax.Range{Min: 2, Max: 8}
	features[2].Range, features[2].Unit = &softmax.Range{Min: 1, Max: 2}, "a"
	if got := table.Signature.Features(); !reflect.DeepEqual(got, features) {
		t.Errorf("features are %+v, expected %+v", got, features)
	}
	if want := []float64{2, 2, 1, 4, 0, 3, 8, 1, 2}; !slices.Equal(table.Rows, want) {
		t.Errorf("rows are %v, expected %v", table.Rows, want)
	}
	if want := []bool{false, false, true}; !slices.Equal(table.Settled, want) {
		t.Errorf("settled by the schema are %v, expected %v", table.Settled, want)
	}
}

func TestSchemaTakesStandInsFromTheData(t *testing.T) {
	t.Parallel()
	schema := signature(t, softmax.Feature{Name: "x"}, softmax.Feature{Name: "c", Categories: []string{"b", "a"}})
	table, err := loadText(t, "x,c,y\n1,a,p\n,a,q\n5,,p\n", CSV, Options{Label: "y", Schema: schema, Impute: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{1, 1, 3, 1, 5, 1}; !slices.Equal(table.Rows, want) || *table.Signature.Feature(0).Impute != 3 {
		t.Errorf("rows are %v, expected %v", table.Rows, want)
	}
}

func TestTheSignatureOfATableIsASchema(t *testing.T) {
	t.Parallel()
	const text = "c,x,y\na,1,p\nb,2,q\nb,4,p\nzz,8,q\n"
	first, err := loadText(t, text, CSV, Options{Label: "y", RareBelow: 2, Impute: true})
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadText(t, "y,x,c\np,1,a\nq,2,b\np,4,b\nq,8,zz\n", CSV, Options{Label: "y", Schema: first.Signature})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first.Rows, again.Rows) || !reflect.DeepEqual(first.Signature, again.Signature) {
		t.Errorf("got %+v, expected %+v", again, first)
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := signature(t, softmax.Feature{Name: "x"}, softmax.Feature{Name: "c", Categories: []string{"a", "b"}})
	tests := []struct {
		name, text string
		options    Options
		want       string
	}{
		{"a missing column", "x,y\n1,p\n", Options{}, `standard input:1: column "c": is not in the header, which has "x", "y"`},
		{"a text for a number", "x,c,y\n1,a,p\none,a,q\n", Options{}, `standard input:3: column "x": "one" is not a number, as the schema has the column`},
		{"infinity", "x,c,y\n1,a,p\ninf,a,q\n", Options{}, `standard input:3: column "x": "inf" is not a finite number of at most 1e+150 in magnitude`},
		{"a number too large", "x,c,y\n1,a,p\n1e200,a,q\n", Options{}, `standard input:3: column "x": "1e200" is not a finite number of at most 1e+150 in magnitude`},
		{"an unknown category", "x,c,y\n1,a,p\n2,A,q\n", Options{}, `standard input:3: column "c": "A" is none of the 2 categories that the schema has: "a", "b"`},
		{"a missing value", "x,c,y\n1,a,p\n2,NA,q\n", Options{}, `standard input:3: column "c": the value is missing ("NA"); impute missing values, or remove the row`},
		{"a column without values", "x,c,y\n1,,p\n2,,q\n", Options{Impute: true}, `standard input: column "c": has no value in any row; drop the column`},
		{"an empty cell", "x,c,y\n,a,p\n2,a,q\n", Options{}, `standard input:2: column "x": the value is missing (""); impute missing values, or remove the row`},
		{"a label that is a feature", "x,c,y\n1,a,p\n", Options{Label: "c"}, `standard input:1: column "c": cannot be the label: the schema has it as a feature`},
		{"a weight that is a feature", "x,c,y\n1,a,p\n", Options{Weight: "x"}, `standard input:1: column "x": cannot be the weight: the schema has it as a feature`},
		{"a feature to drop", "x,c,y\n1,a,p\n", Options{Drop: []string{"x"}}, `standard input:1: column "x": cannot be dropped: the schema has it as a feature`},
		{"categories beside it", "x,c,y\n1,a,p\n", Options{Other: true},
			"standard input:1: a schema says what is a category, and which: no columns can be made categorical, and no categories be merged, beside it"},
		{"a unit for no feature", "x,c,y\n1,a,p\n", Options{Units: map[string]string{"y": "m"}}, `standard input:1: column "y": cannot have a unit: it is not a feature`},
	}
	far := 1e200
	_, err := Load(t.Context(), Source{Path: "-", In: strings.NewReader("x,y\n1,p\n,q\n")},
		Options{Label: "y", Schema: signature(t, softmax.Feature{Name: "x", Impute: &far})})
	expectRefusal(t, nil, err, `standard input:1: column "x": has the stand-in 1e+200 for missing values in the schema, expected at most 1e+150 in magnitude`)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Schema = schema
			if test.options.Label == "" {
				test.options.Label = "y"
			}
			table, err := Load(t.Context(), Source{Path: "-", In: strings.NewReader(test.text)}, test.options)
			expectRefusal(t, table, err, test.want)
		})
	}
}
