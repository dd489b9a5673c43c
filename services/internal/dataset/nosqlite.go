//go:build nosqlite

package dataset

import "database/sql"

const hasSQLite = false

func confineSQLite(*sql.Conn) error { return nil }
