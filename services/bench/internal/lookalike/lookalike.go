// Package lookalike makes data sets that look like well-known ones that cannot be shipped:
// pictures of digits, card payments of which few are fraud, forest plots, and texts. They are made
// of splitmix64 and basic arithmetic alone, so that any program in any language makes the same
// bits of them; the constants are part of what a set is.
package lookalike

// Set is labelled rows.
type Set struct {
	// Name is that of the set, such as "fraud".
	Name string
	// Rows are row-major, len(Labels) × Columns; nil where the set is sparse.
	Rows []float64
	// Start, Index and Values are the rows of a sparse set, compressed: row i has Values[Start[i]:
	// Start[i+1]] in the columns Index[Start[i]:Start[i+1]], which ascend.
	Start  []int
	Index  []int32
	Values []float64
	// Columns is the number of features, Classes the number of classes.
	Columns, Classes int
	// Labels hold the class of each row, 0 to Classes-1.
	Labels []int
}

// draw returns the 64 random bits that stand at a position of the sequence of a seed (splitmix64,
// Steele, Lea and Flood 2014).
func draw(seed, at uint64) uint64 {
	z := (at+1)*0x9E3779B97F4A7C15 + seed*0xD1B54A32D192ED03
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below returns a whole number from 0 up to, not including, n.
func below(seed uint64, at, n int) int { return int(draw(seed, uint64(at)) % uint64(n)) }

// uniform returns a number from 0 up to, not including, 1.
func uniform(seed uint64, at int) float64 {
	return float64(draw(seed, uint64(at))>>11) * (1.0 / (1 << 53))
}

// normal returns a number of mean 0 and variance 1: the sum of four uniform ones.
func normal(seed uint64, at int) float64 {
	s := uniform(seed*4+1, at) + uniform(seed*4+2, at)
	s += uniform(seed*4+3, at)
	s += uniform(seed*4+4, at)
	return (s - 2) * 1.7320508075688772
}
