package dataset

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// postgresTypes names the types of PostgreSQL that are not read as texts, by their numbers, which
// are the same in every database.
var postgresTypes = map[uint32]string{
	16: "BOOL", 20: "INT8", 21: "INT2", 23: "INT4", 26: "OID", 700: "FLOAT4", 701: "FLOAT8", 1700: "NUMERIC",
	1082: "DATE", 1083: "TIME", 1266: "TIMETZ", 1114: "TIMESTAMP", 1184: "TIMESTAMPTZ", 1186: "INTERVAL",
	17: "BYTEA", 114: "JSON", 3802: "JSONB", 142: "XML", 2249: "RECORD", 1560: "BIT", 1562: "VARBIT", 600: "POINT",
	1000: "BOOL[]", 1001: "BYTEA[]", 1002: "CHAR[]", 1005: "INT2[]", 1007: "INT4[]", 1009: "TEXT[]", 1014: "BPCHAR[]", 1015: "VARCHAR[]",
	1016: "INT8[]", 1021: "FLOAT4[]", 1022: "FLOAT8[]", 1115: "TIMESTAMP[]", 1182: "DATE[]", 1185: "TIMESTAMPTZ[]", 1231: "NUMERIC[]", 2951: "UUID[]",
	199: "JSON[]", 3807: "JSONB[]",
}

// postgresResult reads values in the text format: of floats the shortest that reads back as the
// same, since PostgreSQL 12.
type postgresResult struct {
	connection *pgconn.PgConn
	reader     *pgconn.ResultReader
	types      []uint32
	failure    error
}

func (d *database) queryPostgres(ctx context.Context, query string) (result, error) {
	connection, err := pgconn.ConnectConfig(ctx, d.postgres)
	if err != nil {
		return nil, d.fail("cannot be reached", err)
	}
	const begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL extra_float_digits = 1"
	if _, err := connection.Exec(ctx, begin).ReadAll(); err != nil {
		_ = connection.Close(ctx)
		return nil, d.fail("begins no transaction", err)
	}
	// The extended protocol takes one statement only, so that none can end the transaction.
	r := &postgresResult{connection: connection, reader: connection.ExecParams(ctx, query, nil, nil, nil, nil)}
	fields := r.reader.FieldDescriptions()
	if len(fields) == 0 {
		_, err := r.reader.Close()
		_ = connection.Close(ctx)
		if err == nil {
			return nil, d.fail("refuses the query: it gives no columns", nil)
		}
		return nil, d.fail("refuses the query", err)
	}
	for _, field := range fields {
		r.types = append(r.types, field.DataTypeOID)
	}
	return r, nil
}

func (r *postgresResult) columns() (names, types []string, err error) {
	for _, field := range r.reader.FieldDescriptions() {
		names, types = append(names, field.Name), append(types, postgresTypes[field.DataTypeOID])
	}
	return names, types, nil
}

func (r *postgresResult) next() bool {
	if r.reader.NextRow() {
		return true
	}
	_, r.failure = r.reader.Close()
	return false
}

func (r *postgresResult) read(cells []any) (err error) {
	for i, text := range r.reader.Values() {
		if text == nil {
			cells[i] = nil
			continue
		}
		switch postgresTypes[r.types[i]] {
		case "BOOL":
			cells[i] = string(text) == "t"
		case "INT2", "INT4", "INT8", "OID":
			cells[i], err = strconv.ParseInt(string(text), 10, 64)
		case "FLOAT4", "FLOAT8":
			cells[i], err = strconv.ParseFloat(string(text), 64)
		default:
			cells[i] = string(text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *postgresResult) err() error { return r.failure }

// close breaks off: a query that still runs is not waited for.
func (r *postgresResult) close(ctx context.Context) { _ = r.connection.Close(ctx) }
