package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sepal-ml/sepal/services/softmax"
)

func readText(t *testing.T, text string, o Options) *Table {
	t.Helper()
	table, err := Read(t.Context(), strings.NewReader(text), "data.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestReadIris(t *testing.T) {
	t.Parallel()
	const path = "../../../testdata/datasets/iris.csv"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := readText(t, string(content), Options{Label: "species", Units: map[string]string{"petal_width_cm": "cm"}})
	if got, want := table.Classes, []string{"setosa", "versicolor", "virginica"}; !slices.Equal(got, want) {
		t.Errorf("classes are %q, expected %q", got, want)
	}
	if got, want := table.ClassCounts(), []int{50, 50, 50}; !slices.Equal(got, want) {
		t.Errorf("rows of each class are %v, expected %v", got, want)
	}
	if got, want := table.Row(149), []float64{5.9, 3.0, 5.1, 1.8}; !slices.Equal(got, want) {
		t.Errorf("the last row is %v, expected %v", got, want)
	}
	want := softmax.Feature{Name: "petal_width_cm", Unit: "cm", Range: &softmax.Range{Min: 0.1, Max: 2.5}}
	if got := *table.Signature.Feature(3); !reflect.DeepEqual(got, want) {
		t.Errorf("the last feature is %+v, expected %+v", got, want)
	}
	digest := sha256.Sum256(content)
	if want := hex.EncodeToString(digest[:]); table.Digest != want {
		t.Errorf("digest is %s, expected %s", table.Digest, want)
	}
	if len(table.Warnings) > 0 {
		t.Errorf("warnings: %v", table.Warnings)
	}
}

func TestColumnsAreInferred(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		cells []string
		want  softmax.Feature
		rows  []float64
	}{
		{"numbers", []string{"1", "-2.5e3", " 0.5 "}, softmax.Feature{Range: &softmax.Range{Min: -2500, Max: 1}}, []float64{1, -2500, 0.5}},
		{"texts, sorted", []string{"red", "blue", "red"}, softmax.Feature{Categories: []string{"blue", "red"}}, []float64{1, 0, 1}},
		{"numbers before a text", []string{"1", "01", "b"}, softmax.Feature{Categories: []string{"01", "1", "b"}}, []float64{1, 0, 2}},
		{"a text named infinity", []string{"Infinity", "x", "x"}, softmax.Feature{Categories: []string{"Infinity", "x"}}, []float64{0, 1, 1}},
		{"a quoted comma", []string{`"a,b"`, `"say ""x"""`, "a"}, softmax.Feature{Categories: []string{"a", "a,b", `say "x"`}}, []float64{1, 2, 0}},
		{"a constant", []string{"7", "7", "7"}, softmax.Feature{Range: &softmax.Range{Min: 7, Max: 7}}, []float64{7, 7, 7}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf("f,y\n%s,a\n%s,b\n%s,a\n", test.cells[0], test.cells[1], test.cells[2])
			table := readText(t, text, Options{Label: "y"})
			test.want.Name = "f"
			if got := *table.Signature.Feature(0); !reflect.DeepEqual(got, test.want) {
				t.Errorf("feature is %+v, expected %+v", got, test.want)
			}
			if !slices.Equal(table.Rows, test.rows) {
				t.Errorf("rows are %v, expected %v", table.Rows, test.rows)
			}
		})
	}
}

func TestNumbersMayBeMoreThanCategories(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("x,y\n")
	for i := range 3 * MaxCategories {
		fmt.Fprintf(&text, "%d,%d\n", i, i%2)
	}
	table := readText(t, text.String(), Options{Label: "y"})
	if f := table.Signature.Feature(0); f.Categorical() || *f.Range != (softmax.Range{Min: 0, Max: 3*MaxCategories - 1}) {
		t.Errorf("feature is %+v", f)
	}
	if got := table.Row(2 * MaxCategories); got[0] != 2*MaxCategories {
		t.Errorf("row is %v", got)
	}
}

func TestOptionsChooseColumns(t *testing.T) {
	t.Parallel()
	const text = "id,shop,price,sold\nA7,10,3,no\nB2,9,4,yes\n"
	table := readText(t, text, Options{Label: "sold", Drop: []string{"id"}, Categorical: []string{"shop"}})
	want := []softmax.Feature{
		{Name: "shop", Categories: []string{"10", "9"}},
		{Name: "price", Range: &softmax.Range{Min: 3, Max: 4}},
	}
	if got := table.Signature.Features(); !reflect.DeepEqual(got, want) {
		t.Errorf("features are %+v, expected %+v", got, want)
	}
}

