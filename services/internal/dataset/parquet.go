package dataset

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

const parquetMagic = "PAR1"

// A file may say in a few bytes that a value stands in very many rows. What it asks for is
// bounded by these many values, and so many more for each of its bytes.
const (
	freeParquetValues    = 16 << 20
	parquetValuesPerByte = 4096
)

// readParquet reads a Parquet file, one column of a group of rows after the other.
func readParquet(ctx context.Context, in *input, o Options) (t *Table, err error) {
	defer func() {
		// The library is careful with broken files, but not in all places.
		if broken := recover(); broken != nil {
			t, err = nil, &Error{Path: in.path, Problem: fmt.Sprintf("is a broken Parquet file: %v", broken)}
		}
	}()
	file, err := openParquet(in)
	if err != nil {
		return nil, err
	}
	columns := file.Root().Columns()
	h := &header{path: in.path, noun: "the file", name: make([]string, len(columns))}
	for i, column := range columns {
		h.name[i] = column.Name()
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	b := &builder{options: o, byRow: true}
	if err := b.plan(h); err != nil {
		return nil, err
	}
	rows := file.NumRows()
	most := freeParquetValues + parquetValuesPerByte*in.size
	switch {
	case rows == 0:
		return nil, h.fail("", "the file has no rows")
	case rows < 0 || rows > most/int64(max(1, b.store.width)):
		return nil, h.fail("", "the file says that it has %d rows, more than one of its size may have", rows)
	}
	c := newColumnar(b, int(rows), len(columns))
	if err := c.readParquetGroups(ctx, file, in, o.Progress); err != nil {
		return nil, err
	}
	return b.table(ctx)
}

func openParquet(in *input) (*parquet.File, error) {
	// The library trusts the length of the footer, and the lengths in it.
	end := make([]byte, 8)
	if in.size < 12 {
		return nil, &Error{Path: in.path, Problem: "is too short for a Parquet file"}
	}
	if _, err := in.file.ReadAt(end, in.size-8); err != nil {
		return nil, &Error{Path: in.path, Problem: "cannot be read", Err: bare(err)}
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if string(end[4:]) != parquetMagic || length > in.size-12 {
		return nil, &Error{Path: in.path, Problem: "is no whole Parquet file: it does not end with a footer and PAR1"}
	}
	footer := make([]byte, length)
	if _, err := in.file.ReadAt(footer, in.size-8-length); err != nil {
		return nil, &Error{Path: in.path, Problem: "cannot be read", Err: bare(err)}
	}
	if _, err := skipThrift(footer, thriftStruct, 0); err != nil {
		return nil, &Error{Path: in.path, Problem: "is a broken Parquet file", Err: err}
	}
	file, err := parquet.OpenFile(in.file, in.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, &Error{Path: in.path, Problem: "is a broken Parquet file", Err: err}
	}
	return file, nil
}

// readParquetGroups reads all groups of rows.
func (c *columnar) readParquetGroups(ctx context.Context, file *parquet.File, in *input, progress func(read, total int64)) error {
	columns := file.Root().Columns()
	kinds := make([]parquetKind, len(columns))
	for i, column := range columns {
		role := c.role[i]
		if role == unusedRole {
			continue
		}
		var problem string
		if kinds[i], problem = parquetKindOf(column); problem != "" {
			return &Error{Path: c.path, Column: column.Name(), Problem: problem}
		}
		if kinds[i].isText() {
			c.declareTexts(role)
		} else {
			c.declareNumbers(role)
		}
	}
	start, groups := 0, file.RowGroups()
	for g, group := range groups {
		rows := int(group.NumRows())
		if rows < 0 || rows > c.n-start {
			return c.brokenParquet("its groups have more rows than it says")
		}
		chunks := group.ColumnChunks()
		for i, column := range columns {
			if c.role[i] == unusedRole {
				continue
			}
			meta := &file.Metadata().RowGroups[g].Columns[column.Index()].MetaData
			if err := checkPages(in.file, in.size, meta, rows); err != nil {
				return c.inParquet(column.Name(), err)
			}
			if err := c.readParquetColumn(ctx, chunks[column.Index()], i, kinds[i], start, rows); err != nil {
				return c.inParquet(column.Name(), err)
			}
		}
		start += rows
		if progress != nil {
			progress(in.size*int64(start)/int64(c.n), in.size)
		}
	}
	if start != c.n {
		return c.brokenParquet("its groups have fewer rows than it says")
	}
	return nil
}

// inParquet turns an error of the library into one of the file.
func (c *columnar) inParquet(column string, err error) error {
	var own *Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Error{Path: c.path, Column: column, Problem: "is broken", Err: err}
}

func (c *columnar) brokenParquet(problem string) *Error {
	return &Error{Path: c.path, Problem: "is a broken Parquet file: " + problem}
}

// readParquetColumn reads the values of a column in a group of rows, which begins at start.
func (c *columnar) readParquetColumn(ctx context.Context, chunk parquet.ColumnChunk, column int, kind parquetKind, start, rows int) error {
	pages := chunk.Pages()
	defer func() { _ = pages.Close() }()
	batch := make([]parquet.Value, rowsPerCheck)
	row, end := start, start+rows
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		values := page.Values()
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := values.ReadValues(batch)
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if n > end-row {
				return c.brokenParquet("a column has more values than its group has rows")
			}
			for _, v := range batch[:n] {
				if err := c.putParquet(column, row, kind, v); err != nil {
					return err
				}
				row++
			}
			more = err == nil && n > 0
		}
		parquet.Release(page)
	}
	if row != end {
		return c.brokenParquet("a column has fewer values than its group has rows")
	}
	return nil
}

func (c *columnar) putParquet(column, row int, kind parquetKind, v parquet.Value) error {
	switch {
	case v.IsNull():
		return c.putText(column, row, nil)
	case c.takesText(c.role[column]) || kind.isText():
		return c.putText(column, row, kind.text(v))
	}
	return c.putNumber(column, row, kind.number(v))
}
