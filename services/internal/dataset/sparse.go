package dataset

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sepal-ml/sepal/services/softmax"
)

// columnName is what the column at a position, from 0, is called where a format has no names.
func columnName(position int) string { return "f" + strconv.Itoa(position+1) }

// features returns the features of a libsvm file of that many columns. If there is a schema,
// they are the schema's, and the rows are made to fit.
func (s *sparseReader) features(width int, o Options) ([]softmax.Feature, error) {
	var features []softmax.Feature
	if o.Schema != nil {
		features = o.Schema.Features()
		if err := s.choose(features, width); err != nil {
			return nil, err
		}
	} else {
		features = make([]softmax.Feature, width)
		for j := range features {
			features[j].Name = columnName(j)
		}
	}
	used := 0
	for j := range features {
		if unit, given := o.Units[features[j].Name]; given {
			features[j].Unit = unit
			used++
		}
	}
	if used < len(o.Units) {
		return nil, s.fail(0, "", "has no column for each unit: the columns are %s to %s", columnName(0), columnName(width-1))
	}
	return features, nil
}

// choose moves the values to the columns of the features, and leaves out what no feature takes.
func (s *sparseReader) choose(features []softmax.Feature, width int) error {
	to := slices.Repeat([]int32{-1}, width)
	for j := range features {
		f := &features[j]
		digits, isColumn := strings.CutPrefix(f.Name, "f")
		number, err := strconv.Atoi(digits)
		switch {
		case f.Categorical():
			return s.fail(0, f.Name, "is categorical in the schema, but a libsvm file holds numbers")
		case !isColumn || err != nil || number < 1 || columnName(number-1) != f.Name:
			return s.fail(0, f.Name, "is not in the file: the columns of a libsvm file are f1, f2 and so on")
		case number <= width: // a column beyond is 0 in all rows
			to[number-1] = int32(j)
		}
	}
	type entry struct {
		column int32
		value  float64
	}
	var row []entry
	kept, start := 0, 0
	for i, end := range s.rows.Start[1:] {
		row = row[:0]
		for at := start; at < end; at++ {
			if column := to[s.rows.Columns[at]]; column >= 0 {
				row = append(row, entry{column, s.rows.Values[at]})
			}
		}
		slices.SortFunc(row, func(a, b entry) int { return int(a.column) - int(b.column) })
		for _, e := range row {
			s.rows.Columns[kept], s.rows.Values[kept] = e.column, e.value
			kept++
		}
		start, s.rows.Start[i+1] = end, kept
	}
	s.rows.Columns, s.rows.Values = s.rows.Columns[:kept], s.rows.Values[:kept]
	return nil
}

// completeSparse adds to the features what the values tell.
func (t *Table) completeSparse(features []softmax.Feature, impute bool) {
	ranges := make([]softmax.Range, len(features))
	counts := make([]int, len(features))
	for at, j := range t.Sparse.Columns {
		v, r := t.Sparse.Values[at], &ranges[j]
		if counts[j] == 0 {
			*r = softmax.Range{Min: v, Max: v}
		}
		r.Min, r.Max = min(r.Min, v), max(r.Max, v)
		counts[j]++
	}
	for j := range features {
		if r := &ranges[j]; counts[j] < t.Len() {
			r.Min, r.Max = min(r.Min, 0), max(r.Max, 0)
		}
		features[j].Range = &ranges[j]
		if impute && features[j].Impute == nil {
			value := t.sparseMedian(j)
			features[j].Impute = &value
		}
	}
}

// sparseColumns are the values of a sparse table column by column, once they were asked for.
type sparseColumns struct {
	once   sync.Once
	start  []int // column j holds values[start[j]:start[j+1]]
	rows   []int32
	values []float64
}

// sparseColumn returns the values of column j that are not 0, and their rows, which ascend.
func (t *Table) sparseColumn(j int) (rows []int32, values []float64) {
	c := t.sparse
	if c == nil { // made by hand
		c = new(sparseColumns)
	}
	c.once.Do(func() {
		c.start = make([]int, len(t.Missing)+1)
		for _, j := range t.Sparse.Columns {
			c.start[j+1]++
		}
		for j := range t.Missing {
			c.start[j+1] += c.start[j]
		}
		next := slices.Clone(c.start)
		c.rows = make([]int32, len(t.Sparse.Values))
		c.values = make([]float64, len(t.Sparse.Values))
		for i := range t.Len() {
			for at := t.Sparse.Start[i]; at < t.Sparse.Start[i+1]; at++ {
				j := t.Sparse.Columns[at]
				c.rows[next[j]], c.values[next[j]] = int32(i), t.Sparse.Values[at]
				next[j]++
			}
		}
	})
	return c.rows[c.start[j]:c.start[j+1]], c.values[c.start[j]:c.start[j+1]]
}

// sparseMedian returns the median of column j without writing out its zeros.
func (t *Table) sparseMedian(j int) float64 {
	_, values := t.sparseColumn(j)
	values = slices.Sorted(slices.Values(values))
	negative, _ := slices.BinarySearch(values, 0)
	zeros := t.Len() - len(values)
	at := func(i int) float64 {
		switch {
		case i < negative:
			return values[i]
		case i < negative+zeros:
			return 0
		}
		return values[i-zeros]
	}
	n := t.Len()
	if n%2 == 1 {
		return at(n / 2)
	}
	return (at(n/2-1) + at(n/2)) / 2
}

// sparseRow writes out row i.
func (t *Table) sparseRow(i int) []float64 {
	row := make([]float64, t.Signature.Len())
	for at := t.Sparse.Start[i]; at < t.Sparse.Start[i+1]; at++ {
		row[t.Sparse.Columns[at]] = t.Sparse.Values[at]
	}
	return row
}

// appendSparse writes out column j.
func (t *Table) appendSparse(to []float64, j int) []float64 {
	rows, values := t.sparseColumn(j)
	start := len(to)
	to = append(to, make([]float64, t.Len())...)
	for i, row := range rows {
		to[start+int(row)] = values[i]
	}
	return to
}
