package kernel

// Dot returns the sum of a[i]·b[i]. It panics if the lengths differ.
func Dot(a, b []float64) float64 {
	checkLengths(len(a), len(b))
	return dot(a, b)
}

// AddDots adds the dot product of w and row i of x to z[i]. x has as many rows as z has values and
// as many columns as w; ldx is its leading dimension.
func AddDots(z, x []float64, ldx int, w []float64) {
	checkMatrix(len(x), ldx, len(z), len(w))
	if len(z) > 0 && len(w) > 0 {
		addDots(z, x, ldx, w)
	}
}

// AddScaled adds alpha·x to dst. It panics if the lengths differ.
func AddScaled(dst []float64, alpha float64, x []float64) {
	checkLengths(len(dst), len(x))
	addScaled(dst, alpha, x)
}

// ScaleAdd makes dst alpha·dst + x. It panics if the lengths differ.
func ScaleAdd(dst []float64, alpha float64, x []float64) {
	checkLengths(len(dst), len(x))
	scaleAdd(dst, alpha, x)
}

// AllFinite reports whether no value is infinite or NaN.
func AllFinite(values []float64) bool { return allFinite(values) }

// AllWithin reports whether all values are at most limit in magnitude, and none is NaN.
func AllWithin(values []float64, limit float64) bool { return allWithin(values, limit) }

func dotGo(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4], b[i:i+4]
		s0, s1, s2, s3 = fma(x[0], y[0], s0), fma(x[1], y[1], s1), fma(x[2], y[2], s2), fma(x[3], y[3], s3)
	}
	for ; i < len(a); i++ {
		s0 = fma(a[i], b[i], s0)
	}
	return (s0 + s2) + (s1 + s3)
}

func addScaledGo(dst []float64, alpha float64, x []float64) {
	for i, v := range x {
		dst[i] = fma(alpha, v, dst[i])
	}
}

func scaleAddGo(dst []float64, alpha float64, x []float64) {
	for i, v := range x {
		dst[i] = fma(alpha, dst[i], v)
	}
}

func allWithinGo(values []float64, limit float64) bool {
	for _, v := range values {
		if !(v <= limit && v >= -limit) {
			return false
		}
	}
	return true
}

func allFiniteGo(values []float64) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}

func addDotsGo(z, x []float64, ldx int, w []float64) {
	for i := range z {
		z[i] += dotGo(x[i*ldx:i*ldx+len(w)], w)
	}
}
