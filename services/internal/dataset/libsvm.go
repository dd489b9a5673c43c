package dataset

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/sepal-ml/sepal/services/softmax"
)

// MaxSparseColumns bounds the indices of a libsvm file.
const MaxSparseColumns = 1 << 20

// The width of a table costs memory even if its rows are few and short, so a small file may not
// ask for a great one.
const (
	freeSparseColumns    = 1 << 16
	sparseColumnsPerByte = 64
)

// sparseReader gathers the rows of a libsvm file: on each line a label and the values that are
// not 0, as index:value, by ascending index.
type sparseReader struct {
	path  string
	label string // what to call the labels
	rows  softmax.Sparse

	labels  []int // code of each row's label
	classes []float64
	code    map[float64]int
	zero    bool // an index is 0, so indices count from 0; else from 1
	highest int  // index, at most MaxSparseColumns
	bytes   int64
}

func readLIBSVM(ctx context.Context, in *input, o Options) (*Table, error) {
	s := &sparseReader{path: in.path, label: cmp.Or(o.Label, "label"), code: make(map[float64]int)}
	s.rows.Start = []int{0}
	switch {
	case o.Weight != "":
		return nil, s.fail(0, o.Weight, "cannot hold weights: a libsvm file has none")
	case len(o.Drop) > 0:
		return nil, s.fail(0, o.Drop[0], "cannot be dropped: the columns of a libsvm file are read as they are; a schema chooses some of them")
	case len(o.Categorical) > 0:
		return nil, s.fail(0, o.Categorical[0], "cannot be categorical: a libsvm file holds numbers")
	}
	lines := newLines(in.text)
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return s.table(o)
		case err != nil:
			return nil, &Error{Path: in.path, Problem: "cannot be read", Err: err}
		case lines.count%rowsPerCheck == 0 && ctx.Err() != nil:
			return nil, ctx.Err()
		}
		s.bytes += int64(len(line)) + 1
		line, _, _ = bytes.Cut(line, []byte{'#'})
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := s.add(line, lines.count); err != nil {
				return nil, err
			}
		}
	}
}

func (s *sparseReader) fail(line int, column, format string, args ...any) *Error {
	return &Error{Path: s.path, Line: line, Column: column, Problem: fmt.Sprintf(format, args...)}
}

// cutWord returns the first word of a text that begins with one, and the text after it.
func cutWord(text []byte) (word, rest []byte) {
	for i, c := range text {
		if c == ' ' || c == '\t' {
			return text[:i], bytes.TrimLeft(text[i:], " \t")
		}
	}
	return text, nil
}

func (s *sparseReader) add(line []byte, at int) error {
	word, rest := cutWord(line)
	if err := s.addLabel(word, at); err != nil {
		return err
	}
	for last := -1; len(rest) > 0; {
		word, rest = cutWord(rest)
		index, value, err := s.pair(word, at)
		if err != nil {
			return err
		}
		if index <= last {
			return s.fail(at, "", "index %d does not come after %d: the indices of a row must ascend", index, last)
		}
		last = index
		s.zero = s.zero || index == 0
		s.highest = max(s.highest, index)
		if value != 0 {
			s.rows.Columns = append(s.rows.Columns, int32(index))
			s.rows.Values = append(s.rows.Values, value)
		}
	}
	s.rows.Start = append(s.rows.Start, len(s.rows.Values))
	return nil
}

func (s *sparseReader) addLabel(word []byte, at int) error {
	label, ok := parseNumber(word)
	switch {
	case bytes.IndexByte(word, ',') >= 0:
		return s.fail(at, s.label, "%q are several labels, expected one for each row", brief(word))
	case !ok:
		return s.fail(at, s.label, "%q is not a label, a finite number", brief(word))
	}
	code, known := s.code[label] // which knows 0 and -0 as one
	if !known {
		code = len(s.classes)
		if code == MaxCategories {
			return s.fail(at, s.label, "has more than %d distinct values, too many for classes; is it a number to estimate?", MaxCategories)
		}
		s.code[label] = code
		s.classes = append(s.classes, label)
	}
	s.labels = append(s.labels, code)
	return nil
}

