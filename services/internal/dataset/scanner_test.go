package dataset

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// record is what one call of a CSV reader gives.
type record struct {
	line  int
	cells []string
	err   error // without its place
}

func scanned(r io.Reader) []record {
	s := newScanner(r)
	var records []record
	for {
		err := s.read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return records
		case errors.As(err, &syntax):
			return append(records, record{line: syntax.Line, err: syntax.Err})
		case err != nil:
			return append(records, record{err: err})
		}
		r := record{line: s.line}
		for _, cell := range s.cells {
			r.cells = append(r.cells, string(cell))
		}
		records = append(records, r)
	}
}

// standard reads the same with package encoding/csv.
func standard(r io.Reader) []record {
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1
	c.TrimLeadingSpace = true
	var records []record
	for {
		cells, err := c.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return records
		case errors.As(err, &syntax):
			line := syntax.Line
			if errors.Is(syntax.Err, csv.ErrQuote) {
				line = syntax.StartLine
			}
			return append(records, record{line: line, err: syntax.Err})
		case err != nil:
			return append(records, record{err: err})
		}
		line, _ := c.FieldPos(0)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		records = append(records, record{line: line, cells: cells})
	}
}

func expectSameRecords(t *testing.T, got, want []record) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			t.Fatalf("%d records, encoding/csv gives %d:\n%v\n%v", len(got), len(want), got, want)
		}
		g, w := got[i], want[i]
		if g.line != w.line || !slices.Equal(g.cells, w.cells) || !errors.Is(g.err, w.err) {
			t.Fatalf("record %d is %v, encoding/csv gives %v", i, g, w)
		}
	}
}

var scannerTexts = []string{
	"", "\n", "a", "a,b\n1,2\n", "a,b\r\n1,2\r\n", " a , b \n", "a,\n,b", ",", ",,\n", "\r", "a\r", "a\r\r\n", "\r\n\r\nx",
	`"a"`, `"a","b"` + "\n", `"a""b",c`, `"a` + "\n" + `b",c` + "\nd", `"a` + "\r\n" + `b"` + "\r\n", `x,"a`, `"a"b`, `a"b`, `"a" ,b`, ` "a"`, `" a "`,
	`"`, `""`, `"""`, `"",""`, "\"a\n\nb\"\n\nc", "a,\u00a0b\u00a0,\u2003c", "\xff,\x00", "a,\" b", "1, \"x\ny\" \n", "\"x\r", "a,\"b\"\r\r\nc", "a\n \nb\n",
}

func TestScannerReadsAsEncodingCSV(t *testing.T) {
	t.Parallel()
	for _, text := range scannerTexts {
		expectSameRecords(t, scanned(strings.NewReader(text)), standard(strings.NewReader(text)))
		expectSameRecords(t, scanned(iotest.OneByteReader(strings.NewReader(text))), standard(strings.NewReader(text)))
	}
}

func TestScannerReadsLongRecords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789,", bufferBytes/4)
	text := "a,b\n" + long + "\n\"" + strings.Repeat("quoted\n", bufferBytes/4) + "\",x\nlast," + long
	expectSameRecords(t, scanned(strings.NewReader(text)), standard(strings.NewReader(text)))
	expectSameRecords(t, scanned(iotest.HalfReader(strings.NewReader(text))), standard(strings.NewReader(text)))
}

func TestScannerGivesUpOnReadersThatGiveNothing(t *testing.T) {
	t.Parallel()
	idle := readerFunc(func([]byte) (int, error) { return 0, nil })
	if got := scanned(idle); len(got) != 1 || !errors.Is(got[0].err, io.ErrNoProgress) {
		t.Errorf("got %v", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func FuzzScanner(f *testing.F) {
	for _, text := range scannerTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		expectSameRecords(t, scanned(strings.NewReader(text)), standard(strings.NewReader(text)))
	})
}
