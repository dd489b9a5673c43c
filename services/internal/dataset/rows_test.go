package dataset

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRowsHandOutCells(t *testing.T) {
	t.Parallel()
	const text = "\ufeff\"a\", b ,c\r\n1, two ,\"3\"\r\n\r\n\"more\nlines\",,?\nx,y,z"
	rows, err := ReadRows(strings.NewReader(text), "in.csv")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows.Header(), []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("header is %q, expected %q", got, want)
	}
	want := []struct {
		line  int
		cells []string
	}{
		{2, []string{"1", "two", "3"}},
		{4, []string{"more\nlines", "", "?"}},
		{6, []string{"x", "y", "z"}},
	}
	for _, w := range want {
		cells, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(cells, w.cells) || rows.Line() != w.line {
			t.Errorf("line %d holds %q, expected line %d with %q", rows.Line(), cells, w.line, w.cells)
		}
	}
	if got := rows.Fail("b", "is odd").Error(); got != `in.csv:6: column "b": is odd` {
		t.Errorf("failure is %s", got)
	}
	for range 2 {
		if _, err := rows.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last row the error is %v", err)
		}
	}
}

func TestColumnsAreFoundByName(t *testing.T) {
	t.Parallel()
	rows, err := ReadRows(strings.NewReader("a,b,c\n"), "in.csv")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rows.Columns("c", "a"); err != nil || !slices.Equal(got, []int{2, 0}) {
		t.Errorf("columns are %v, %v", got, err)
	}
	const want = `in.csv:1: column "d": is not in the header, which has "a", "b", "c"`
	if _, err := rows.Columns("c", "d"); err == nil || err.Error() != want {
		t.Errorf("error is %v, expected %s", err, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("x,y\n1,a\n2,b\n", true)
	f.Add("\ufeffx,c,y\n1,\"a,b\",1\n,?,2\nNaN,\"q\nq\",1\n", true)
	f.Add("x,y\ninf,a\n1e999,b\n0x1p-2,a\n", false)
	f.Add("x;y\n", false)
	f.Add("y,x\na,\"\n", false)
	f.Add("a,y\n\xff,\xfe\n", true)
	f.Fuzz(func(t *testing.T, text string, impute bool) {
		table, err := Read(context.Background(), strings.NewReader(text), "fuzz.csv", Options{Label: "y", Impute: impute})
		if err != nil {
			var failure *Error
			if !errors.As(err, &failure) || table != nil {
				t.Fatalf("error is %#v", err)
			}
			return
		}
		n, p := table.Len(), table.Signature.Len()
		if len(table.Rows) != n*p || len(table.Missing) != p || len(table.Classes) < 2 || slices.Contains(table.ClassCounts(), 0) {
			t.Fatalf("the shapes of the table do not agree: %+v", table)
		}
		for i := range n {
			if err := table.Signature.Check(table.Row(i), i); err != nil {
				t.Fatal(err)
			}
		}
		for j := range p {
			if len(table.Present(j))+len(table.Missing[j]) != n || len(table.Missing[j]) > 0 && !impute {
				t.Fatalf("feature %d misses rows %v of %d", j, table.Missing[j], n)
			}
			if math.IsNaN(typicalOf(t, table)[j]) {
				t.Fatalf("feature %d has no typical value", j)
			}
		}
	})
}
