package trainer

import (
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// maxGoldenClasses bounds the number of golden rows that are rows of the table.
const maxGoldenClasses = 8

// goldenRows scores the first row of each class, and the typical row.
func goldenRows(t *dataset.Table, m *softmax.Model) ([]*modelv1.GoldenRow, error) {
	var rows [][]float64
	for class := range min(len(t.Classes), maxGoldenClasses) {
		rows = append(rows, t.Row(slices.Index(t.Labels, class)))
	}
	rows = append(rows, t.Typical())
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
