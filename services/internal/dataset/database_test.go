package dataset

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// sqliteOf makes a database of SQLite by those statements and returns its URL.
func sqliteOf(t *testing.T, name string, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return "sqlite:" + path
}

const loans = `CREATE TABLE loans (id INTEGER PRIMARY KEY, amount REAL, rooms INTEGER, city TEXT, owner BOOLEAN, at TIMESTAMP, photo BLOB, repaid TEXT)`

func loansDatabase(t *testing.T) string {
	t.Helper()
	return sqliteOf(t, "loans.db", loans, `INSERT INTO loans VALUES
		(1, 10.5, 3, 'Bonn', 1, '2026-01-02 03:04:05', x'00', 'yes'), (2, NULL, 4, 'Kiel', 0, NULL, NULL, 'no'),
		(3, 7, 3, NULL, 1, NULL, NULL, 'yes'), (4, 8.25, 5, 'Bonn', 0, NULL, NULL, 'no')`)
}

func TestSQLiteIsRead(t *testing.T) {
	t.Parallel()
	s := Source{Path: loansDatabase(t), Query: "SELECT amount, rooms, city, owner, repaid FROM loans ORDER BY id"}
	table := mustLoad(t, s, Options{Label: "repaid", Impute: true})
	if want := []float64{10.5, 3, 0, 1, 8.25, 4, 1, 0, 7, 3, 0, 1, 8.25, 5, 0, 0}; !slices.Equal(table.Rows, want) {
		t.Errorf("rows are %v, expected %v", table.Rows, want)
	}
	if want := [][]int{{1}, nil, {2}, nil}; !reflect.DeepEqual(table.Missing, want) {
		t.Errorf("missing are %v, expected %v", table.Missing, want)
	}
	if !slices.Equal(table.Classes, []string{"no", "yes"}) || !slices.Equal(table.Labels, []int{1, 0, 1, 0}) {
		t.Errorf("labels are %v of %q", table.Labels, table.Classes)
	}
	if got := table.Signature.Feature(2).Categories; !slices.Equal(got, []string{"Bonn", "Kiel"}) {
		t.Errorf("categories are %q", got)
	}
}

func TestTextsOfADatabaseAreCategories(t *testing.T) {
	t.Parallel()
	path := sqliteOf(t, "t.db", "CREATE TABLE t (a, b, y)", "INSERT INTO t VALUES (1, '01', 1), (2, '2', 0), ('x', '01', 1.5)")
	table := mustLoad(t, Source{Path: path, Query: "SELECT * FROM t"}, Options{Label: "y"})
	want := []softmax.Feature{{Name: "a", Categories: []string{"1", "2", "x"}}, {Name: "b", Categories: []string{"01", "2"}}}
	if got := table.Signature.Features(); !reflect.DeepEqual(got, want) {
		t.Errorf("features are %+v, expected %+v", got, want)
	}
	if want := []string{"0", "1", "1.5"}; !slices.Equal(table.Classes, want) {
		t.Errorf("classes are %q, expected %q", table.Classes, want)
	}
}

func TestDigestOfAQueryIsThatOfItsRows(t *testing.T) {
	t.Parallel()
	path := loansDatabase(t)
	digest := func(query string) string {
		return mustLoad(t, Source{Path: path, Query: query}, Options{Label: "repaid", Impute: true}).Digest
	}
	first := digest("SELECT amount, city, repaid FROM loans ORDER BY id")
	if again := digest("SELECT amount, city, repaid FROM loans WHERE id < 9 ORDER BY id"); again != first {
		t.Errorf("the same rows have the digests %s and %s", first, again)
	}
	for _, query := range []string{
		"SELECT amount, city, repaid FROM loans ORDER BY id DESC", "SELECT amount, city AS town, repaid FROM loans ORDER BY id",
		"SELECT coalesce(amount, 1) AS amount, city, repaid FROM loans ORDER BY id",
	} {
		if digest(query) == first {
			t.Errorf("other rows have the same digest: %s", query)
		}
	}
}

