package dataset

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Rows reads the rows of a CSV file one by one.
type Rows struct {
	path   string
	csv    *csv.Reader
	header []string
	line   int
}

// ReadRows reads the header of a CSV file; path names the file in errors. The reader is read
// as rows are asked for. The error is an [*Error].
func ReadRows(r io.Reader, path string) (*Rows, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		if _, err := buffered.Discard(len(mark)); err != nil {
			return nil, &Error{Path: path, Problem: "cannot be read", Err: err}
		}
	}
	rows := &Rows{path: path, csv: csv.NewReader(buffered)}
	rows.csv.FieldsPerRecord = -1
	rows.csv.TrimLeadingSpace = true
	rows.csv.ReuseRecord = true
	header, err := rows.read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &Error{Path: path, Line: 1, Problem: "the file is empty, expected a header line with the names of the columns"}
	case err != nil:
		return nil, err
	}
	rows.header = make([]string, len(header))
	for i, name := range header {
		rows.header[i] = strings.Clone(name)
	}
	return rows, rows.checkHeader()
}

func (r *Rows) checkHeader() error {
	if only := r.header[0]; len(r.header) == 1 && strings.ContainsAny(only, ";\t|") {
		return r.failf("", "the header has one column, %q: the cells must be separated by commas", only)
	}
	first := make(map[string]int, len(r.header))
	for i, name := range r.header {
		if name == "" {
			return r.failf("", "column %d has no name in the header", i+1)
		}
		if !utf8.ValidString(name) {
			return r.failf("", "the name of column %d is not UTF-8 text", i+1)
		}
		if at, taken := first[name]; taken {
			return r.failf(name, "stands twice in the header, as columns %d and %d", at+1, i+1)
		}
		first[name] = i
	}
	return nil
}

// Header returns the names of the columns: distinct, not empty. The caller must not change it.
func (r *Rows) Header() []string { return r.header }

// Columns returns the positions of the columns of those names. The error is an [*Error] that
// names the first one missing and lists what there is.
func (r *Rows) Columns(names ...string) ([]int, error) {
	at := make(map[string]int, len(r.header))
	for i, name := range r.header {
		at[name] = i
	}
	positions := make([]int, len(names))
	for i, name := range names {
		position, ok := at[name]
		if !ok {
			return nil, &Error{Path: r.path, Line: 1, Column: name,
				Problem: "is not in the header, which has " + listNames(r.header)}
		}
		positions[i] = position
	}
	return positions, nil
}

// Next returns the cells of the next row, as many as the header has names; they are valid
// until the next call. It returns [io.EOF] after the last row; any other error is an [*Error].
func (r *Rows) Next() ([]string, error) {
	cells, err := r.read()
	if err != nil {
		return nil, err
	}
	if len(cells) != len(r.header) {
		return nil, r.failf("", "the row has %d cells, expected %d as in the header", len(cells), len(r.header))
	}
	return cells, nil
}

// Line returns the line of the file at which the last row begins; the header is line 1 unless
// blank lines go before it.
func (r *Rows) Line() int { return r.line }

// Fail returns the error that the last row has a problem in the column of that name.
func (r *Rows) Fail(column, problem string) error {
	return &Error{Path: r.path, Line: r.line, Column: column, Problem: problem}
}

func (r *Rows) failf(column, format string, args ...any) error {
	return r.Fail(column, fmt.Sprintf(format, args...))
}

func (r *Rows) read() ([]string, error) {
	cells, err := r.csv.Read()
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case errors.As(err, &syntax):
		line := syntax.Line
		if errors.Is(syntax.Err, csv.ErrQuote) {
			line = syntax.StartLine // a quote left open swallows lines: where it opened helps more
		}
		return nil, &Error{Path: r.path, Line: line, Problem: "is not CSV", Err: syntax.Err}
	case err != nil:
		return nil, &Error{Path: r.path, Problem: "cannot be read", Err: err}
	}
	r.line, _ = r.csv.FieldPos(0)
	for i, cell := range cells {
		cells[i] = strings.TrimSpace(cell)
	}
	return cells, nil
}

// Missing reports whether a cell, without white space around it, stands for a missing value.
func Missing(cell string) bool {
	switch cell {
	case "", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?":
		return true
	}
	return false
}
