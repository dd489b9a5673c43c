//go:build !nosqlite

package dataset

import (
	"database/sql"

	"modernc.org/sqlite" // and the driver of that name
	sqlite3 "modernc.org/sqlite/lib"
)

// hasSQLite tells whether tables of SQLite can be read. The driver is a seventh of the binary, and
// a server has no use for it.
const hasSQLite = true

// confineSQLite keeps a connection to its one file: a query could attach others, and those can be
// written, or be made.
func confineSQLite(connection *sql.Conn) error {
	_, err := sqlite.Limit(connection, sqlite3.SQLITE_LIMIT_ATTACHED, 0)
	return err
}
