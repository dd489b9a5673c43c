package sklearn

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"io"
)

// compression is a way in which joblib compresses a dump, told by the first bytes.
type compression struct {
	name  string
	magic string
	// open inflates; nil where the format is refused.
	open func(*bytes.Reader) (io.Reader, error)
}

var compressions = []compression{
	{name: "zlib", magic: "x", open: func(r *bytes.Reader) (io.Reader, error) { return zlib.NewReader(r) }},
	{name: "gzip", magic: "\x1f\x8b", open: func(r *bytes.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{name: "bzip2", magic: "BZh", open: func(r *bytes.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{name: "xz", magic: "\xfd7zXZ\x00"},
	{name: "lzma", magic: "\x5d\x00\x00"},
	{name: "lz4", magic: "\x04\x22\x4d\x18"},
	{name: "Zstandard", magic: "\x28\xb5\x2f\xfd"},
}

// compressionOf returns the compression that the data begin as, nil if none.
func compressionOf(data []byte) *compression {
	for i := range compressions {
		c := &compressions[i]
		if !bytes.HasPrefix(data, []byte(c.magic)) {
			continue
		}
		// An x and a letter may begin any text: the first two bytes of zlib are a multiple of 31
		// and say how the rest is compressed.
		if c.name == "zlib" && (len(data) < 2 || (int(data[0])<<8|int(data[1]))%31 != 0) {
			continue
		}
		return c
	}
	return nil
}

// openFile returns the pickle's bytes and the name of their compression, "" if none.
func openFile(data []byte) (*source, string, error) {
	c := compressionOf(data)
	switch {
	case c == nil:
		return openPlain(data), "", nil
	case c.open == nil:
		return nil, "", unsupported("write it once more with joblib.dump(model, path, compress=0)",
			"a file compressed with %s", c.name)
	}
	r := bytes.NewReader(data)
	inflated, err := c.open(r)
	if err != nil {
		return nil, "", refuse("the file begins as %s, but is damaged or cut short: %s", c.name, err)
	}
	// Deflate makes a byte of at most 1032; bzip2 knows no such bound, so it is given one.
	const ratio, atLeast = 1100, 1 << 20
	return &source{more: inflated, file: r, limit: min(MaxBytes, atLeast+ratio*len(data))}, c.name, nil
}

// beginsAsPickle reports whether the bytes begin as a pickle of a protocol that is read.
func beginsAsPickle(data []byte) bool {
	if len(data) < 3 || data[0] != opProto || data[1] < minProtocol || data[1] > maxProtocol {
		return false
	}
	_, known := instructions[data[2]]
	return known
}
