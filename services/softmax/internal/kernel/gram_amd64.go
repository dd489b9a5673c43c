//go:build !purego

package kernel

func packScaled(panel, x []float64, ldx, rows, columns int, weights []float64) {
	if !vectorised() {
		packScaledGo(panel, x, ldx, rows, columns, weights)
		return
	}
	w, step := 1.0, 0 // bytes
	at := &w
	if weights != nil {
		at, step = &weights[0], 8
	}
	packRows(&panel[0], &x[0], ldx, rows, columns, at, step)
}

// packRows writes rows of up to gramPanel columns, above 0, filled up with zeros. It takes a
// weight per row, step bytes apart.
//
//go:noescape
func packRows(panel, x *float64, ldx, rows, columns int, weights *float64, step int)
