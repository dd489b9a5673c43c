package softmax_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestRankIsTheStartOfAStableSort(t *testing.T) {
	t.Parallel()
	r := random(8)
	for n := range 500 {
		probabilities := make([]float64, 1+r.IntN([]int{12, 60}[n%2]))
		order := make([]int, len(probabilities))
		for k := range probabilities {
			probabilities[k] = float64(r.IntN(6)) / 6 // with ties
			order[k] = k
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probabilities[b], probabilities[a]) })
		for places := range len(order) + 1 {
			if got := softmax.Rank(make([]int, places), probabilities); !slices.Equal(got, order[:places]) {
				t.Fatalf("the best %d of %v are %v, expected %v", places, probabilities, got, order[:places])
			}
		}
	}
}

func TestRankAgreesWithPredict(t *testing.T) {
	t.Parallel()
	r := random(9)
	m := randomModel(t, r, numeric(3), 5)
	for range 100 {
		probabilities, class := predict(t, m, normals(r, 3, 1))
		if best := softmax.Rank(make([]int, 1), probabilities); best[0] != class {
			t.Errorf("the best of %v is %d, Predict says %d", probabilities, best[0], class)
		}
	}
}

func TestRankPanicsOnTooManyPlaces(t *testing.T) {
	t.Parallel()
	wantPanic(t, "softmax: Rank: more places than classes", func() {
		softmax.Rank(make([]int, 3), make([]float64, 2))
	})
}
