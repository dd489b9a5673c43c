package dataset

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// queryReader reads the rows of a query.
type queryReader struct {
	*builder
	database *database
	role     []int
	types    []string // of the columns, as the database names them
	cells    []any    // of the row read last
	text     []byte
	digest   rowDigest
}

func readDatabase(ctx context.Context, s Source, o Options) (*Table, error) {
	d, err := openDatabase(s.Path)
	if err != nil {
		return nil, err
	}
	if s.Labels != "" {
		return nil, d.fail(labelsInColumn, nil)
	}
	if strings.TrimSpace(s.Query) == "" {
		return nil, d.fail("needs a query, such as SELECT … FROM … ORDER BY …", nil)
	}
	rows, err := d.query(ctx, s.Query)
	if err != nil {
		return nil, err
	}
	defer rows.close(ctx)
	q := &queryReader{builder: &builder{options: o, byRow: true}, database: d}
	if err := q.begin(rows); err != nil {
		return nil, err
	}
	for rows.next() {
		if err := q.add(rows); err != nil {
			return nil, err
		}
		if o.Progress != nil && q.n%rowsPerCheck == 0 {
			o.Progress(int64(q.n), 0)
		}
	}
	if err := rows.err(); err != nil {
		return nil, d.fail(fmt.Sprintf("broke the query off after %d rows", q.n), err)
	}
	if q.n == 0 {
		return nil, d.fail("gives no rows for the query", nil)
	}
	t, err := q.table(ctx)
	if err != nil {
		return nil, err
	}
	t.Digest = q.digest.sum()
	return t, nil
}

// begin learns the columns of the query.
func (q *queryReader) begin(rows result) error {
	names, types, err := rows.columns()
	if err != nil {
		return q.database.fail("does not tell the columns of the query", err)
	}
	h := &header{path: q.database.path, noun: "the result", name: names}
	q.types = types
	if len(names) == 0 {
		return q.database.fail("refuses the query: it gives no columns", nil)
	}
	if err := h.check(); err != nil {
		return err
	}
	if err := q.plan(h); err != nil {
		return err
	}
	q.role = q.roles(len(types))
	q.cells = make([]any, len(types))
	for i, role := range q.role {
		if role != unusedRole && q.database.sqlite == "" {
			if err := q.declare(h.name[i], q.types[i], role); err != nil {
				return err
			}
		}
	}
	q.digest = rowDigest{hash: sha256.New()}
	q.digest.header(h.name)
	return nil
}

// declare says what a column of PostgreSQL is by its type. What is not named is a text, such as
// the values of an enumeration.
func (q *queryReader) declare(name, kind string, role int) error {
	switch kind {
	case "BOOL", "INT2", "INT4", "INT8", "FLOAT4", "FLOAT8", "NUMERIC", "OID":
		q.declareNumbers(role)
		return nil
	case "DATE", "TIME", "TIMETZ", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL":
		return q.failType(0, name, "holds dates or times ("+kind+"); make numbers of them in the query, such as extract(epoch from "+name+"), or drop the column")
	case "BYTEA", "JSON", "JSONB", "XML", "RECORD", "BIT", "VARBIT", "POINT":
		return q.failType(0, name, "holds values of the type "+kind+", expected numbers, booleans or texts; convert them in the query, or drop the column")
	}
	if strings.HasSuffix(kind, "[]") {
		return q.failType(0, name, "holds arrays; choose their elements in the query, or drop the column")
	}
	q.declareTexts(role)
	return nil
}

func (q *queryReader) failType(row int, column, problem string) *Error {
	return &Error{Path: q.path, Row: row, Column: column, Problem: problem}
}

// add takes a row of the result.
func (q *queryReader) add(rows result) error {
	if err := rows.read(q.cells); err != nil {
		return q.database.fail(fmt.Sprintf("gives a row %d that cannot be read", q.n+1), err)
	}
	values := q.store.add()
	for i, role := range q.role {
		if role == unusedRole {
			continue
		}
		value, err := q.cell(i, role, q.cells[i])
		if err != nil {
			return err
		}
		if role >= 0 {
			values[role] = value
		}
	}
	q.n++
	return nil
}

func (q *queryReader) cell(i, role int, cell any) (float64, error) {
	switch v := cell.(type) {
	case nil:
		q.digest.cell('0', nil)
		return q.addText(role, q.n, nil)
	case int64:
		q.text = strconv.AppendInt(q.text[:0], v, 10)
		q.digest.cell('n', q.text)
		return q.number(role, float64(v))
	case float64:
		q.text = strconv.AppendFloat(q.text[:0], v, 'g', -1, 64)
		q.digest.cell('n', q.text)
		return q.number(role, v)
	case bool:
		q.text = strconv.AppendBool(q.text[:0], v)
		q.digest.cell('b', q.text)
		number := 0.0
		if v {
			number = 1
		}
		if !q.takesText(role) {
			q.text = strconv.AppendFloat(q.text[:0], number, 'g', -1, 64)
		}
		return q.number(role, number)
	case string:
		q.text = append(q.text[:0], v...)
		if q.types[i] == "NUMERIC" && q.database.sqlite == "" {
			q.digest.cell('n', q.text)
			return q.decimal(role)
		}
		q.digest.cell('t', q.text)
		return q.textCell(role)
	case time.Time:
		return 0, q.failType(q.n+1, q.columnName(i), "holds dates or times ("+q.types[i]+"); make numbers of them in the query, such as unixepoch(…), or drop the column")
	}
	kind := cmp.Or(q.types[i], "BLOB")
	return 0, q.failType(q.n+1, q.columnName(i), "holds bytes ("+kind+"), expected numbers, booleans or texts; convert them in the query, or drop the column")
}

func (q *queryReader) columnName(i int) string {
	switch role := q.role[i]; role {
	case labelRole:
		return q.label.name
	case weightRole:
		return q.options.Weight
	default:
		return q.features[role].name
	}
}

// number takes a number, whose text is q.text.
func (q *queryReader) number(role int, number float64) (float64, error) {
	if q.takesText(role) || role >= 0 && !q.features[role].numeric {
		return q.addText(role, q.n, q.text)
	}
	return q.addNumber(role, q.n, number)
}

// decimal takes a number of any length, whose text is q.text.
func (q *queryReader) decimal(role int) (float64, error) {
	number, ok := parseNumber(q.text)
	if string(q.text) == "NaN" {
		number, ok = math.NaN(), true
	}
	if !ok {
		number = math.Inf(1)
	}
	return q.number(role, number)
}

// textCell takes a text. In SQLite any row may hold one: it makes its column categorical.
func (q *queryReader) textCell(role int) (float64, error) {
	if role >= 0 && q.features[role].fixed == nil {
		c := q.features[role]
		if c.numeric {
			return 0, q.inFile(c.fail(q.n+1, "%q is a text after more than %d distinct numbers; convert the column in the query, or drop it", brief(q.text), MaxCategories))
		}
		if !c.categorical {
			c.categorical, c.turned = true, sighting{q.n + 1, brief(q.text)}
		}
	}
	return q.addText(role, q.n, q.text)
}
