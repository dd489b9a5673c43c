package dataset

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

const sqliteScheme = "sqlite:"

// database is where to send a query. Its errors do not tell the password.
type database struct {
	path     string // the URL without password and options, for people
	secret   []string
	sqlite   string // the file, as the driver takes it; empty: postgres
	postgres *pgconn.Config
}

// isAddress reports whether a path is a URL, which may hold a password, and no file.
func isAddress(path string) bool {
	scheme, _, found := strings.Cut(path, "://")
	return found && !strings.ContainsAny(scheme, `/\`) || isPostgres(path)
}

// isPostgres reports whether a path is meant as a database of PostgreSQL.
func isPostgres(path string) bool {
	scheme, _, found := strings.Cut(strings.TrimSpace(path), ":")
	return found && (strings.EqualFold(scheme, "postgres") || strings.EqualFold(scheme, "postgresql"))
}

func isDatabase(path string) bool { return isAddress(path) || strings.HasPrefix(path, sqliteScheme) }

// openDatabase returns the database at a URL; no connection is made yet.
func openDatabase(address string) (*database, error) {
	if file, ok := strings.CutPrefix(address, sqliteScheme); ok {
		d := &database{path: address}
		if file == "" {
			return nil, d.fail("names no file, expected sqlite:FILE", nil)
		}
		if !hasSQLite {
			return nil, d.fail("cannot be read by this build, that of the container image, which leaves SQLite out; use a binary of the release, or export the table to Parquet or CSV", nil)
		}
		// The driver takes a URL, whose path must not end at a question mark of the file's name.
		name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: "mode=ro"}
		d.sqlite = name.String()
		return d, nil
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(address), ":")
	if !isPostgres(address) {
		return nil, &Error{Path: scheme + "://…", Problem: "is no database that can be read, expected a file, postgres://… or sqlite:FILE"}
	}
	d := &database{path: "postgres:"}
	const want = "is no URL of a database, expected postgres://user:password@host:port/database; special characters in the password are written as %-codes"
	address = strings.ToLower(scheme) + ":" + rest
	parsed, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(rest, "//") {
		return nil, d.fail(want, nil) // err holds the whole URL
	}
	d.hide(parsed)
	if d.postgres, err = pgconn.ParseConfig(address); err != nil {
		return nil, d.fail(want, err)
	}
	if d.postgres.Password != "" {
		d.secret = append(d.secret, d.postgres.Password)
	}
	return d, nil
}

// hide keeps the parts of a URL that may be told, and remembers those that may not.
func (d *database) hide(u *url.URL) {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil {
		shown.User = url.User(u.User.Username())
		if password, set := u.User.Password(); set {
			d.secret = append(d.secret, password, url.PathEscape(password), strings.TrimPrefix(u.User.String(), u.User.Username()+":"))
		}
	}
	for name, values := range u.Query() {
		if strings.Contains(name, "password") {
			d.secret = append(d.secret, values...)
		}
	}
	d.path = shown.String()
}

// fail returns an error of the database; the cause is kept unless it tells a secret.
func (d *database) fail(problem string, err error) *Error {
	if err != nil {
		for _, secret := range d.secret {
			if secret != "" && strings.Contains(err.Error(), secret) {
				err = errors.New("the cause is not shown: its text holds the password")
			}
		}
	}
	return &Error{Path: d.path, Problem: problem, Err: err}
}

// result is the rows of a query.
type result interface {
	// columns returns the names of the columns and of their types.
	columns() (names, types []string, err error)
	// next moves to the next row, and reports whether there is one.
	next() bool
	// read writes the row to cells, one for each column: nil, an int64, a float64, a bool, a string,
	// or what cannot be read.
	read(cells []any) error
	// err returns why next found no row, nil after the last one.
	err() error
	// close ends what the query began.
	close(ctx context.Context)
}

// query runs a query, in one snapshot, in which it cannot change anything.
func (d *database) query(ctx context.Context, query string) (result, error) {
	if d.sqlite == "" {
		return d.queryPostgres(ctx, query)
	}
	return d.querySQLite(ctx, query)
}

func (d *database) querySQLite(ctx context.Context, query string) (_ result, err error) {
	db, err := sql.Open("sqlite", d.sqlite)
	if err != nil {
		return nil, d.fail("cannot be opened", err)
	}
	r := &sqliteResult{db: db}
	defer func() {
		if err != nil {
			r.close(ctx)
		}
	}()
	if r.connection, err = db.Conn(ctx); err != nil {
		return nil, d.fail("cannot be reached", err)
	}
	if err := confineSQLite(r.connection); err != nil {
		return nil, d.fail("cannot be confined to its file", err)
	}
	if r.tx, err = r.connection.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err != nil {
		return nil, d.fail("cannot be reached", err)
	}
	if r.rows, err = r.tx.QueryContext(ctx, query); err != nil {
		return nil, d.fail("refuses the query", err)
	}
	return r, nil
}

type sqliteResult struct {
	db         *sql.DB
	connection *sql.Conn
	tx         *sql.Tx
	rows       *sql.Rows
	places     []any
}

func (r *sqliteResult) columns() (names, types []string, err error) {
	columns, err := r.rows.ColumnTypes()
	for _, c := range columns {
		names, types = append(names, c.Name()), append(types, c.DatabaseTypeName())
	}
	return names, types, err
}

func (r *sqliteResult) next() bool { return r.rows.Next() }

func (r *sqliteResult) read(cells []any) error {
	r.places = r.places[:0]
	for i := range cells {
		r.places = append(r.places, &cells[i])
	}
	return r.rows.Scan(r.places...)
}

func (r *sqliteResult) err() error { return r.rows.Err() }

func (r *sqliteResult) close(context.Context) {
	if r.rows != nil {
		_ = r.rows.Close()
	}
	if r.tx != nil {
		_ = r.tx.Rollback()
	}
	if r.connection != nil {
		_ = r.connection.Close()
	}
	_ = r.db.Close()
}
