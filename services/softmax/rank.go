package softmax

import (
	"cmp"
	"slices"
)

// Rank writes the classes to dst, those of the highest probability first, and in the model's
// order where several have the same; it returns dst. With fewer places than classes, dst gets
// the best, and few places take little more than one look at each probability. It does not
// allocate. It panics if dst has more places than there are classes.
func Rank(dst []int, probabilities []float64) []int {
	switch {
	case len(dst) > len(probabilities):
		panic("softmax: Rank: more places than classes")
	case len(dst) == len(probabilities) && len(dst) > sortFrom:
		return rankAll(dst, probabilities)
	}
	filled := 0
	for k, p := range probabilities {
		at := filled
		if filled < len(dst) {
			filled++
		} else if filled == 0 || p <= probabilities[dst[filled-1]] {
			continue
		} else {
			at = filled - 1
		}
		for ; at > 0 && p > probabilities[dst[at-1]]; at-- {
			dst[at] = dst[at-1]
		}
		dst[at] = k
	}
	return dst
}

// sortFrom is above how many classes sorting them all is faster than inserting one by one.
const sortFrom = 32

func rankAll(dst []int, probabilities []float64) []int {
	for k := range dst {
		dst[k] = k
	}
	slices.SortFunc(dst, func(a, b int) int {
		return cmp.Or(cmp.Compare(probabilities[b], probabilities[a]), a-b)
	})
	return dst
}
