package trainer

import (
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// columnsParts is in how many parts the columns of sparse rows are brought together, so that only
// such a part of the values is copied at a time.
const columnsParts = 4

// sparseProfiles returns the profiles of the columns of n sparse rows.
func sparseProfiles(rows *softmax.Sparse, n, width int) []*modelv1.FeatureProfile {
	out := make([]*modelv1.FeatureProfile, 0, width)
	sizes := make([]int, width)
	for _, column := range rows.Columns {
		sizes[column]++
	}
	for from := 0; from < width; {
		to, values := from, 0
		for to < width && (to == from || values+sizes[to] <= len(rows.Values)/columnsParts) {
			values += sizes[to]
			to++
		}
		for i, values := range columnsOf(rows, sizes, from, to) {
			slices.Sort(values)
			c := column{values: values, zeros: n - sizes[from+i]}
			edges := quantileEdges(c, binsFor(n))
			out = append(out, &modelv1.FeatureProfile{Edges: edges, Shares: shares(countBins(c, edges), n)})
		}
		from = to
	}
	return out
}

// columnsOf returns the written values of the columns from..to-1, of these sizes.
func columnsOf(rows *softmax.Sparse, sizes []int, from, to int) [][]float64 {
	columns := make([][]float64, to-from)
	for i := range columns {
		columns[i] = make([]float64, 0, sizes[from+i])
	}
	for at, c := range rows.Columns {
		if int(c) >= from && int(c) < to {
			columns[int(c)-from] = append(columns[int(c)-from], rows.Values[at])
		}
	}
	return columns
}
