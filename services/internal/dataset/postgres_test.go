//go:build unix

package dataset

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sepal-ml/sepal/services/softmax"
)

// postgresPrograms returns the folder of PostgreSQL's programs, and skips the test if there is none.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Skip("PostgreSQL is not tested: initdb is neither in the path nor in /usr/lib/postgresql/*/bin (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(found[len(found)-1])
}

// unprivileged returns how to run a program that refuses root: as the user postgres if that is
// who the test is, else as it is.
func unprivileged(t *testing.T, folder string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("PostgreSQL is not tested: it does not run as root, and there is no user postgres")
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(folder, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(folder), 0o711); err != nil { // which t.TempDir keeps to itself
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

const postgresPassword = "open sesame/%"

// startPostgres starts a server of PostgreSQL that listens on a socket in a folder of the test,
// runs a script, and returns the URL of its database.
func startPostgres(t *testing.T, script string) string {
	t.Helper()
	programs, folder := postgresPrograms(t), t.TempDir()
	as := unprivileged(t, folder)
	command := func(name string, arguments ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(programs, name), arguments...)
		c.Dir, c.SysProcAttr, c.Env = folder, as, append(os.Environ(), "LC_ALL=C")
		return c
	}
	data, password := filepath.Join(folder, "data"), filepath.Join(folder, "password")
	if err := os.WriteFile(password, []byte(postgresPassword+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := command("initdb", "-D", data, "-U", "ann", "--auth=scram-sha-256", "--pwfile="+password, "--no-sync", "-E", "UTF8").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := command("postgres", "-D", data, "-k", folder, "-h", "", "-c", "fsync=off", "-c", "max_connections=10", "-c", "shared_buffers=1MB")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // which ends sessions
		_ = server.Wait()
	})
	address := "postgres://ann:open%20sesame%2F%25@/postgres?host=" + folder
	connection, err := pgconn.Connect(t.Context(), address)
	for deadline := time.Now().Add(time.Minute); err != nil; connection, err = pgconn.Connect(t.Context(), address) {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	defer connection.Close(t.Context())
	if _, err := connection.Exec(t.Context(), script).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return address
}

const houses = `
CREATE TYPE kind AS ENUM ('flat', 'house');
CREATE TABLE houses (id int PRIMARY KEY, area real, price numeric(12,2), rooms smallint, old boolean, plot bigint, town varchar(20),
	kind kind, built date, tags text[], sold text NOT NULL, share double precision);
INSERT INTO houses VALUES
	(1, 80.5, 1234.56, 3, true, 10000000000, 'Bonn', 'flat', '2001-02-03', '{a}', 'yes', 1),
	(2, NULL, 99.90, 4, false, 2, 'Kiel', 'house', NULL, NULL, 'no', 0.5),
	(3, 60, 'NaN', NULL, true, 3, ' Bonn ', 'flat', NULL, NULL, 'yes', 2),
	(4, 70, 5, 2, NULL, 4, NULL, NULL, NULL, NULL, 'no', 1);
`

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	address := startPostgres(t, houses)
	load := func(query string, o Options) (*Table, error) {
		return Load(t.Context(), Source{Path: address, Query: query}, o)
	}
	t.Run("types", func(t *testing.T) {
		table, err := load("SELECT area, price, rooms, old, plot, town, kind, share, sold FROM houses ORDER BY id", Options{Label: "sold", Weight: "share", Impute: true})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range table.Signature.Features() {
			names = append(names, f.Name+strings.Join(f.Categories, "|"))
		}
		if want := []string{"area", "price", "rooms", "old", "plot", "townBonn|Kiel", "kindflat|house"}; !slices.Equal(names, want) {
			t.Errorf("features are %q, expected %q", names, want)
		}
		if got, want := table.Row(0), []float64{80.5, 1234.56, 3, 1, 1e10, 0, 0}; !slices.Equal(got, want) {
			t.Errorf("row 0 is %v, expected %v", got, want)
		}
		if want := [][]int{{1}, {2}, {2}, {3}, nil, {3}, {3}}; !reflect.DeepEqual(table.Missing, want) {
			t.Errorf("missing are %v, expected %v", table.Missing, want)
		}
		if !slices.Equal(table.Labels, []int{1, 0, 1, 0}) || !slices.Equal(table.Weights, []float64{1, 0.5, 2, 1}) {
			t.Errorf("labels are %v, weights %v", table.Labels, table.Weights)
		}
		if table.Path != "postgres:///postgres" && table.Path != "postgres://ann@/postgres" {
			t.Errorf("path is %s", table.Path)
		}
	})
	t.Run("a schema", func(t *testing.T) {
		schema := signature(t, softmax.Feature{Name: "town", Categories: []string{"Kiel", "Bonn"}}, softmax.Feature{Name: "plot"})
		table, err := load("SELECT plot, town, sold, built FROM houses WHERE id < 4 ORDER BY id", Options{Label: "sold", Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		if want := []float64{1, 1e10, 0, 2, 1, 3}; !slices.Equal(table.Rows, want) {
			t.Errorf("rows are %v, expected %v", table.Rows, want)
		}
	})
	for _, test := range []struct{ name, query, want string }{
		{"an unknown table", "SELECT * FROM flats", `refuses the query: ERROR: relation "flats" does not exist (SQLSTATE 42P01)`},
		{"a change", "DELETE FROM houses RETURNING plot, sold", "ERROR: cannot execute DELETE in a read-only transaction (SQLSTATE 25006)"},
		{"two statements", "SELECT plot, sold FROM houses; COMMIT", "refuses the query: ERROR: cannot insert multiple commands into a prepared statement (SQLSTATE 42601)"},
		{"no query", "DO $$ BEGIN END $$", "refuses the query: it gives no columns"},
		{"documents", "SELECT '{}'::jsonb AS x, sold FROM houses", `column "x": holds values of the type JSONB, expected numbers, booleans or texts; convert them in the query, or drop the column`},
		{"a row that does not fit, of very many", "SELECT 1e200::float8 AS x, i AS sold FROM (SELECT generate_series(1, 100000000) AS i) AS endless",
			`row 1: column "x": "1e+200" is not a finite number of at most 1e+150 in magnitude`},
		{"dates", "SELECT built, sold FROM houses", `column "built": holds dates or times (DATE); make numbers of them in the query, such as extract(epoch from built), or drop the column`},
		{"arrays", "SELECT tags, sold FROM houses", `column "tags": holds arrays; choose their elements in the query, or drop the column`},
		{"a query that breaks off", "SELECT 1/(4-id) AS x, sold FROM houses ORDER BY id", "ERROR: division by zero (SQLSTATE 22012)"},
		{"infinity", "SELECT 'Infinity'::float8 AS x, sold FROM houses ORDER BY id", `row 1: column "x": "+Inf" is not a finite number of at most 1e+150 in magnitude`},
	} {
		t.Run(test.name, func(t *testing.T) {
			table, err := load(test.query, Options{Label: "sold", Impute: true})
			expectOwnError(t, table, err)
			if got := err.Error(); !strings.HasSuffix(got, test.want) || strings.Contains(got, "sesame") {
				t.Errorf("error is\n%s, expected the end\n%s", got, test.want)
			}
		})
	}
	t.Run("a wrong password", func(t *testing.T) {
		wrong := strings.Replace(address, "open", "close", 1)
		table, err := Load(t.Context(), Source{Path: wrong, Query: "SELECT 1"}, Options{Label: "y"})
		expectOwnError(t, table, err)
		if got := err.Error(); !strings.Contains(got, `password authentication failed for user "ann"`) || strings.Contains(got, "sesame") {
			t.Errorf("error is %s", got)
		}
	})
	t.Run("a context that ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		told := func(int64, int64) { cancel() }
		query := "SELECT i AS x, i%2 AS y FROM (SELECT generate_series(1, 100000000) AS i) AS endless"
		table, err := Load(ctx, Source{Path: address, Query: query}, Options{Label: "y", Progress: told})
		if err != context.Canceled || table != nil {
			t.Errorf("got %v, %v", table, err)
		}
	})
}
