package trainer

import (
	"context"
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

const (
	// maxGoldenClasses bounds the number of golden rows that are rows of the table.
	maxGoldenClasses = 8
	// maxGoldenValues bounds the values of all golden rows: a wide table has fewer.
	maxGoldenValues = 1 << 17
)

// goldenRows scores the typical row, and the first row of each class.
func goldenRows(ctx context.Context, t *dataset.Table, m *softmax.Model) ([]*modelv1.GoldenRow, error) {
	most := min(len(t.Classes), maxGoldenClasses, maxGoldenValues/t.Signature.Len())
	var rows [][]float64
	for class := range most {
		rows = append(rows, denseRow(t, slices.Index(t.Labels, class)))
	}
	row, err := typicalRow(ctx, t)
	if err != nil {
		return nil, err
	}
	rows = append(rows, row)
	golden := make([]*modelv1.GoldenRow, len(rows))
	for i, row := range rows {
		probabilities := make([]float64, len(t.Classes))
		if _, err := m.Predict(probabilities, row); err != nil {
			return nil, err
		}
		golden[i] = &modelv1.GoldenRow{Features: slices.Clone(row), Probabilities: probabilities}
	}
	return golden, nil
}

func denseRow(t *dataset.Table, i int) []float64 {
	if t.Sparse == nil {
		return t.Row(i)
	}
	row := make([]float64, t.Signature.Len())
	for at := t.Sparse.Start[i]; at < t.Sparse.Start[i+1]; at++ {
		row[t.Sparse.Columns[at]] = t.Sparse.Values[at]
	}
	return row
}

// typicalRow returns the row of medians and most frequent categories; of a sparse table, that of
// zeros.
func typicalRow(ctx context.Context, t *dataset.Table) ([]float64, error) {
	if t.Sparse == nil {
		return t.Typical(ctx)
	}
	return make([]float64, t.Signature.Len()), nil
}
