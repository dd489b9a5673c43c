package softmax_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// TestTwoClassesAsOfOldScikitLearn holds fits of two classes against what scikit-learn 1.2
// makes of them with multi_class="multinomial": weights -w and w, both penalised. That is the
// binomial fit with twice the C, and weights of 2w.
func TestTwoClassesAsOfOldScikitLearn(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(oracles + "binary_softmax_sklearn_1.2.1.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []oracle
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Fatalf("%d oracles, expected 3", len(all))
	}
	for _, o := range all {
		data := readTable(t, o.Dataset)
		result := data.fit(t, softmax.FitOptions{C: 2 * o.C})
		if off := result.Objective/o.Objective - 1; off > 1e-10 || off < -1e-10 {
			t.Errorf("C %v: objective %.15g, scikit-learn reaches %.15g", o.C, result.Objective, o.Objective)
		}
		width := data.signature.Width()
		got := result.Model.Definition()
		want := make([]float64, width)
		for j, w := range o.Coef[0] {
			want[j] = 2 * w
		}
		// Its gradient, up to 6e-8, leaves room for as much times C.
		if off := farthest(got.Weights[width:], want); off > max(1e-6, o.C*o.GradInf) {
			t.Errorf("C %v: a weight is %v from scikit-learn's", o.C, off)
		}
		for i, row := range o.Rows {
			if p, _ := predict(t, result.Model, data.row(row)); farthest(p, o.Probabilities[i]) > 1e-8 {
				t.Errorf("C %v, row %d: %v, scikit-learn has %v", o.C, row, p, o.Probabilities[i])
			}
		}
	}
}
