//go:build nosqlite

package dataset

const hasSQLite = false