func TestDatabaseRefuses(t *testing.T) {
	t.Parallel()
	path := loansDatabase(t)
	numbers := sqliteOf(t, "n.db", "CREATE TABLE n (x, y)", fmt.Sprintf(
		"WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i WHERE n < %d) INSERT INTO n SELECT n, n%%2 FROM i", MaxCategories), "INSERT INTO n VALUES ('oops', 1)")
	missing := "sqlite:" + filepath.Join(t.TempDir(), "none.db")
	const columns = "SELECT rooms, city, repaid FROM loans ORDER BY id"
	tests := []struct {
		name, path, query string
		options           Options
		want              string
	}{
		{"no query", path, "", Options{Label: "repaid"}, path + ": needs a query, such as SELECT … FROM … ORDER BY …"},
		{"no file", missing, columns, Options{Label: "repaid"}, missing + ": cannot be reached: unable to open database file (14)"},
		{"no file named", "sqlite:", columns, Options{Label: "repaid"}, "sqlite:: names no file, expected sqlite:FILE"},
		{"no such table", path, "SELECT * FROM people", Options{Label: "repaid"}, path + ": refuses the query: SQL logic error: no such table: people (1)"},
		{"a change", path, "DELETE FROM loans RETURNING rooms, repaid", Options{Label: "repaid"},
			path + ": refuses the query: attempt to write a readonly database (8)"},
		{"no rows", path, "SELECT rooms, repaid FROM loans WHERE id > 9", Options{Label: "repaid"}, path + ": gives no rows for the query"},
		{"a name twice", path, "SELECT rooms, rooms, repaid FROM loans", Options{Label: "repaid"},
			path + `: column "rooms": stands twice in the result, as columns 1 and 2`},
		{"no label", path, columns, Options{Label: "kind"}, path + `: column "kind": is not in the result, which has "rooms", "city", "repaid"`},
		{"null", path, columns, Options{Label: "repaid"}, path + `: row 3: column "city": the value is missing (null); impute missing values, or remove the row`},
		{"times", path, "SELECT at, repaid FROM loans ORDER BY id", Options{Label: "repaid"},
			path + `: row 1: column "at": holds dates or times (TIMESTAMP); make numbers of them in the query, such as unixepoch(…), or drop the column`},
		{"bytes", path, "SELECT photo, repaid FROM loans ORDER BY id", Options{Label: "repaid"},
			path + `: row 1: column "photo": holds bytes (BLOB), expected numbers, booleans or texts; convert them in the query, or drop the column`},
		{"a text among numbers", numbers, "SELECT * FROM n", Options{Label: "y"},
			numbers + `: row 1002: column "x": "oops" is a text after more than 1000 distinct numbers; convert the column in the query, or drop it`},
		{"a category that the schema lacks", path, columns, Options{Label: "repaid", Impute: true, Schema: signature(t, softmax.Feature{Name: "city", Categories: []string{"Bonn"}})},
			path + `: row 2: column "city": "Kiel" is none of the 1 categories that the schema has: "Bonn"`},
		{"labels apart", path, columns, Options{Label: "repaid"}, path + ": has its labels in a column; a file of labels goes with an array of numpy only"},
		{"another database", "mysql://ann:s3cr3t@127.0.0.1/shop", columns, Options{Label: "y"},
			"mysql://…: is no database that can be read, expected a file, postgres://… or sqlite:FILE"},
		{"a query of a file", "iris.csv", columns, Options{Label: "y"}, "iris.csv: is a file, which takes no query; a database is postgres://… or sqlite:FILE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := Source{Path: test.path, Query: test.query}
			if test.name == "labels apart" {
				source.Labels = "y.npy"
			}
			table, err := Load(t.Context(), source, test.options)
			expectRefusal(t, table, err, test.want)
		})
	}
}

func TestSQLiteFilesMayHaveOddNames(t *testing.T) {
	t.Parallel()
	path := sqliteOf(t, "a b#100% é.db", loans, "INSERT INTO loans (rooms, repaid) VALUES (1, 'a'), (2, 'b')")
	if table := mustLoad(t, Source{Path: path, Query: "SELECT rooms, repaid FROM loans"}, Options{Label: "repaid"}); table.Len() != 2 || table.Path != path {
		t.Errorf("got %+v", table)
	}
}

func TestATextAmongNumbersOfSQLiteIsAWarning(t *testing.T) {
	t.Parallel()
	path := sqliteOf(t, "odd.db", loans, "INSERT INTO loans (rooms, repaid) VALUES (1, 'a'), (2, 'b'), ('three', 'a'), (4, 'b')")
	table := mustLoad(t, Source{Path: path, Query: "SELECT rooms, repaid FROM loans"}, Options{Label: "repaid"})
	if !table.Signature.Feature(0).Categorical() || len(table.Warnings) != 1 {
		t.Fatalf("feature %+v, warnings %v", table.Signature.Feature(0), table.Warnings)
	}
	want := `row 3: column "rooms": "three" is a text, so the column is categorical with 4 categories`
	if got := table.Warnings[0].Error(); !strings.HasSuffix(got, want) {
		t.Errorf("warning is %s, expected it to end with %s", got, want)
	}
}

func TestQueriesEndWithTheirContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	endless := "WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM i) SELECT n, n%2 AS y FROM i"
	told := func(read, _ int64) {
		if read == 2*rowsPerCheck {
			cancel()
		}
	}
	table, err := Load(ctx, Source{Path: loansDatabase(t), Query: endless}, Options{Label: "y", Progress: told})
	if !errors.Is(err, context.Canceled) || table != nil {
		t.Errorf("got %v, %v", table, err)
	}
}

func TestPasswordsAreNotTold(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t%2Fpass"
	tests := []struct{ path, shown string }{
		{"postgres://ann:" + secret + "@127.0.0.1:1/shop?sslmode=disable", "postgres://ann@127.0.0.1:1/shop"},
		{"postgresql://127.0.0.1:1/shop?user=ann&password=" + secret, "postgresql://127.0.0.1:1/shop"},
		{"postgres://ann:" + secret + "@127.0.0.1:port/shop", "postgres:"},
		{"POSTGRES://ann:" + secret + "@127.0.0.1:1/shop?sslmode=disable", "postgres://ann@127.0.0.1:1/shop"},
		{" postgres:ann:" + secret + "@127.0.0.1:1/shop", "postgres:"},
		{"mysql://ann:" + secret + "@127.0.0.1:1/shop", "mysql://…"},
		{"postgres://ann:" + secret + "%zz@127.0.0.1/shop", "postgres:"},
		{"postgres://ann:" + secret + "@127.0.0.1:1/shop?sslmode=s3cr3t/pass", "postgres://ann@127.0.0.1:1/shop"},
		{"postgres://ann:" + secret + "@127.0.0.1:1/shop?connect_timeout=" + secret, "postgres://ann@127.0.0.1:1/shop"},
	}
	for _, test := range tests {
		table, err := Load(t.Context(), Source{Path: test.path, Query: "SELECT 1"}, Options{Label: "y"})
		expectOwnError(t, table, err)
		if text := err.Error(); strings.Contains(text, "s3cr3t") || !strings.HasPrefix(text, test.shown+": ") {
			t.Errorf("error is %s, expected it to begin with %s", text, test.shown)
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			if text := fmt.Sprintf("%+v", cause); strings.Contains(text, "s3cr3t") {
				t.Errorf("a cause tells the password: %s", text)
			}
		}
	}
}
