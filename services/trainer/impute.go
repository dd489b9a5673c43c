package trainer

import (
	"slices"

	"github.com/sepal-ml/sepal/services/softmax"
)

// impute replaces missing values by what is typical of the given rows, which ascend, and keeps
// what stood there. Where none of these rows has a value, what stands there stays, and so it does when
// nobody wants the rows any more.
func (a *arrangement) impute(given []int) {
	t := a.table
	for j, missing := range t.Missing {
		if len(missing) == 0 || !a.learned(j) || a.ended != nil && a.ended() {
			continue
		}
		if a.fills == nil {
			a.fills = make([]float64, t.Signature.Len())
			for feature, rows := range t.Missing {
				if len(rows) > 0 {
					a.fills[feature] = t.Row(rows[0])[feature]
				}
			}
		}
		if values := a.present(j, given); len(values) > 0 {
			a.fillFeature(j, typical(t.Signature.Feature(j), values))
		}
	}
}

// learned reports whether what stands in for a missing value of feature j follows from the rows.
func (a *arrangement) learned(j int) bool {
	return a.table.Settled == nil || !a.table.Settled[j]
}

// fill writes what stands in for the missing values of every feature.
func (a *arrangement) fill(values []float64) {
	for j, missing := range a.table.Missing {
		if len(missing) > 0 {
			a.fillFeature(j, values[j])
		}
	}
}

func (a *arrangement) fillFeature(j int, value float64) {
	for _, i := range a.table.Missing[j] {
		a.table.Row(i)[j] = value
	}
}

// present returns the values of feature j among the given rows, which ascend.
func (a *arrangement) present(j int, given []int) []float64 {
	t, missing := a.table, a.table.Missing[j]
	values := make([]float64, 0, len(given))
	for _, i := range given {
		for len(missing) > 0 && missing[0] < i {
			missing = missing[1:]
		}
		if len(missing) == 0 || missing[0] != i {
			values = append(values, t.Row(i)[j])
		}
	}
	return values
}

// typical returns the median or the most frequent category of values of a feature, of which there
// is at least one; it may reorder them.
func typical(f *softmax.Feature, values []float64) float64 {
	n := len(values)
	if !f.Categorical() {
		slices.Sort(values)
		return (values[(n-1)/2] + values[n/2]) / 2
	}
	counts := make([]int, len(f.Categories))
	for _, v := range values {
		counts[int(v)]++
	}
	return float64(slices.Index(counts, slices.Max(counts)))
}
