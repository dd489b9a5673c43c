package dataset

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
)

// readCSV reads the rows of a CSV file.
func readCSV(ctx context.Context, in *input, o Options) (*Table, error) {
	rows, err := ReadRows(in.text, in.path)
	if err != nil {
		return nil, err
	}
	b := &builder{options: o}
	if err := b.plan(&rows.header); err != nil {
		return nil, err
	}
	if in.file != nil && !in.gzip {
		most, err := countLines(ctx, in.file)
		if err != nil {
			return nil, &Error{Path: in.path, Problem: "cannot be read", Err: err}
		}
		// A row has a byte for each column at least, be it a comma.
		b.reserve(min(most, int(in.size)/len(rows.Header())+1))
	}
	for {
		if err := b.due(ctx); err != nil {
			return nil, err
		}
		err := rows.next()
		switch {
		case errors.Is(err, io.EOF) && b.n == 0:
			return nil, rows.Fail("", "the file has a header but no rows")
		case errors.Is(err, io.EOF):
			return b.table(ctx)
		case err != nil:
			return nil, err
		}
		if err := b.addTexts(rows.scanner.cells, rows.Line()); err != nil {
			return nil, err
		}
	}
}

// countLines counts the ends of lines of a file from its start, not moving where it is read
// from, and one more for a last line without an end.
func countLines(ctx context.Context, file *os.File) (int, error) {
	buffer := make([]byte, bufferBytes)
	n := 1
	for offset := int64(0); ctx.Err() == nil; {
		read, err := file.ReadAt(buffer, offset)
		n += bytes.Count(buffer[:read], []byte{'\n'})
		offset += int64(read)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, err
		}
	}
	return 0, ctx.Err()
}
