package dataset

import (
	"context"
	"io"
	"strings"
)

// Load reads a table. What is a number and what a category follows from the schema, if there is
// one, or else from the values: see the package's comment. The categories of a feature stand in
// the order of their bytes, the classes in that of their numbers if all are numbers.
//
// The error is an [*Error], or that of the context.
func Load(ctx context.Context, s Source, o Options) (*Table, error) {
	t, err := load(ctx, s, o)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func load(ctx context.Context, s Source, o Options) (*Table, error) {
	if isDatabase(s.Path) {
		return readDatabase(ctx, s, o)
	}
	if s.Query != "" {
		return nil, &Error{Path: s.Path, Problem: "is a file, which takes no query; a database is postgres://… or sqlite:FILE"}
	}
	in, file, err := open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return in.load(ctx, s, o)
}

// Read reads a table from text as Load does from standard input; path names it in errors.
func Read(ctx context.Context, r io.Reader, path string, o Options) (*Table, error) {
	in, err := newInput(ctx, r, &input{path: path})
	if err != nil {
		return nil, err
	}
	t, err := in.load(ctx, Source{}, o)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return t, err
}

const labelsInColumn = "has its labels in a column; a file of labels goes with an array of numpy only"

func (in *input) load(ctx context.Context, s Source, o Options) (t *Table, err error) {
	if s.Labels != "" && in.format != NPY {
		return nil, &Error{Path: in.path, Problem: labelsInColumn}
	}
	if in.format != Parquet { // which tells of its groups
		in.tell(o.Progress)
	}
	switch in.format {
	case CSV, CSVGzip:
		if in.format == CSVGzip && !in.gzip {
			return nil, &Error{Path: in.path, Problem: "is not gzip"}
		}
		t, err = readCSV(ctx, in, o)
	case LIBSVM:
		t, err = readLIBSVM(ctx, in, o)
	case Parquet, NPY:
		if in.file == nil || in.gzip {
			return nil, &Error{Path: in.path, Problem: "cannot be read as " + string(in.format) + ": that needs a file, not a stream or gzip"}
		}
		if in.format == NPY {
			t, err = readNPY(ctx, in, s.Labels, o)
		} else {
			t, err = readParquet(ctx, in, o)
		}
	default:
		formats := []string{string(CSV), string(CSVGzip), string(Parquet), string(LIBSVM), string(NPY)}
		return nil, &Error{Path: in.path, Problem: "cannot be read as " + string(in.format) + ", expected one of " + strings.Join(formats, ", ")}
	}
	if err != nil {
		return nil, err
	}
	t.Digest, err = in.sum()
	return t, err
}
