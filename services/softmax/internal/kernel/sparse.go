package kernel

// Sparse is rows of which most values are 0: row i has values[start[i]:start[i+1]] in the columns
// of the same places.
type Sparse struct {
	Start   []int
	Columns []int32
	Values  []float64
}

// MulAdd adds to row i of z the product of row from+i with w, for rows rows. z and w have n
// columns. Each element of z is one chain of additions, as in the function of this name. It
// panics if a column is none of w's rows.
func (s Sparse) MulAdd(z []float64, ldz int, w []float64, ldw, from, rows, n int) {
	checkMatrix(len(z), ldz, rows, n)
	if n == 0 {
		return
	}
	limit := rowsOf(len(w), ldw, n)
	for i := range rows {
		at, end := s.Start[from+i], s.Start[from+i+1]
		sparseMulAdd(z[i*ldz:i*ldz+n], s.Values[at:end], s.Columns[at:end], w, ldw, limit)
	}
}

// AddTransposed adds to row c of g the sum over the rows of value · row i of r, for rows rows
// from the one called from on: g += Sᵀ·r. r and g have n columns. It panics if a column is none
// of g's rows.
func (s Sparse) AddTransposed(g []float64, ldg int, r []float64, ldr, from, rows, n int) {
	checkMatrix(len(r), ldr, rows, n)
	if n == 0 {
		return
	}
	limit := rowsOf(len(g), ldg, n)
	for i := range rows {
		row := r[i*ldr : i*ldr+n]
		for at := s.Start[from+i]; at < s.Start[from+i+1]; at++ {
			c := int(s.Columns[at])
			checkColumn(c, limit)
			addScaled(g[c*ldg:c*ldg+n], s.Values[at], row)
		}
	}
}

// rowsOf returns how many rows of n columns fit in that length.
func rowsOf(length, ld, n int) int {
	if ld < n || length < n {
		return 0
	}
	return (length-n)/ld + 1
}

func checkColumn(c, limit int) {
	if c < 0 || c >= limit {
		panic("kernel: column out of range")
	}
}

func sparseMulAddGo(z, values []float64, columns []int32, w []float64, ldw, limit int) {
	for at, v := range values {
		c := int(columns[at])
		checkColumn(c, limit)
		addScaledGo(z, v, w[c*ldw:c*ldw+len(z)])
	}
}
