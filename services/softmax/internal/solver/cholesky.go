package solver

import (
	"math"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// cholesky is the factor L of a positive definite matrix L·Lᵀ, row-major; above the diagonal
// stands rubbish.
type cholesky struct {
	n      int
	factor []float64
	rest   []float64 // memory of eliminate
}

// panel is how many columns are eliminated at once.
const panel = 16

// factorise returns the factor of a symmetric n × n matrix with so much of its diagonal added,
// and more of it where rounding makes the matrix indefinite.
func factorise(matrix []float64, n int, ridge float64) cholesky {
	c := cholesky{}
	c.factorise(matrix, n, ridge)
	return c
}

// factorise is [factorise] in the memory of an earlier factor.
func (c *cholesky) factorise(matrix []float64, n int, ridge float64) {
	c.build(n, ridge, func(dst []float64) { copy(dst, matrix) })
}

// build is factorise of a matrix that is written when it is asked for, perhaps more than once.
func (c *cholesky) build(n int, ridge float64, write func(dst []float64)) {
	c.n = n
	if len(c.factor) != n*n {
		c.factor, c.rest = make([]float64, n*n), make([]float64, 2*panel*n)
	}
	for ; ; ridge *= 100 {
		write(c.factor)
		for i := range n {
			c.factor[i*n+i] += ridge * c.factor[i*n+i]
			if c.factor[i*n+i] == 0 {
				c.factor[i*n+i] = 1
			}
		}
		if c.eliminate() || ridge > 1 {
			return
		}
	}
}

func (c *cholesky) eliminate() bool {
	n, a := c.n, c.factor
	var inverse [panel * panel]float64
	rest := c.rest
	for j := 0; j < n; j += panel {
		width := min(panel, n-j)
		if !eliminateCorner(a[j*n+j:], n, width) {
			return false
		}
		below := n - j - width
		if below == 0 {
			break
		}
		invertCorner(&inverse, a[j*n+j:], n, width)
		// The panel below the corner, times the inverse of the corner's transpose.
		old, negative := rest[:below*panel], rest[panel*n:]
		for i := range below {
			row := a[(j+width+i)*n+j:][:width]
			copy(old[i*panel:], row)
			clear(row)
		}
		kernel.MulAdd(a[(j+width)*n+j:], n, old, panel, 1, inverse[:], panel, below, width, width)
		for i := range below {
			for t, v := range a[(j+width+i)*n+j:][:width] {
				negative[t*below+i] = -v
			}
		}
		c.updateTail(j, width, below, negative)
	}
	return true
}

// updateTail subtracts the products of the panel's rows from what is to the right of it.
func (c *cholesky) updateTail(j, width, below int, negative []float64) {
	const strip = 24
	n, a := c.n, c.factor
	for i := 0; i < below; i += strip {
		rows := min(strip, below-i)
		at := (j + width + i) * n
		kernel.MulAdd(a[at+j+width:], n, a[at+j:], n, 1, negative, below, rows, i+rows, width)
	}
}

// eliminateCorner factors the upper left corner of a.
func eliminateCorner(a []float64, ld, n int) bool {
	var column [panel]float64
	for t := range n {
		v := a[t*ld+t]
		if !(v > 0) || v-v != 0 {
			return false
		}
		root := math.Sqrt(v)
		a[t*ld+t] = root
		for i := t + 1; i < n; i++ {
			row := a[i*ld : i*ld+i+1]
			own := row[t] / root
			row[t], column[i] = own, own
			for k, other := range column[t+1 : i+1] {
				row[t+1+k] -= own * other
			}
		}
	}
	return true
}

// invertCorner writes the transpose of the inverse of a lower triangle.
func invertCorner(inverse *[panel * panel]float64, a []float64, ld, n int) {
	clear(inverse[:])
	var column [panel]float64
	for t := range n {
		inverse[t*panel+t] = 1
		for i := t; i < n; i++ {
			column[i] = a[i*ld+t]
		}
		for k := range t + 1 {
			row := inverse[k*panel : k*panel+n]
			own := row[t] / column[t]
			row[t] = own
			for i, v := range column[t+1 : n] {
				row[t+1+i] -= own * v
			}
		}
	}
}

// solve replaces x by the solution of L·Lᵀ·y = x.
func (c *cholesky) solve(x []float64) {
	n := c.n
	for i := range n {
		row := c.factor[i*n : i*n+i+1]
		x[i] = (x[i] - kernel.Dot(row[:i], x[:i])) / row[i]
	}
	for i := n - 1; i >= 0; i-- {
		row := c.factor[i*n : i*n+i+1]
		x[i] /= row[i]
		kernel.AddScaled(x[:i], -x[i], row[:i])
	}
}