func TestClassesAreOrdered(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		labels []string
		want   []string
	}{
		{"numbers", []string{"10", "9", "-1", "9.5"}, []string{"-1", "9", "9.5", "10"}},
		{"equal numbers", []string{"1.0", "1", "0"}, []string{"0", "1", "1.0"}},
		{"texts", []string{"b", "a", "B"}, []string{"B", "a", "b"}},
		{"a text among numbers", []string{"10", "9", "x"}, []string{"10", "9", "x"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := "x,y\n1," + strings.Join(test.labels, "\n1,") + "\n"
			table := readText(t, text, Options{Label: "y"})
			if !slices.Equal(table.Classes, test.want) {
				t.Errorf("classes are %q, expected %q", table.Classes, test.want)
			}
			for i, class := range table.Labels {
				if table.Classes[class] != test.labels[i] {
					t.Errorf("row %d has the class %q, expected %q", i, table.Classes[class], test.labels[i])
				}
			}
		})
	}
}

func TestImputation(t *testing.T) {
	t.Parallel()
	const text = "x,c,y\n1,b,p\n,a,q\n3,,p\n10,b,q\n4,?,p\n"
	table := readText(t, text, Options{Label: "y", Impute: true})
	median, frequent := 3.5, 1.0
	want := []softmax.Feature{
		{Name: "x", Range: &softmax.Range{Min: 1, Max: 10}, Impute: &median},
		{Name: "c", Categories: []string{"a", "b"}, Impute: &frequent},
	}
	if got := table.Signature.Features(); !reflect.DeepEqual(got, want) {
		t.Errorf("features are %+v, expected %+v", got, want)
	}
	if got, want := table.Rows, []float64{1, 1, 3.5, 0, 3, 1, 10, 1, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("rows are %v, expected %v", got, want)
	}
	if want := [][]int{{1}, {2, 4}}; !reflect.DeepEqual(table.Missing, want) {
		t.Errorf("missing are %v, expected %v", table.Missing, want)
	}
	if got, want := typicalOf(t, table), []float64{3.5, 1}; !slices.Equal(got, want) {
		t.Errorf("the typical row is %v, expected %v", got, want)
	}
	if got, want := table.Present(1), []float64{1, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("present are %v, expected %v", got, want)
	}
}

func TestMostlyNumbersIsAWarning(t *testing.T) {
	t.Parallel()
	table := readText(t, "x,y\n1,p\n2,q\n\"3,5\",p\n", Options{Label: "y"})
	if len(table.Warnings) != 1 {
		t.Fatalf("warnings: %v", table.Warnings)
	}
	const want = `data.csv:4: column "x": "3,5" is not a number, so the column is categorical with 3 categories`
	if got := table.Warnings[0].Error(); got != want {
		t.Errorf("warning is\n%s, expected\n%s", got, want)
	}
}

func TestReadStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	endless := io.MultiReader(strings.NewReader("x,y\n"), repeat("1,a\n"))
	if _, err := Read(ctx, endless, "data.csv", Options{Label: "y"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestTablesAreNotCompletedForNobody(t *testing.T) {
	t.Parallel()
	b := &builder{options: Options{Label: "y", Impute: true}}
	if err := b.plan(&header{name: []string{"x", "y"}}); err != nil {
		t.Fatal(err)
	}
	for i, cells := range [][][]byte{{[]byte("1"), []byte("a")}, {nil, []byte("b")}} {
		if err := b.addTexts(cells, i+2); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if table, err := b.table(ctx); table != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v and the error %v", table, err)
	}
	if row, err := readText(t, "x,y\n1,a\n2,b\n", Options{Label: "y"}).Typical(ctx); row != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("the typical row is %v, its error %v", row, err)
	}
}

// repeat is a text without end.
type repeat string

func (r repeat) Read(p []byte) (int, error) { return copy(p, r), nil }

func TestReadErrorsNameTheirCause(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	r := io.MultiReader(strings.NewReader("x,y\n1,a\n"), iotest.ErrReader(broken))
	_, err := Read(t.Context(), r, "data.csv", Options{Label: "y"})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "data.csv: ") {
		t.Errorf("error is %v", err)
	}
}
