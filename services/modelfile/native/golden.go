package native

import (
	"errors"
	"fmt"
	"math"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// goldenTolerance is how far a probability of a golden row may lie from the one expected.
const goldenTolerance = 1e-9

func checkGolden(rows []*modelv1.GoldenRow, m *softmax.Model) error {
	got := make([]float64, m.NumClasses())
	for i, row := range rows {
		field := fmt.Sprintf("golden_rows[%d]", i)
		if len(row.GetProbabilities()) != len(got) {
			return refuse(field+".probabilities", "has %d values, expected %d", len(row.GetProbabilities()), len(got))
		}
		if _, err := m.Predict(got, row.GetFeatures()); err != nil {
			return refuseRow(field+".features", err)
		}
		for k, want := range row.GetProbabilities() {
			if !(math.Abs(got[k]-want) <= goldenTolerance) {
				return refuse(field, "gives class %q the probability %.12g, expected %.12g: the weights are not those of the trained model",
					m.Class(k), got[k], want)
			}
		}
	}
	return nil
}

// refuseRow says in the file's terms why the engine refuses a row.
func refuseRow(field string, err error) error {
	var shape *softmax.ShapeError
	var value *softmax.ValueError
	var overflow *softmax.OverflowError
	switch {
	case errors.As(err, &shape):
		return refuse(field, "has %d values, expected %d", shape.Got, shape.Want)
	case errors.As(err, &value):
		return refuse(fmt.Sprintf("%s[%d]", field, value.Column), "%v is not %s", value.Value, value.Want)
	case errors.As(err, &overflow):
		return refuse(field, "makes the logit of class %q overflow", overflow.Class)
	}
	return refuse(field, "%s", err)
}