func (s *sparseReader) pair(word []byte, at int) (index int, value float64, err error) {
	before, after, paired := bytes.Cut(word, []byte{':'})
	if string(before) == "qid" {
		return 0, 0, s.fail(at, "", "%q: rows grouped by queries are for ranking, not for classes", brief(word))
	}
	for _, c := range before {
		if c-'0' > 9 || index > MaxSparseColumns {
			index = -1
			break
		}
		index = 10*index + int(c-'0')
	}
	if !paired || len(before) == 0 || index < 0 || index > MaxSparseColumns {
		return 0, 0, s.fail(at, "", "%q is not index:value with an index of at most %d", brief(word), MaxSparseColumns)
	}
	value, ok := parseNumber(after)
	if !ok || math.Abs(value) > MaxMagnitude {
		return 0, 0, s.fail(at, "", "%q: the value is not a finite number of at most %g in magnitude", brief(word), MaxMagnitude)
	}
	return index, value, nil
}

func (s *sparseReader) table(o Options) (*Table, error) {
	if len(s.labels) == 0 {
		return nil, s.fail(0, "", "has no row, expected lines of label index:value …")
	}
	t := &Table{Path: s.path, Label: s.label, Sparse: &s.rows, Labels: s.labels, sparse: new(sparseColumns)}
	if err := s.settleLabels(t); err != nil {
		return nil, err
	}
	width := s.highest
	if s.zero {
		width++
	} else {
		for i := range s.rows.Columns {
			s.rows.Columns[i]--
		}
	}
	switch most := freeSparseColumns + sparseColumnsPerByte*s.bytes; {
	case width == 0:
		return nil, s.fail(0, "", "has no index in any row, so there is no feature")
	case int64(width) > most:
		return nil, s.fail(0, "", "has the index %d, more than the %d that a file of its size may have", s.highest, most)
	}
	features, err := s.features(width, o)
	if err != nil {
		return nil, err
	}
	t.Missing = make([][]int, len(features))
	t.completeSparse(features, o.Impute)
	if t.Signature, err = softmax.NewSignature(features); err != nil {
		return nil, &Error{Path: s.path, Problem: "the columns make no features", Err: err}
	}
	return t, nil
}

func (s *sparseReader) settleLabels(t *Table) error {
	text := func(label float64) string {
		if label == 0 {
			return "0" // also of -0
		}
		if math.Abs(label) < 1e15 {
			return strconv.FormatFloat(label, 'f', -1, 64)
		}
		return strconv.FormatFloat(label, 'g', -1, 64)
	}
	if len(s.classes) < 2 {
		return s.fail(0, s.label, "every row has the label %q; a classifier needs at least two classes", text(s.classes[0]))
	}
	order := slices.Sorted(slices.Values(s.classes))
	position := make([]int, len(order))
	for i, label := range order {
		position[s.code[label]] = i
		t.Classes = append(t.Classes, text(label))
	}
	for i, code := range t.Labels {
		t.Labels[i] = position[code]
	}
	return nil
}

// looksLikeLIBSVM reports whether the first line of a text that is no comment is a row of libsvm.
func looksLikeLIBSVM(start []byte) bool {
	for len(start) > 0 {
		var line []byte
		line, start, _ = bytes.Cut(start, []byte{'\n'})
		line, _, _ = bytes.Cut(line, []byte{'#'})
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		label, rest := cutWord(line)
		pair, _ := cutWord(rest)
		index, value, paired := bytes.Cut(pair, []byte{':'})
		_, isLabel := parseNumber(label)
		_, isIndex := parseNumber(index)
		return isLabel && paired && isIndex && len(value) > 0
	}
	return false
}
