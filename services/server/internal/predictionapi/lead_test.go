package predictionapi

import (
	"slices"
	"testing"
)

func TestPredictedClassLeads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ranked []int
		class  int
		want   []int
	}{
		{nil, 1, nil},
		{[]int{2, 0, 1}, 2, []int{2, 0, 1}},
		{[]int{0, 1, 2}, 1, []int{1, 0, 2}},
		{[]int{0, 1, 2}, 2, []int{2, 0, 1}},
		{[]int{0, 1}, 3, []int{3, 0}}, // of four
		{[]int{0}, 3, []int{3}},
	} {
		if got := lead(slices.Clone(test.ranked), test.class); !slices.Equal(got, test.want) {
			t.Errorf("of %v, class %d leads to %v, expected %v", test.ranked, test.class, got, test.want)
		}
	}
}
