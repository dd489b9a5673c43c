package softmax

// addProducts adds to dst, which has k values, the sum over j of values[j] · row j of weights,
// which is row-major len(values) × k. Each of dst gets its terms one after the other, so that
// the result does not depend on how many rows are taken at once.
func addProducts(dst, values, weights []float64) {
	k := len(dst)
	for ; len(values) >= 4; values, weights = values[4:], weights[4*k:] {
		v0, v1, v2, v3 := values[0], values[1], values[2], values[3]
		w0, w1, w2, w3 := weights[:k], weights[k:2*k], weights[2*k:3*k], weights[3*k:4*k]
		for c, z := range dst {
			dst[c] = z + v0*w0[c] + v1*w1[c] + v2*w2[c] + v3*w3[c]
		}
	}
	for j, v := range values {
		for c, w := range weights[j*k : j*k+k] {
			dst[c] += v * w
		}
	}
}

func allFinite(values []float64) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}
