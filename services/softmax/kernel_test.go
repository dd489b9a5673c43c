package softmax_test

import (
	"fmt"
	"math"
	"testing"
)

// TestLogitsOfNumericRows compares with the plain sum, for all numbers of features around those
// that are taken at once.
func TestLogitsOfNumericRows(t *testing.T) {
	t.Parallel()
	r := random(77)
	for features := 1; features <= 13; features++ {
		for _, classes := range []int{2, 3, 10} {
			t.Run(fmt.Sprintf("%dx%d", features, classes), func(t *testing.T) {
				m := randomModel(t, r, numeric(features), classes)
				d, row := m.Definition(), normals(r, features, 3)
				got := m.Logits(make([]float64, classes), row)
				for k, z := range d.Intercepts {
					for j, v := range row {
						z += v * d.Weights[k*features+j]
					}
					if math.Abs(z-got[k]) > 1e-13*(1+math.Abs(z)) {
						t.Errorf("class %d: logit %v, want %v", k, got[k], z)
					}
				}
				for j := range row {
					for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
						kept := row[j]
						row[j] = bad
						want := fmt.Sprintf("row 0, column %d (x%d): %v is not a finite number", j, j, bad)
						if _, err := m.Predict(make([]float64, classes), row); err == nil || err.Error() != want {
							t.Errorf("error %v, want %s", err, want)
						}
						row[j] = kept
					}
				}
			})
		}
	}
}
