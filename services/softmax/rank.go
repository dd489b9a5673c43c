package softmax

// Rank writes the classes to dst, those of the highest probability first, and in the model's
// order where several have the same; it returns dst. With fewer places than classes, dst gets
// the best. It does not allocate. It panics if dst has more places than there are classes.
func Rank(dst []int, probabilities []float64) []int {
	if len(dst) > len(probabilities) {
		panic("softmax: Rank: more places than classes")
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
