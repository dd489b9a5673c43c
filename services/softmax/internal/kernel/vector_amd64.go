//go:build !purego

package kernel

func exp(dst, src []float64) {
	switch {
	case !vectorised():
		expGo(dst, src)
	case len(src) > 0:
		expVector(&dst[0], &src[0], len(src))
	}
}

func dot(a, b []float64) float64 {
	if !vectorised() || len(a) == 0 {
		return dotGo(a, b)
	}
	return dotVector(&a[0], &b[0], len(a))
}

func allFinite(values []float64) bool {
	if !vectorised() || len(values) < 8 {
		return allFiniteGo(values)
	}
	return finiteVector(&values[0], len(values))
}

func allWithin(values []float64, limit float64) bool {
	if !vectorised() || len(values) < 8 {
		return allWithinGo(values, limit)
	}
	return withinVector(&values[0], limit, len(values))
}

func addScaled(dst []float64, alpha float64, x []float64) {
	switch {
	case !vectorised():
		addScaledGo(dst, alpha, x)
	case len(x) > 0:
		addScaledVector(&dst[0], alpha, &x[0], len(x))
	}
}

func scaleAdd(dst []float64, alpha float64, x []float64) {
	switch {
	case !vectorised():
		scaleAddGo(dst, alpha, x)
	case len(x) > 0:
		scaleAddVector(&dst[0], alpha, &x[0], len(x))
	}
}

func addDots(z, x []float64, ldx int, w []float64) {
	if !vectorised() {
		addDotsGo(z, x, ldx, w)
		return
	}
	rowDots(&z[0], &x[0], ldx, &w[0], len(z), len(w))
}

// sparsePanel is how many columns of w are taken at once.
const sparsePanel = 20

func sparseMulAdd(z, values []float64, columns []int32, w []float64, ldw, limit int) {
	if !vectorised() {
		sparseMulAddGo(z, values, columns, w, ldw, limit)
		return
	}
	if len(values) == 0 {
		return
	}
	checkLengths(len(values), len(columns))
	for j := 0; j < len(z); j += sparsePanel {
		if limit == 0 || !sparseRow(&z[j], &values[0], &columns[0], len(values), &w[j], ldw, limit, min(sparsePanel, len(z)-j)) {
			panic("kernel: column out of range")
		}
	}
}

// The lengths are above 0, but for a dot product.

//go:noescape
func expVector(dst, src *float64, n int)

//go:noescape
func dotVector(a, b *float64, n int) float64

//go:noescape
func finiteVector(values *float64, n int) bool

//go:noescape
func withinVector(values *float64, limit float64, n int) bool

//go:noescape
func addScaledVector(dst *float64, alpha float64, x *float64, n int)

//go:noescape
func scaleAddVector(dst *float64, alpha float64, x *float64, n int)

//go:noescape
func rowDots(z, x *float64, ldx int, w *float64, rows, columns int)

// sparseRow adds up to sparsePanel columns of count rows of w, times values, to z. It reports
// whether all rows are below limit; else z is as it was.
//
//go:noescape
func sparseRow(z, values *float64, columns *int32, count int, w *float64, ldw, limit, n int) bool
