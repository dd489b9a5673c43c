package softmax

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// design holds the encoded rows as the solver sees them. The solver minimises the objective per
// unit of weight, in variables in which it curves about as much along one as along any other,
// whatever the units of the features: columns are centred (given an intercept, for which a last
// column of ones stands) and scaled. A variable times the scale of its column is a weight of the
// model, and the penalty stays that of the model's weights, so the minimum is the same.
type design struct {
	rows, columns int
	values        []float64 // rows × columns, row-major: (encoded value - shift) · scale
	labels        []int
	shares        []float64 // the weight of each row as a share of total
	total         float64   // sum of the rows' weights
	mean          []float64 // of each encoded column, by weight
	shift         []float64 // what was subtracted: mean, or 0 without an intercept
	scale         []float64
	penalty       []float64 // scale² / (C · total), and 0 for the intercept
	intercept     bool
}

func newDesign(signature *Signature, s *Samples, classes int, options FitOptions) *design {
	n, width := len(s.Labels), signature.Width()
	d := &design{rows: n, columns: width, labels: s.Labels, intercept: !options.NoIntercept}
	if d.intercept {
		d.columns++
	}
	d.values = make([]float64, n*d.columns)
	d.shares = make([]float64, n)
	for i := range n {
		row := d.row(i)
		signature.Encode(row[:width], s.row(i, signature.Len()))
		if d.intercept {
			row[width] = 1
		}
		d.shares[i] = s.weight(i)
		d.total += d.shares[i]
	}
	for i := range d.shares {
		d.shares[i] /= d.total
	}
	d.centre(width)
	d.rescale(classes, options.C)
	return d
}

func (d *design) row(i int) []float64 { return d.values[i*d.columns : (i+1)*d.columns] }

// centre fills mean and shift and subtracts the shift.
func (d *design) centre(width int) {
	mean := make([]float64, d.columns)
	low := slices.Repeat([]float64{math.Inf(1)}, d.columns)
	high := slices.Repeat([]float64{math.Inf(-1)}, d.columns)
	for i, share := range d.shares {
		if share == 0 {
			continue
		}
		floats.AddScaled(mean, share, d.row(i))
		for c, v := range d.row(i) {
			low[c], high[c] = min(low[c], v), max(high[c], v)
		}
	}
	d.shift = make([]float64, d.columns)
	for c := range width {
		// The mean of a constant is to be exactly that, or rounding makes a feature of it.
		mean[c] = min(max(mean[c], low[c]), high[c])
		if d.intercept {
			d.shift[c] = mean[c]
		}
	}
	d.mean = mean[:width]
	for i := range d.rows {
		floats.Sub(d.row(i), d.shift)
	}
}

// rescale fills scale and penalty and brings the centred values to scale. Along a weight, the
// second derivative of the objective per unit of weight is, where all weights are 0,
// p(1-p) · the mean square of the centred column + 1/(C · total), with p = 1 / classes.
func (d *design) rescale(classes int, c float64) {
	p := 1 / float64(classes)
	slope := math.Sqrt(p * (1 - p))
	ridge := 1 / (math.Sqrt(c) * math.Sqrt(d.total))
	d.scale = make([]float64, d.columns)
	d.penalty = make([]float64, d.columns)
	for k, spread := range d.spreads() {
		columnRidge := ridge
		if k == len(d.mean) {
			columnRidge = 0
		}
		d.scale[k] = 1 / math.Hypot(slope*spread, columnRidge)
		d.penalty[k] = (d.scale[k] * columnRidge) * (d.scale[k] * columnRidge)
	}
	for i := range d.rows {
		floats.Mul(d.row(i), d.scale)
	}
}

// spreads returns the root mean square of each column. Values are taken relative to the largest
// of their column, so that no square vanishes.
func (d *design) spreads() []float64 {
	reach := make([]float64, d.columns)
	for i, share := range d.shares {
		if share == 0 {
			continue
		}
		for c, v := range d.row(i) {
			reach[c] = max(reach[c], math.Abs(v))
		}
	}
	spreads := make([]float64, d.columns)
	for i, share := range d.shares {
		if share == 0 {
			continue
		}
		for c, v := range d.row(i) {
			if reach[c] > 0 {
				spreads[c] += share * (v / reach[c]) * (v / reach[c])
			}
		}
	}
	for c, square := range spreads {
		spreads[c] = reach[c] * math.Sqrt(square)
	}
	return spreads
}
