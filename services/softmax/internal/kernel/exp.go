package kernel

import "math"

// Exp writes exp(src[i]) to dst[i]; dst may be src. The relative error is below 1e-15, but for
// results so small that they are subnormal: these are within the least positive number. Above
// 709.78 the result is +Inf, below -745.13 it is 0, and of NaN it is NaN. It panics if the
// lengths differ.
func Exp(dst, src []float64) {
	checkLengths(len(dst), len(src))
	exp(dst, src)
}

func expGo(dst, src []float64) {
	for i, x := range src {
		dst[i] = math.Exp(x)
	}
}
