package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesThatAreNoTextAreNamed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, want string }{
		{"UTF-16", "\xff\xfex\x00,\x00y\x00\n\x00", "is UTF-16 text, expected UTF-8; write it anew as that"},
		{"UTF-16, the other way", "\xfe\xff\x00x\x00,\x00y\x00\n", "is UTF-16 text, expected UTF-8; write it anew as that"},
		{"zip", "PK\x03\x04\x14\x00\x00\x00", "is a ZIP archive, such as .npz and .xlsx are; unpack the array, or write the sheet as CSV"},
		{"zstd", "\x28\xb5\x2f\xfd\x04", "is compressed by zstd, expected gzip or nothing; unpack it"},
		{"xz", "\xfd7zXZ\x00\x00", "is compressed by xz, expected gzip or nothing; unpack it"},
		{"bzip2", "BZh91AY&SY\x00", "is compressed by bzip2, expected gzip or nothing; unpack it"},
		{"SQLite", "SQLite format 3\x00\x10", "is a database of SQLite; name it as sqlite:FILE, with a query"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := fileOf(t, "data.csv", []byte(test.content))
			table, err := Load(t.Context(), Source{Path: path}, Options{Label: "y"})
			expectRefusal(t, table, err, path+": "+test.want)
		})
	}
}

func TestAColumnNamedAsBzip2BeginsIsRead(t *testing.T) {
	t.Parallel()
	path := fileOf(t, "data.csv", []byte("BZh9,y\n1,a\n2,b\n"))
	if table := mustLoad(t, Source{Path: path}, Options{Label: "y"}); table.Len() != 2 {
		t.Errorf("got %d rows, expected 2", table.Len())
	}
}

func TestErrorsShowTheBeginningOfLongTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 1<<16)
	tests := map[string]struct {
		content string
		options Options
	}{
		"no UTF-8":        {"x,y\n" + strings.Repeat("\xff", 1<<17) + ",a\n", Options{Label: "y"}},
		"no weight":       {"x,y,w\n1,a," + long + "\n", Options{Label: "y", Weight: "w"}},
		"one class":       {"x,y\n1," + long + "\n", Options{Label: "y"}},
		"a header":        {long + ";x\n1\n", Options{Label: "y"}},
		"a header's name": {long + ",x\n1,2\n", Options{Label: "y"}},
		"a name twice":    {long + "," + long + "\n1,2\n", Options{Label: "y"}},
		"libsvm":          {"1 1:" + long + "\n", Options{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := Read(t.Context(), strings.NewReader(test.content), "data", test.options)
			expectOwnError(t, table, err)
			if text := err.Error(); len(text) > 1000 || !strings.Contains(text, "…") || strings.Contains(text, "\ufffd") {
				t.Errorf("the error has %d bytes: %.300s", len(text), text)
			}
		})
	}
}

func TestAWarningShowsTheBeginningOfALongText(t *testing.T) {
	t.Parallel()
	content := "x,y\n1,a\n2,b\n3,a\n" + strings.Repeat("z", 1<<16) + ",b\n"
	table, err := Read(t.Context(), strings.NewReader(content), "data", Options{Label: "y"})
	if err != nil || len(table.Warnings) != 1 {
		t.Fatalf("got %v and the error %v, expected a warning", table, err)
	}
	if text := table.Warnings[0].Error(); len(text) > 1000 {
		t.Errorf("the warning has %d bytes", len(text))
	}
	if got := len(table.Signature.Feature(0).Categories[3]); got != 1<<16 {
		t.Errorf("the category has %d bytes, expected all", got)
	}
}

func TestNumbersWithCommasAreToldOf(t *testing.T) {
	t.Parallel()
	for _, cells := range [][2]string{{"0,5", "1,25"}, {"1,000", "12,345,678"}} {
		content := fmt.Sprintf("x,y\n7,a\n%q,a\n%q,b\n%q,b\n", cells[0], cells[1], cells[0])
		table, err := Read(t.Context(), strings.NewReader(content), "data", Options{Label: "y"})
		if err != nil || len(table.Warnings) != 1 {
			t.Fatalf("got %v and the error %v, expected a warning", table, err)
		}
		want := fmt.Sprintf("data:3: column \"x\": %q is not a number, for which a comma stands for nothing, so the column is categorical with 3 categories", cells[0])
		if got := table.Warnings[0].Error(); got != want {
			t.Errorf("warning is %s, expected %s", got, want)
		}
	}
}

