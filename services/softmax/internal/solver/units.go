package solver

import (
	"context"
	"math"
	"sync"
)

// choose fixes units and penalties. Along a weight, the second derivative of the objective per
// unit of weight is, where all weights are 0, p(1-p) · the mean square of the centred column + the
// penalty's, with p = 1 / classes: each variable's is made 1.
func (p *Problem) choose(s *spread, c Config) {
	n := p.columns
	p.mean = s.mean
	p.shift, p.scale, p.penalty = make([]float64, n), make([]float64, n), make([]float64, n)
	p.standard, p.reach = make([]float64, n), make([]float64, n)
	q := 1 / float64(p.classes)
	slope := math.Sqrt(q * (1 - q))
	// Factors one by one: C and total may be as large as their product is not.
	p.strength = (1 - c.L1Ratio) / c.C / p.total
	ridge := math.Sqrt(1-c.L1Ratio) / (math.Sqrt(c.C) * math.Sqrt(p.total))
	if c.L1Ratio > 0 {
		p.l1 = make([]float64, n)
	}
	p.inPlace = true
	for j := range p.features {
		width := s.raw[j]
		if p.intercept {
			p.shift[j], width = s.mean[j], s.deviation[j]
		}
		p.standard[j] = 1
		if c.Standardise != nil && c.Standardise[j] {
			p.standard[j] = s.standard(j, p.count)
		}
		p.reach[j] = max(s.high[j]-p.shift[j], p.shift[j]-s.low[j])
		if p.reach[j] == 0 || width == 0 {
			continue // it tells nothing, and its weight stays 0
		}
		own := ridge * p.standard[j]
		scale := 1 / math.Hypot(slope*width, own)
		if scale > maxScale || scale < 1/maxScale {
			continue // its weight would be beyond all numbers, or the penalty leaves it none
		}
		p.scale[j] = scale
		p.penalty[j] = (p.scale[j] * own) * (p.scale[j] * own)
		if p.l1 != nil {
			p.l1[j] = min(c.L1Ratio/c.C/p.total*p.standard[j]*p.scale[j], maxKink)
		}
		if math.Abs(p.shift[j]) > 256*width || p.scale[j] > 1e100 || p.scale[j] < 1e-100 {
			p.inPlace = false
		}
	}
	if p.intercept {
		p.scale[p.features] = 1 / slope
	}
	p.inPlace = p.inPlace || p.sparse != nil
}

const (
	// maxScale bounds the scales of columns, and its inverse does from below.
	maxScale = 1e300
	// maxKink bounds the penalty of a variable's magnitude. The loss is never as steep, so that what
	// is above it keeps the variable at 0 no better.
	maxKink = 1e200
)

// standard returns what the weights of a column are multiplied by in the penalty: the deviation
// of its values, or 1 where that is no more than rounding.
func (s *spread) standard(j, rows int) float64 {
	deviation, mean := s.deviation[j], s.mean[j]
	if s.plainMean != nil {
		deviation, mean = s.plainDeviation[j], s.plainMean[j]
	}
	const epsilon = 0x1p-52
	rounding := float64(rows) * epsilon * math.Abs(mean)
	if deviation*deviation <= float64(rows)*epsilon*deviation*deviation+rounding*rounding {
		return 1
	}
	return deviation
}

// readyValues is how many values may be copied to have them centred and scaled once and for all.
const readyValues = 128 << 10

// prepare copies the rows where that is cheap or was asked for.
func (p *Problem) prepare(ctx context.Context, single bool) error {
	switch {
	case p.sparse != nil:
		return nil
	case single && p.fitsSingle():
		return p.makeNarrow(ctx)
	case p.count*p.columns <= readyValues:
		p.copied = spareValues(p.count * p.columns)
		values := *p.copied
		scratch := make([]float64, p.features)
		for i := range p.count {
			p.augment(values[i*p.columns:(i+1)*p.columns], p.rows.Block(scratch, i, i+1), i, 0)
		}
		p.own(values)
	}
	return nil
}

// spare are the copied rows of problems that were released. Memory that nobody wrote before takes
// fits of few rows a good part of their time.
//
//nolint:gochecknoglobals // a pool is of use only if all share it
var spare sync.Pool // of *[]float64

// spareValues returns n values, whatever they are.
func spareValues(n int) *[]float64 {
	if values, ok := spare.Get().(*[]float64); ok && cap(*values) >= n {
		*values = (*values)[:n]
		return values
	}
	values := make([]float64, n)
	return &values
}

// Release leaves the memory of the problem, which is of no use then, to others.
func (p *Problem) Release() {
	if p.copied != nil {
		spare.Put(p.copied)
		p.copied, p.rows = nil, nil
	}
}

// own makes rows that were centred, scaled and given their column of ones those of the problem.
func (p *Problem) own(values []float64) {
	p.rows = Dense{Values: values, Columns: p.columns}
	p.ready, p.inPlace, p.bias = true, false, false
	p.width = p.columns
	p.count = len(values) / p.columns
	p.crew, p.sums = nil, nil
	p.arrange()
}

// fitsSingle reports whether no value overflows a float32.
func (p *Problem) fitsSingle() bool {
	for j, reach := range p.reach {
		if reach*p.scale[j] > 1e30 {
			return false
		}
	}
	return true
}

func (p *Problem) makeNarrow(ctx context.Context) error {
	narrow := make([]float32, p.count*p.features)
	p.inPlace = false
	p.crew = nil
	err := p.sweep(ctx, func(w *worker, _, from, to int) {
		wide := p.transformed(w.centred, p.rows.Block(w.encoded, from, to), from)
		for i, v := range wide {
			narrow[from*p.features+i] = float32(v)
		}
	})
	p.passes--
	p.narrow, p.crew = narrow, nil
	return err
}
