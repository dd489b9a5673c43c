package dataset

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
)

// readNPY reads a two-dimensional array of numpy, whose columns are called f1, f2 and so on.
// The labels are one of them, or stand in the file of that path.
func readNPY(ctx context.Context, in *input, labels string, o Options) (*Table, error) {
	array, err := readNPYHeader(in.text)
	if err == nil {
		err = array.checkTable(in.size)
	}
	if err != nil {
		return nil, &Error{Path: in.path, Problem: err.Error()}
	}
	b := &builder{options: o, byRow: true, labelsApart: labels != ""}
	if b.labelsApart {
		b.options.Label = cmp.Or(o.Label, "label")
	}
	h := &header{path: in.path, noun: "the array", name: make([]string, array.shape[1])}
	for i := range h.name {
		h.name[i] = columnName(i)
	}
	if err := b.plan(h); err != nil {
		return nil, err
	}
	c := newColumnar(b, array.shape[0], array.shape[1])
	for _, role := range c.role {
		c.declareNumbers(role)
	}
	if err := c.readArray(ctx, in.text, array); err != nil {
		return nil, err
	}
	if b.labelsApart {
		if err := c.readLabels(ctx, in, labels); err != nil {
			return nil, err
		}
	}
	return b.table(ctx)
}

// checkTable refuses what is no table of numbers.
func (h *npyHeader) checkTable(fileSize int64) error {
	switch {
	case h.isText():
		return errors.New("holds texts, expected numbers; texts can be labels only, in a file of their own")
	case len(h.shape) != 2:
		return errors.New("has " + strconv.Itoa(len(h.shape)) + " dimensions, expected 2: rows and columns")
	case h.shape[0] == 0 || h.shape[1] == 0:
		return errors.New("has no rows or no columns")
	}
	return h.check(fileSize)
}

// readArray reads the elements in the order in which they stand.
func (c *columnar) readArray(ctx context.Context, r io.Reader, h *npyHeader) error {
	buffered, ok := r.(*bufio.Reader)
	if !ok {
		buffered = bufio.NewReaderSize(r, bufferBytes)
	}
	rows, columns := h.shape[0], h.shape[1]
	element := make([]byte, h.size)
	var text []byte
	for i := range rows * columns {
		if i%rowsPerCheck == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := io.ReadFull(buffered, element); err != nil {
			return &Error{Path: c.path, Problem: "cannot be read", Err: err}
		}
		row, column := i/columns, i%columns
		if h.fortran {
			row, column = i%rows, i/rows
		}
		var err error
		switch role := c.role[column]; {
		case role == unusedRole:
		case c.takesText(role):
			text = h.appendText(text[:0], element)
			err = c.putText(column, row, text)
		default:
			err = c.putNumber(column, row, h.number(element))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readLabels reads the labels from the array in the file of that path, whose bytes go into the
// digest after those of the table.
func (c *columnar) readLabels(ctx context.Context, in *input, path string) error {
	if _, err := in.sum(); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return &Error{Path: path, Problem: "cannot be opened", Err: bare(err)}
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return &Error{Path: path, Problem: "cannot be opened", Err: bare(err)}
	}
	r := bufio.NewReaderSize(io.TeeReader(&watched{ended: ctx.Err, r: file}, in.digest), bufferBytes)
	h, err := readNPYHeader(r)
	if err == nil {
		err = h.checkLabels(info.Size(), c.n)
	}
	if err != nil {
		return &Error{Path: path, Problem: err.Error()}
	}
	c.builder.path = path
	element, text := make([]byte, h.size), []byte{}
	for row := range c.n {
		if _, err := io.ReadFull(r, element); err != nil {
			return &Error{Path: path, Problem: "cannot be read", Err: err}
		}
		text = h.appendText(text[:0], element)
		if _, err := c.addText(labelRole, row, text); err != nil {
			return err
		}
	}
	c.builder.path = in.path
	return nil
}

// checkLabels refuses what are no labels of that many rows.
func (h *npyHeader) checkLabels(fileSize int64, rows int) error {
	one := len(h.shape) == 1 || len(h.shape) == 2 && h.shape[1] == 1
	switch {
	case !one:
		return errors.New("has " + strconv.Itoa(len(h.shape)) + " dimensions, expected 1: a label for each row")
	case h.shape[0] != rows:
		return errors.New("has " + strconv.Itoa(h.shape[0]) + " labels, expected " + strconv.Itoa(rows) + ", one for each row")
	}
	return h.check(fileSize)
}