func TestTooManyNumbersWithCommasAreRefusedAsSuch(t *testing.T) {
	t.Parallel()
	var content strings.Builder
	content.WriteString("x,y\n")
	for i := range MaxCategories + 1 {
		fmt.Fprintf(&content, "\"%d,5\",%d\n", i, i%2)
	}
	table, err := Read(t.Context(), strings.NewReader(content.String()), "data", Options{Label: "y"})
	expectRefusal(t, table, err,
		`data:2: column "x": "0,5" is not a number, for which a comma stands for nothing; write a point before decimals, and nothing between thousands`)
}

func TestCodesOfDigitsAndUnderscoresAreCategories(t *testing.T) {
	t.Parallel()
	table, err := Read(t.Context(), strings.NewReader("x,y\n10_1,a\n2_2,b\n"), "data", Options{Label: "y"})
	if err != nil || !table.Signature.Feature(0).Categorical() {
		t.Errorf("got %v and the error %v, expected categories", table, err)
	}
}

func TestLinesThatEndWithACarriageReturnAloneAreRefused(t *testing.T) {
	t.Parallel()
	table, err := Read(t.Context(), strings.NewReader("x,y\r1,a\r2,b\r"), "data", Options{Label: "y"})
	expectRefusal(t, table, err, "data:1: the lines end with a carriage return alone, expected a line feed, with or without one before it")
}

func TestAQueryOfSQLiteCannotReachOtherFiles(t *testing.T) {
	t.Parallel()
	path, other := loansDatabase(t), loansDatabase(t)
	victim := strings.TrimPrefix(other, "sqlite:")
	made := filepath.Join(t.TempDir(), "made.db")
	const rows = "SELECT rooms, repaid FROM main.loans"
	for _, query := range []string{
		"ATTACH '" + victim + "' AS o; DELETE FROM o.loans; " + rows,
		"COMMIT; ATTACH '" + victim + "' AS o; DELETE FROM o.loans; " + rows,
		"ATTACH '" + made + "' AS o; CREATE TABLE o.t (a); " + rows,
		"COMMIT; VACUUM INTO '" + made + "'; " + rows,
	} {
		table, err := Load(t.Context(), Source{Path: path, Query: query}, Options{Label: "repaid"})
		expectOwnError(t, table, err)
		if !strings.Contains(err.Error(), "refuses the query") {
			t.Errorf("%s: the error is %v", query, err)
		}
	}
	if table := mustLoad(t, Source{Path: other, Query: rows}, Options{Label: "repaid"}); table.Len() != 4 {
		t.Errorf("the other database has %d rows, expected 4", table.Len())
	}
	if _, err := os.Stat(made); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
}

func TestQueriesWithoutColumnsAreRefused(t *testing.T) {
	t.Parallel()
	path := loansDatabase(t)
	table, err := Load(t.Context(), Source{Path: path, Query: " \n"}, Options{Label: "y"})
	expectRefusal(t, table, err, path+": needs a query, such as SELECT … FROM … ORDER BY …")
	table, err = Load(t.Context(), Source{Path: path, Query: "-- nothing"}, Options{Label: "y"})
	expectRefusal(t, table, err, path+": refuses the query: it gives no columns")
}

// A stopped query leaves nothing open: the file could not be removed on some systems, and the
// goroutines of the driver would stay.
func TestRefusedQueriesOfSQLiteCloseTheirConnection(t *testing.T) {
	t.Parallel()
	d, err := openDatabase(loansDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := d.querySQLite(t.Context(), "SELECT rooms FROM loans")
	if err != nil {
		t.Fatal(err)
	}
	r, ok := rows.(*sqliteResult)
	if !ok || !r.next() {
		t.Fatalf("got %v, expected rows", rows)
	}
	r.close(context.Background())
	if open := r.db.Stats().OpenConnections; open != 0 {
		t.Errorf("%d connections are open, expected none", open)
	}
}
