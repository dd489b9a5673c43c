package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// input is a file, or a stream, that is read once from its start to its end.
type input struct {
	path   string
	file   *os.File // nil: a stream, or what cannot be read twice
	size   int64    // bytes, 0 if unknown
	format Format
	gzip   bool
	text   io.Reader // what it holds, without gzip

	raw    io.Reader // what it holds, as it is
	watch  *watched  // what raw reads from
	digest hash.Hash
}

const streamName = "standard input"

// open opens the file or the stream of a source and tells its format.
func open(ctx context.Context, s Source) (*input, io.Closer, error) {
	if s.Path == "-" {
		in, err := newInput(ctx, s.In, &input{path: streamName, format: s.Format})
		return in, io.NopCloser(nil), err
	}
	file, err := openFile(ctx, s.Path)
	if err != nil {
		return nil, nil, &Error{Path: s.Path, Problem: "cannot be opened", Err: bare(err)}
	}
	in := &input{path: s.Path, format: s.Format}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = &Error{Path: s.Path, Problem: "cannot be opened", Err: bare(err)}
	case info.IsDir():
		err = &Error{Path: s.Path, Problem: "is a folder, expected a file"}
	case info.Mode().IsRegular():
		in.file, in.size = file, info.Size()
	default:
		// A pipe may give nothing for long.
		context.AfterFunc(ctx, func() { _ = file.Close() })
	}
	if err == nil {
		in, err = newInput(ctx, file, in)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return in, file, nil
}

// openFile opens a file. A pipe is not open before somebody writes to it: that wait ends with the
// context, and leaves a goroutine behind, which ends when somebody does.
func openFile(ctx context.Context, path string) (*os.File, error) {
	if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened)
	go func() {
		file, err := os.Open(path)
		select {
		case done <- opened{file, err}:
		case <-ctx.Done():
			if err == nil {
				_ = file.Close()
			}
		}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bare returns an error of the file system without the path, which stands before it anyway.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func newInput(ctx context.Context, r io.Reader, in *input) (*input, error) {
	in.digest = sha256.New()
	in.watch = &watched{ended: ctx.Err, r: r, total: in.size}
	in.raw = io.TeeReader(in.watch, in.digest)
	buffered := bufio.NewReaderSize(in.raw, bufferBytes)
	in.text = buffered
	start, err := buffered.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{Path: in.path, Problem: "cannot be read", Err: err}
	}
	if in.gzip = bytes.HasPrefix(start, []byte{0x1f, 0x8b}); in.gzip {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, &Error{Path: in.path, Problem: "is not a whole gzip file", Err: err}
		}
		text := bufio.NewReaderSize(packed{unpacked}, bufferBytes)
		in.text = text
		if start, err = text.Peek(sniffBytes); err != nil && !errors.Is(err, io.EOF) {
			return nil, &Error{Path: in.path, Problem: "cannot be read", Err: err}
		}
	}
	if in.format == "" {
		in.format = sniff(start, in.path)
	}
	if problem := foreign(start); problem != "" && in.format != Parquet && in.format != NPY {
		return nil, &Error{Path: in.path, Problem: problem}
	}
	return in, nil
}

// tell lets progress know how much has been read, from now on.
func (in *input) tell(progress func(read, total int64)) {
	if in.watch.progress = progress; progress != nil {
		progress(in.watch.read, in.size)
	}
}

// sum reads what is left and returns the digest of all bytes.
func (in *input) sum() (string, error) {
	if _, err := io.Copy(io.Discard, in.raw); err != nil {
		return "", &Error{Path: in.path, Problem: "cannot be read", Err: err}
	}
	return hex.EncodeToString(in.digest.Sum(nil)), nil
}

// watched is a reader that ends with a context, and tells how far it is.
type watched struct {
	ended       func() error // of the context
	r           io.Reader
	read, total int64
	progress    func(read, total int64)
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.ended(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	w.read += int64(n)
	if w.progress != nil && n > 0 {
		w.progress(w.read, w.total)
	}
	return n, err
}

// packed names errors of gzip as such.
type packed struct{ r *gzip.Reader }

func (p packed) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		err = &gzipError{err}
	}
	return n, err
}

type gzipError struct{ err error }

func (e *gzipError) Error() string { return "is not a whole gzip file: " + e.err.Error() }

func (e *gzipError) Unwrap() error { return e.err }

const sniffBytes = 4096

// foreign says what a file is that begins like one that is often taken for text; empty: it does not.
func foreign(start []byte) string {
	for _, known := range []struct{ start, problem string }{
		{"\xff\xfe", "is UTF-16 text, expected UTF-8; write it anew as that"},
		{"\xfe\xff", "is UTF-16 text, expected UTF-8; write it anew as that"},
		{"PK\x03\x04", "is a ZIP archive, such as .npz and .xlsx are; unpack the array, or write the sheet as CSV"},
		{"\x28\xb5\x2f\xfd", "is compressed by zstd, expected gzip or nothing; unpack it"},
		{"\xfd7zXZ\x00", "is compressed by xz, expected gzip or nothing; unpack it"},
		{"BZh91AY&SY", "is compressed by bzip2, expected gzip or nothing; unpack it"},
		{"SQLite format 3\x00", "is a database of SQLite; name it as sqlite:FILE, with a query"},
	} {
		if bytes.HasPrefix(start, []byte(known.start)) {
			return known.problem
		}
	}
	return ""
}

// sniff tells the format of a file by its first bytes, then by its name.
func sniff(start []byte, path string) Format {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	switch {
	case bytes.HasPrefix(start, []byte(parquetMagic)):
		return Parquet
	case bytes.HasPrefix(start, []byte(npyMagic)):
		return NPY
	}
	switch filepath.Ext(name) {
	case ".csv":
		return CSV
	case ".parquet", ".pq":
		return Parquet
	case ".npy":
		return NPY
	case ".libsvm", ".svm", ".svmlight":
		return LIBSVM
	}
	if looksLikeLIBSVM(start) {
		return LIBSVM
	}
	return CSV
}
