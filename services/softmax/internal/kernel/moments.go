package kernel

// Moments are what is known of the columns of some rows. All slices have one value per column.
type Moments struct {
	// About and Unit say what the sums are of: (value - About) · Unit.
	About, Unit []float64
	// Sum and Square are sums over the rows of that and of its square, by the rows' shares.
	Sum, Square []float64
	// Low and High are the least and the largest of the values themselves.
	Low, High []float64
}

// Add takes rows of x, as many as shares, one after the other; ldx is the leading dimension. Rows
// of share 0 are left out, and the values of the others are not NaN.
func (m *Moments) Add(x []float64, ldx int, shares []float64) {
	n := len(m.Sum)
	checkMatrix(len(x), ldx, len(shares), n)
	for _, values := range [][]float64{m.About, m.Unit, m.Square, m.Low, m.High} {
		checkLengths(len(values), n)
	}
	if n > 0 {
		addMoments(m, x, ldx, shares)
	}
}

func addMomentsGo(m *Moments, x []float64, ldx int, shares []float64) {
	n := len(m.Sum)
	about, unit, sum, square, low, high := m.About[:n], m.Unit[:n], m.Sum[:n], m.Square[:n], m.Low[:n], m.High[:n]
	for i, share := range shares {
		if share == 0 {
			continue
		}
		for j, v := range x[i*ldx : i*ldx+n] {
			if v < low[j] {
				low[j] = v
			}
			if v > high[j] {
				high[j] = v
			}
			v = (v - about[j]) * unit[j]
			weighted := v * share
			sum[j] += weighted
			square[j] += weighted * v
		}
	}
}

// Rescale writes (x - shift) · scale, value by value. It panics if the lengths differ.
func Rescale(dst, x, shift, scale []float64) {
	checkLengths(len(dst), len(x))
	checkLengths(len(shift), len(x))
	checkLengths(len(scale), len(x))
	rescale(dst, x, shift, scale)
}

func rescaleGo(dst, x, shift, scale []float64) {
	for j, v := range x {
		dst[j] = (v - shift[j]) * scale[j]
	}
}
