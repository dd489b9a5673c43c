//go:build !nosqlite

package dataset

import _ "modernc.org/sqlite" // the driver "sqlite"

// hasSQLite tells whether tables of SQLite can be read. The driver is a seventh of the binary, and
// a server has no use for it.
const hasSQLite = true
