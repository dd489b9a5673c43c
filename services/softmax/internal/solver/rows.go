package solver

import "github.com/sepal-ml/sepal/services/softmax/internal/kernel"

// Rows gives encoded rows.
type Rows interface {
	// Width is the number of columns.
	Width() int
	// Block returns the rows from one up to, not including, another, row-major, where they lie
	// or written to scratch, which has room for them. Nobody changes what it returns. Several
	// goroutines call it at once, each with a scratch of its own.
	Block(scratch []float64, from, to int) []float64
}

// Dense are rows that lie row-major in one slice.
type Dense struct {
	Values  []float64
	Columns int
}

// Width is the number of columns.
func (d Dense) Width() int { return d.Columns }

// Block returns a part of the slice.
func (d Dense) Block(_ []float64, from, to int) []float64 {
	return d.Values[from*d.Columns : to*d.Columns]
}

// block is a run of rows in the form that the passes take: as they are, or centred and scaled,
// in double or single precision.
type block struct {
	rows, width int
	wide        []float64
	narrow      []float32
}

// multiply adds the rows times w to z. Both have ld columns, of which those beyond the free
// classes are 0.
func (b *block) multiply(z, w []float64, ld int) {
	switch {
	case b.narrow != nil:
		kernel.MulAdd32(z, ld, b.narrow, b.width, 1, w, ld, b.rows, ld, b.width)
	case ld == 1:
		kernel.AddDots(z, b.wide, b.width, w)
	default:
		kernel.MulAdd(z, ld, b.wide, b.width, 1, w, ld, b.rows, ld, b.width)
	}
}

// multiplyTransposed adds the transposed rows times r to g.
func (b *block) multiplyTransposed(g, r []float64, ld int) {
	switch {
	case b.narrow != nil:
		kernel.MulAdd32(g, ld, b.narrow, 1, b.width, r, ld, b.width, ld, b.rows)
	case ld == 1:
		kernel.MulAdd(g, b.width, r, 0, 1, b.wide, b.width, 1, b.width, b.rows)
	default:
		kernel.MulAdd(g, ld, b.wide, 1, b.width, r, ld, b.width, ld, b.rows)
	}
}

// block returns rows of the problem. It may lie in the worker's memory until the next call.
func (p *Problem) block(w *worker, from, to int) block {
	b := block{rows: to - from, width: p.width}
	if p.narrow != nil {
		b.narrow = p.narrow[from*p.width : to*p.width]
		return b
	}
	b.wide = p.rows.Block(w.encoded, from, to)
	if !p.inPlace && !p.ready {
		b.wide = p.transformed(w.centred, b.wide, from)
	}
	return b
}

// augmented returns rows in the solver's variables, with a last column of ones where there is an
// intercept.
func (p *Problem) augmented(w *worker, from, to int) []float64 {
	if p.ready {
		return p.rows.Block(w.encoded, from, to)
	}
	n := to - from
	if len(w.augmented) < n*p.columns {
		w.augmented = make([]float64, p.plan.block*p.columns)
	}
	out := w.augmented[:n*p.columns]
	var wide []float64
	if p.narrow == nil {
		wide = p.rows.Block(w.encoded, from, to)
	}
	for i := range n {
		row := out[i*p.columns : (i+1)*p.columns]
		p.augment(row, wide, from, i)
	}
	return out
}

// augment writes row from+i, which is row i of a block that is wide.
func (p *Problem) augment(row, wide []float64, from, i int) {
	own := row[:p.features]
	switch {
	case p.narrow != nil:
		for j, v := range p.narrow[(from+i)*p.features : (from+i+1)*p.features] {
			own[j] = float64(v)
		}
	case p.weighted() && p.weight(from+i) == 0:
		clear(own)
	default:
		p.toUnits(own, wide[i*p.features:(i+1)*p.features])
	}
	if p.intercept {
		row[p.features] = p.scale[p.features]
	}
}

// transformed writes rows, centred and scaled, to dst. Those of weight 0 may be of any size, and
// become 0.
func (p *Problem) transformed(dst, rows []float64, from int) []float64 {
	dst = dst[:len(rows)]
	weighted := p.weighted()
	for at := 0; at < len(rows); at += p.features {
		if own := dst[at : at+p.features]; weighted && p.weight(from+at/p.features) == 0 {
			clear(own)
		} else {
			p.toUnits(own, rows[at:at+p.features])
		}
	}
	return dst
}

func (p *Problem) toUnits(dst, row []float64) {
	kernel.Rescale(dst, row, p.shift[:len(row)], p.scale[:len(row)])
}
