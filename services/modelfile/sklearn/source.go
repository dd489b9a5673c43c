package sklearn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// source is the bytes of a pickle, inflated no further than they are asked for, so that a file
// refused at its first byte costs nothing more.
type source struct {
	buf []byte
	pos int
	// more inflates what follows buf; nil if buf is everything.
	more io.Reader
	// file is what more reads from.
	file *bytes.Reader
	// limit is the greatest length that buf may reach.
	limit int
}

var errCutShort = errors.New("the file is cut short")

// openPlain returns the bytes of a file that is not compressed.
func openPlain(data []byte) *source { return &source{buf: data, limit: len(data)} }

// left is the greatest number of bytes that can still follow.
func (s *source) left() int { return s.limit - s.pos }

// take returns the next n bytes, which the caller must not change.
func (s *source) take(n uint64) ([]byte, error) {
	if n > uint64(s.left()) {
		if s.more == nil {
			return nil, fmt.Errorf("%w: %d bytes were expected, %d are left", errCutShort, n, s.left())
		}
		return nil, fmt.Errorf("it asks for %d bytes, the inflated file may have %d more", n, s.left())
	}
	if err := s.fill(int(n)); err != nil {
		return nil, err
	}
	taken := s.buf[s.pos : s.pos+int(n) : s.pos+int(n)]
	s.pos += int(n)
	return taken, nil
}

func (s *source) takeByte() (byte, error) {
	b, err := s.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// takeLine returns the bytes before the next line feed, which is skipped.
func (s *source) takeLine() ([]byte, error) {
	const most = 512
	for n := range most {
		if n >= s.left() {
			return nil, errCutShort
		}
		if err := s.fill(n + 1); err != nil {
			return nil, err
		}
		if i := bytes.IndexByte(s.buf[s.pos+n:s.pos+n+1], '\n'); i == 0 {
			line := s.buf[s.pos : s.pos+n]
			s.pos += n + 1
			return line, nil
		}
	}
	return nil, fmt.Errorf("a name is longer than %d bytes", most)
}

// fill inflates until n bytes follow pos.
func (s *source) fill(n int) error {
	const chunk = 32 << 10
	for len(s.buf)-s.pos < n {
		if s.more == nil {
			return errCutShort
		}
		size := min(chunk, s.limit-len(s.buf))
		s.buf = slices.Grow(s.buf, size)
		got, err := io.ReadFull(s.more, s.buf[len(s.buf):len(s.buf)+size])
		s.buf = s.buf[:len(s.buf)+got]
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			if len(s.buf)-s.pos < n {
				return errCutShort
			}
			return nil
		case err != nil:
			return fmt.Errorf("the compressed data are damaged: %w", err)
		}
	}
	return nil
}

// end returns an error unless all was taken. What is compressed has its checksum behind it: this
// is where it is compared.
func (s *source) end() error {
	if rest := len(s.buf) - s.pos; rest > 0 {
		return fmt.Errorf("something follows the end of the pickle: at least %d bytes", rest)
	}
	if s.more == nil {
		return nil
	}
	n, err := io.ReadFull(s.more, make([]byte, 1))
	switch {
	case n > 0:
		return errors.New("something follows the end of the pickle")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCutShort
	case errors.Is(err, io.EOF) && s.file.Len() > 0:
		return fmt.Errorf("something follows the end of the compressed data: %d bytes", s.file.Len())
	case errors.Is(err, io.EOF):
		return nil
	default:
		return fmt.Errorf("the compressed data are damaged: %w", err)
	}
}
