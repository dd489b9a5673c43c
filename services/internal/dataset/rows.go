package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Rows reads the rows of a CSV file one by one.
type Rows struct {
	scanner *scanner
	header  header
	cells   []string
	joined  []byte
}

// ReadRows reads the header of a CSV file; path names the file in errors. The reader is read
// as rows are asked for. The error is an [*Error].
func ReadRows(r io.Reader, path string) (*Rows, error) {
	rows := &Rows{scanner: newScanner(r), header: header{path: path, noun: "the header"}}
	rows.scanner.skipMark()
	err := rows.read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &Error{Path: path, Line: 1, Problem: "the file is empty, expected a header line with the names of the columns"}
	case err != nil:
		return nil, err
	}
	rows.header.line = rows.Line()
	rows.header.name = rows.texts()
	rows.cells = nil // the names are kept
	if only := rows.header.name[0]; len(rows.header.name) == 1 && strings.ContainsAny(only, ";\t|") {
		return nil, rows.header.fail("", "the header has one column, %q: the cells must be separated by commas", brief(only))
	}
	if strings.ContainsRune(strings.Join(rows.header.name, ","), '\r') {
		return nil, rows.header.fail("", "the lines end with a carriage return alone, expected a line feed, with or without one before it")
	}
	return rows, rows.header.check()
}

// Header returns the names of the columns: distinct, not empty. The caller must not change it.
func (r *Rows) Header() []string { return r.header.name }

// Columns returns the positions of the columns of those names. The error is an [*Error] that
// names the first one missing and lists what there is.
func (r *Rows) Columns(names ...string) ([]int, error) { return r.header.find(names...) }

// Next returns the cells of the next row, as many as the header has names; they are valid
// until the next call. It returns [io.EOF] after the last row; any other error is an [*Error].
func (r *Rows) Next() ([]string, error) {
	if err := r.next(); err != nil {
		return nil, err
	}
	return r.texts(), nil
}

// next reads the cells of the next row into those of the scanner.
func (r *Rows) next() error {
	if err := r.read(); err != nil {
		return err
	}
	if got, want := len(r.scanner.cells), len(r.header.name); got != want {
		return r.Fail("", fmt.Sprintf("the row has %d cells, expected %d as in the header", got, want))
	}
	return nil
}

// texts returns the cells of the scanner, all parts of one string.
func (r *Rows) texts() []string {
	r.joined, r.cells = r.joined[:0], r.cells[:0]
	for _, cell := range r.scanner.cells {
		r.joined = append(r.joined, cell...)
	}
	rest := string(r.joined)
	for _, cell := range r.scanner.cells {
		r.cells = append(r.cells, rest[:len(cell)])
		rest = rest[len(cell):]
	}
	return r.cells
}

// Line returns the line of the file at which the last row begins; the header is line 1 unless
// blank lines go before it.
func (r *Rows) Line() int { return r.scanner.line }

// Fail returns the error that the last row has a problem in the column of that name.
func (r *Rows) Fail(column, problem string) error {
	return &Error{Path: r.header.path, Line: r.Line(), Column: column, Problem: problem}
}

func (r *Rows) read() error {
	err := r.scanner.read()
	var syntax *csv.ParseError
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return err
	case errors.As(err, &syntax):
		return &Error{Path: r.header.path, Line: syntax.Line, Problem: "is not CSV", Err: syntax.Err}
	}
	return &Error{Path: r.header.path, Problem: "cannot be read", Err: err}
}

// Missing reports whether a cell, without white space around it, stands for a missing value.
func Missing(cell string) bool {
	switch cell {
	case "", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?":
		return true
	}
	return false
}

func missing(cell []byte) bool { return len(cell) <= 4 && Missing(string(cell)) }
