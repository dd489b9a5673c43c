package softmax_test

import (
	"errors"
	"math"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestWithTemperatureDividesTheLogits(t *testing.T) {
	t.Parallel()
	r := random(60)
	m := randomModel(t, r, mixed(), 3)
	for _, temperature := range []float64{0.25, 1, 3} {
		other, err := m.WithTemperature(temperature)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			row := mixedRow(r)
			got, want := other.Logits(make([]float64, 3), row), m.Logits(make([]float64, 3), row)
			for k := range want {
				if math.Abs(got[k]-want[k]/temperature) > 1e-12 {
					t.Errorf("temperature %v: logits %v of %v", temperature, got, want)
				}
			}
		}
		if a, b := other.Definition().Reference, m.Definition().Reference; farthest(a, b) != 0 {
			t.Errorf("temperature %v: the reference row changed", temperature)
		}
	}
	for _, temperature := range []float64{0, -1, math.NaN(), math.Inf(1), 1e-320} {
		var undefined *softmax.DefinitionError
		if _, err := m.WithTemperature(temperature); !errors.As(err, &undefined) {
			t.Errorf("temperature %v: %v", temperature, err)
		}
	}
}
