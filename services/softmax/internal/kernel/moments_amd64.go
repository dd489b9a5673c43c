//go:build !purego

package kernel

func addMoments(m *Moments, x []float64, ldx int, shares []float64) {
	if !vectorised() {
		addMomentsGo(m, x, ldx, shares)
		return
	}
	n := len(m.Sum)
	for from := 0; from < len(shares); from += rowsAtOnce {
		rows := min(rowsAtOnce, len(shares)-from)
		for j := 0; j < n; j += 4 {
			// Each four columns prefetch their part of the rows that come next.
			next := rows*ldx + j*rows - j
			momentsOfFour(&x[from*ldx+j], ldx, rows, min(4, n-j), &shares[from],
				&m.About[j], &m.Unit[j], &m.Sum[j], &m.Square[j], &m.Low[j], &m.High[j], 8*next)
		}
	}
}

func rescale(dst, x, shift, scale []float64) {
	switch {
	case !vectorised():
		rescaleGo(dst, x, shift, scale)
	case len(x) > 0:
		rescaleVector(&dst[0], &x[0], &shift[0], &scale[0], len(x))
	}
}

// momentsOfFour takes up to four columns, above 0, of rows, above 0. It fuses no steps: the bits
// are those of addMomentsGo. With each row it prefetches 32 bytes, the first ahead bytes from x.
//
//go:noescape
func momentsOfFour(x *float64, ldx, rows, columns int, shares, about, unit, sum, square, low, high *float64, ahead int)

// rescaleVector takes n values, above 0.
//
//go:noescape
func rescaleVector(dst, x, shift, scale *float64, n int)
