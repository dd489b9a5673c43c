package dataset

import (
	"context"
	"math"
	"slices"

	"github.com/sepal-ml/sepal/services/softmax"
)

// Table is labelled rows, ready for training.
type Table struct {
	// Path is the name of the file, as it was given; of a database, without its password.
	Path string
	// Digest is a SHA-256 digest in lower-case hexadecimal: of the bytes of the file, gzip as it
	// is; of an array and the file of its labels, one after the other; of a query, of the rows as
	// they were read: the names of all its columns, and of each row the values used, each with its
	// kind and length.
	Digest string
	// Label is the name of the label column.
	Label string
	// Signature describes the features, in the order of the columns, or of the schema.
	Signature *softmax.Signature
	// Classes are the labels that occur, in order: by number if all are numbers, by text
	// otherwise. At least two.
	Classes []string
	// Rows are row-major, Len() × Signature.Len(); missing values are imputed by
	// what is typical of all rows that have one, or what the schema says.
	Rows []float64
	// Sparse holds the rows in place of Rows, which is nil then, where the source holds only what
	// is not 0: all features are numeric, and nothing is missing. Nil: Rows holds them.
	Sparse *softmax.Sparse
	// Labels hold the class of each row, as its position in Classes.
	Labels []int
	// Weights hold the weight of each row, finite and at least 0; nil: 1 each.
	Weights []float64
	// Missing holds, per feature, the rows whose value was missing, ascending.
	Missing [][]int
	// Settled says, per feature, whether the schema has what stands in for missing values, so that
	// it holds whatever the rows are. Nil: of none.
	Settled []bool
	// Warnings tell of columns that were read, but perhaps not as meant.
	Warnings []*Error

	sparse *sparseColumns // of Sparse; nil without
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.Labels) }

// Row returns row i, its missing values imputed. The caller must not change it. A row of a
// sparse table is written out anew.
func (t *Table) Row(i int) []float64 {
	if t.Sparse != nil {
		return t.sparseRow(i)
	}
	p := t.Signature.Len()
	return t.Rows[i*p : (i+1)*p : (i+1)*p]
}

// ClassCounts returns the number of rows of each class.
func (t *Table) ClassCounts() []int {
	counts := make([]int, len(t.Classes))
	for _, class := range t.Labels {
		counts[class]++
	}
	return counts
}

// Typical returns the row of the medians of the numeric features and the most frequent
// categories of the categorical ones, missing values left out. The error is that of ctx.
func (t *Table) Typical(ctx context.Context) ([]float64, error) {
	row := make([]float64, t.Signature.Len())
	var values []float64
	for j := range row {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if t.Sparse != nil {
			row[j] = t.sparseMedian(j)
			continue
		}
		values = t.AppendPresent(values[:0], j)
		row[j] = typical(t.Signature.Feature(j), values)
	}
	return row, nil
}

// Present returns the values of a feature in all rows that have one, in the order of the rows.
func (t *Table) Present(feature int) []float64 { return t.AppendPresent(nil, feature) }

// AppendPresent appends what Present returns: whoever goes over many features can use one slice.
func (t *Table) AppendPresent(to []float64, feature int) []float64 {
	if t.Sparse != nil {
		return t.appendSparse(to, feature)
	}
	p, missing := len(t.Missing), t.Missing[feature]
	to = slices.Grow(to, t.Len()-len(missing))
	for i := range t.Len() {
		if len(missing) > 0 && missing[0] == i {
			missing = missing[1:]
			continue
		}
		to = append(to, t.Rows[i*p+feature])
	}
	return to
}

// typical returns the median or the most frequent category of values of a feature, of which
// there is at least one; it may reorder them.
func typical(f *softmax.Feature, values []float64) float64 {
	if f.Categorical() {
		return mode(values, len(f.Categories))
	}
	return median(values)
}

// median sorts the values, of which there is at least one.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

// mode returns the most frequent of the values, which are 0 to n-1; the smallest of several.
func mode(values []float64, n int) float64 {
	counts := make([]int, n)
	for _, v := range values {
		counts[int(v)]++
	}
	best := 0
	for category, count := range counts {
		if count > counts[best] {
			best = category
		}
	}
	return float64(best)
}

// extents returns the smallest and the largest value of each of p columns, where missing ones
// are NaN.
func extents(rows []float64, p int) []softmax.Range {
	extents := slices.Repeat([]softmax.Range{{Min: math.Inf(1), Max: math.Inf(-1)}}, p)
	for ; len(rows) >= p; rows = rows[p:] {
		for j, v := range rows[:p] {
			// Not by min and max, for which NaN wins.
			if r := &extents[j]; v < r.Min || v > r.Max {
				r.Min, r.Max = min(r.Min, v), max(r.Max, v)
			}
		}
	}
	return extents
}
