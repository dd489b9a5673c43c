package kernel

// gramRows is how many rows Gram takes at once, gramPanel how many columns lie side by side in
// its scratch.
const gramRows, gramPanel = 64, 12

// GramScratch is how many values Gram needs for its work on that many columns.
func GramScratch(int) int { return gramRows * gramPanel }

// Gram adds sum over i of w_i · x_i x_iᵀ to the upper triangle of g, which is columns × columns
// with the leading dimension ldg; x_i are the rows of x, and weights, of either sign, are one per
// row, or nil where all are 1. Some places below the diagonal change too: [Mirror] makes the
// matrix whole. scratch has GramScratch(columns) values or more.
func Gram(g []float64, ldg int, x []float64, ldx, rows, columns int, weights, scratch []float64) {
	checkMatrix(len(g), ldg, columns, columns)
	checkMatrix(len(x), ldx, rows, columns)
	if weights != nil {
		checkLengths(len(weights), rows)
	}
	if len(scratch) < GramScratch(columns) {
		panic("kernel: scratch is too short")
	}
	for from := 0; from < rows; from += gramRows {
		n := min(gramRows, rows-from)
		block, w := x[from*ldx:], weights
		if weights != nil {
			w = weights[from : from+n]
		}
		for j := 0; j < columns; j += gramPanel {
			width := min(gramPanel, columns-j)
			packScaled(scratch, block[j:], ldx, n, width, w)
			MulAdd(g[j:], ldg, block, 1, ldx, scratch, gramPanel, j+width, width, n)
		}
	}
}

// packScaledGo writes the rows of x, each times its weight, to panel, gramPanel values from one to
// the next.
func packScaledGo(panel, x []float64, ldx, rows, columns int, weights []float64) {
	for i := range rows {
		row, to := x[i*ldx:i*ldx+columns], panel[i*gramPanel:i*gramPanel+columns]
		if weights == nil {
			copy(to, row)
			continue
		}
		w := weights[i]
		for j, v := range row {
			to[j] = w * v
		}
	}
}

// Mirror copies the upper triangle of g, which is n × n, to the lower.
func Mirror(g []float64, ldg, n int) {
	checkMatrix(len(g), ldg, n, n)
	for i := range n {
		for j := range i {
			g[i*ldg+j] = g[j*ldg+i]
		}
	}
}
