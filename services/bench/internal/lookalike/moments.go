package lookalike

import "math"

// moments returns the mean and the (population) standard deviation of column j, to the bit as
// numpy does: sums are pairwise.
func moments(rows []float64, columns, j int) (mean, deviation float64) {
	n := len(rows) / columns
	column := make([]float64, n)
	for i := range column {
		column[i] = rows[i*columns+j]
	}
	mean = pairwise(column) / float64(n)
	for i, v := range column {
		column[i] = (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(pairwise(column) / float64(n))
}

// pairwise adds as numpy does: eight running sums over at most 128 values, and of more the sum of
// the halves.
func pairwise(x []float64) float64 {
	n := len(x)
	switch {
	case n < 8:
		var sum float64
		for _, v := range x {
			sum += v
		}
		return sum
	case n <= 128:
		var r [8]float64
		copy(r[:], x)
		i := 8
		for ; i < n-n%8; i += 8 {
			for k := range r {
				r[k] += x[i+k]
			}
		}
		sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
		for _, v := range x[i:] {
			sum += v
		}
		return sum
	}
	half := n / 2
	half -= half % 8
	return pairwise(x[:half]) + pairwise(x[half:])
}

// Standardise gives each column the mean 0 and the variance 1; one without variance becomes 0.
func (s *Set) Standardise() {
	for j := range s.Columns {
		mean, deviation := moments(s.Rows, s.Columns, j)
		if deviation == 0 {
			deviation = 1
		}
		for i := range s.Labels {
			v := &s.Rows[i*s.Columns+j]
			*v = (*v - mean) / deviation
		}
	}
}

// Normals returns n numbers of mean 0 and variance 1.
func Normals(seed uint64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = normal(seed, i)
	}
	return out
}
