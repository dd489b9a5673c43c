package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"unicode"
)

const (
	// bufferBytes is how much of a text is held, unless a line has more.
	bufferBytes = 256 << 10
	// maxLineBytes bounds a line, and a record of several lines: what has more is no text of rows.
	maxLineBytes = 256 << 20
)

var errLongLine = errors.New("a line has more than 256 MiB")

// lines reads the lines of a text.
type lines struct {
	r          io.Reader
	buffer     []byte
	start, end int   // what is unread of the buffer
	err        error // of r; what is unread goes before it
	count      int   // lines read
}

func newLines(r io.Reader) *lines {
	return &lines{r: r, buffer: make([]byte, bufferBytes)}
}

// next returns a line without its end, valid until the next call; the error is [io.EOF] after
// the last one.
func (l *lines) next() ([]byte, error) {
	for searched := 0; ; {
		if i := bytes.IndexByte(l.buffer[l.start+searched:l.end], '\n'); i >= 0 {
			line := l.buffer[l.start : l.start+searched+i]
			l.start += len(line) + 1
			l.count++
			return bytes.TrimSuffix(line, []byte{'\r'}), nil
		}
		searched = l.end - l.start
		if l.err == nil {
			l.fill()
			continue
		}
		if !errors.Is(l.err, io.EOF) || searched == 0 {
			return nil, l.err
		}
		line := l.buffer[l.start:l.end]
		l.start = l.end
		l.count++
		return bytes.TrimSuffix(line, []byte{'\r'}), nil
	}
}

// fill reads more, after moving what is unread to the front.
func (l *lines) fill() {
	if l.end == len(l.buffer) {
		if l.start == 0 {
			if len(l.buffer) >= maxLineBytes {
				l.err = errLongLine
				return
			}
			l.buffer = append(l.buffer, make([]byte, len(l.buffer))...)
		}
		l.end = copy(l.buffer, l.buffer[l.start:l.end])
		l.start = 0
	}
	for range 100 {
		n, err := l.r.Read(l.buffer[l.end:])
		l.end += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// scanner reads the records of a CSV file as package encoding/csv does that is told to trim
// leading space and to accept any number of cells; further, it trims the space after a cell.
type scanner struct {
	lines
	line    int      // where the record read last begins
	cells   [][]byte // of the record read last; valid until the next one is read
	scratch []byte   // the cells of a record with quotes, one after the other
	ends    []int    // where each of them ends
}

func newScanner(r io.Reader) *scanner { return &scanner{lines: *newLines(r)} }

// skipMark skips a byte order mark at the start of the text.
func (s *scanner) skipMark() {
	for s.err == nil && s.end-s.start < 3 {
		s.fill()
	}
	if bytes.HasPrefix(s.buffer[s.start:s.end], []byte("\ufeff")) {
		s.start += 3
	}
}

// read reads a record into cells. The error is [io.EOF] after the last one, a [*csv.ParseError]
// with its Line and Err, or that of the reader.
func (s *scanner) read() error {
	var line []byte
	for len(line) == 0 {
		var err error
		if line, err = s.next(); err != nil {
			return err
		}
	}
	s.line = s.count
	if bytes.IndexByte(line, '"') >= 0 {
		return s.readQuoted(line)
	}
	cells := s.cells[:0]
	start := 0
	for i, c := range line {
		if c == ',' {
			cells = append(cells, trim(line[start:i]))
			start = i + 1
		}
	}
	s.cells = append(cells, trim(line[start:]))
	return nil
}

// trim is [bytes.TrimSpace], quick where there is nothing to trim.
func trim(cell []byte) []byte {
	if n := len(cell); n > 0 && cell[0]-'!' < 0x7f-'!' && cell[n-1]-'!' < 0x7f-'!' {
		return cell
	}
	return bytes.TrimSpace(cell)
}

// readQuoted reads the record that begins with the given line, which holds a quote.
func (s *scanner) readQuoted(rest []byte) error {
	s.scratch, s.ends = s.scratch[:0], s.ends[:0]
	for more := true; more; {
		rest = bytes.TrimLeftFunc(rest, unicode.IsSpace)
		var err error
		if len(rest) > 0 && rest[0] == '"' {
			rest, more, err = s.quotedCell(rest[1:])
		} else {
			rest, more, err = s.plainCell(rest)
		}
		if err != nil {
			return err
		}
		s.ends = append(s.ends, len(s.scratch))
	}
	s.cells = s.cells[:0]
	start := 0
	for _, end := range s.ends {
		s.cells = append(s.cells, bytes.TrimSpace(s.scratch[start:end]))
		start = end
	}
	return nil
}

func (s *scanner) plainCell(line []byte) (rest []byte, more bool, err error) {
	cell, rest, more := bytes.Cut(line, []byte{','})
	if bytes.IndexByte(cell, '"') >= 0 {
		return nil, false, &csv.ParseError{Line: s.count, Err: csv.ErrBareQuote}
	}
	s.scratch = append(s.scratch, cell...)
	return rest, more, nil
}

func (s *scanner) quotedCell(rest []byte) (_ []byte, more bool, err error) {
	// A quote left open swallows lines: where it opened helps more.
	unquoted := &csv.ParseError{Line: s.line, Err: csv.ErrQuote}
	for {
		i := bytes.IndexByte(rest, '"')
		if i < 0 {
			s.scratch = append(append(s.scratch, rest...), '\n')
			if len(s.scratch) > maxLineBytes {
				return nil, false, errLongLine
			}
			switch rest, err = s.next(); {
			case errors.Is(err, io.EOF):
				return nil, false, unquoted
			case err != nil:
				return nil, false, err
			}
			continue
		}
		s.scratch = append(s.scratch, rest[:i]...)
		switch rest = rest[i+1:]; {
		case len(rest) == 0:
			return nil, false, nil
		case rest[0] == ',':
			return rest[1:], true, nil
		case rest[0] != '"':
			return nil, false, unquoted
		}
		s.scratch = append(s.scratch, '"')
		rest = rest[1:]
	}
}
