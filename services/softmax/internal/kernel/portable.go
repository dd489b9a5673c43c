//go:build !amd64 || purego

package kernel

func vectorised() bool { return false }

func mulAdd(c []float64, ldc int, a []float64, ars, acs int, b []float64, ldb, m, n, k int) {
	mulAddGo(c, ldc, a, ars, acs, b, ldb, m, n, k)
}

func mulAdd32(c []float64, ldc int, a []float32, ars, acs int, b []float64, ldb, m, n, k int) {
	mulAddGo(c, ldc, a, ars, acs, b, ldb, m, n, k)
}

func softmaxEach(z []float64, ld, rows, classes int, best []int) {
	softmaxRowsGo(z, ld, rows, classes, best)
}

func crossEntropy(z []float64, ld, rows, classes int, labels []int32, weights, p []float64) float64 {
	return crossEntropyGo(z, ld, rows, classes, labels, weights, p)
}

func curve(u, p []float64, ld, rows, classes int, weights []float64) {
	curveGo(u, p, ld, rows, classes, weights)
}

func logistic(z []float64, labels []int32, weights, curvature []float64) float64 {
	return logisticGo(z, labels, weights, curvature)
}

func sparseMulAdd(z, values []float64, columns []int32, w []float64, ldw, limit int) {
	sparseMulAddGo(z, values, columns, w, ldw, limit)
}

func addDots(z, x []float64, ldx int, w []float64) { addDotsGo(z, x, ldx, w) }

func packScaled(panel, x []float64, ldx, rows, columns int, weights []float64) {
	packScaledGo(panel, x, ldx, rows, columns, weights)
}

func sigmoid(z []float64) { sigmoidGo(z) }

func exp(dst, src []float64) { expGo(dst, src) }

func allFinite(values []float64) bool { return allFiniteGo(values) }

func allWithin(values []float64, limit float64) bool { return allWithinGo(values, limit) }

func dot(a, b []float64) float64 { return dotGo(a, b) }

func addScaled(dst []float64, alpha float64, x []float64) { addScaledGo(dst, alpha, x) }

func scaleAdd(dst []float64, alpha float64, x []float64) { scaleAddGo(dst, alpha, x) }

func addMoments(m *Moments, x []float64, ldx int, shares []float64) {
	addMomentsGo(m, x, ldx, shares)
}

func rescale(dst, x, shift, scale []float64) { rescaleGo(dst, x, shift, scale) }
