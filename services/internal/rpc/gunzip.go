package rpc

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
)

// inflatePoliteness is how much more than the largest message is decompressed, to tell the size of
// one that is a little larger.
const inflatePoliteness = 1 << 20

// Gzip returns the option to take and send gzip where the largest message has maxBytes. It does what
// Connect does by itself, but for a message that unfolds to more than that: Connect decompresses it
// to its end to tell its size, and a few kilobytes may unfold to gigabytes.
func Gzip(maxBytes int) connect.HandlerOption {
	most := int64(maxBytes) + inflatePoliteness
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return &gunzip{most: most} },
		func() connect.Compressor { return gzip.NewWriter(io.Discard) },
	)
}

// gunzip is a gzip.Reader that gives up when it has read more than most bytes.
type gunzip struct {
	gzip.Reader
	most, read int64
}

// Reset begins with another message.
func (g *gunzip) Reset(from io.Reader) error {
	g.read = 0
	return unreadable(g.Reader.Reset(from))
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.read > g.most {
		return 0, fmt.Errorf("it unfolds to more than %d bytes", g.most)
	}
	n, err := g.Reader.Read(p)
	g.read += int64(n)
	return n, unreadable(err)
}

// unreadable says what it is that cannot be read. io.EOF stays itself.
func unreadable(err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the gzip data is cut short, or more follows it")
	}
	return fmt.Errorf("what was said to be gzip is damaged or none: %w", err)
}
