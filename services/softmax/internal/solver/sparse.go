package solver

import (
	"context"
	"slices"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// Sparse are rows of which most values are 0: row i holds Values[Start[i]:Start[i+1]] in the
// columns of the same places, which ascend.
type Sparse struct {
	Width   int
	Start   []int
	Columns []int32
	Values  []float64
}

// narrowWidth and denseShare are where rows are better made dense, a block at a time.
const (
	narrowWidth = 64
	denseShare  = 0.25
)

// dense reports whether the passes had better take the rows as dense ones.
func (s *Sparse) dense() bool {
	rows := len(s.Start) - 1
	return s.Width <= narrowWidth || float64(len(s.Values)) >= denseShare*float64(s.Width)*float64(rows)
}

// unpacked gives sparse rows as dense blocks.
type unpacked struct{ *Sparse }

// Width is the number of columns.
func (u unpacked) Width() int { return u.Sparse.Width }

// Block writes rows to scratch.
func (u unpacked) Block(scratch []float64, from, to int) []float64 {
	rows := scratch[:(to-from)*u.Sparse.Width]
	clear(rows)
	for i := from; i < to; i++ {
		row := rows[(i-from)*u.Sparse.Width:]
		for at := u.Start[i]; at < u.Start[i+1]; at++ {
			row[u.Columns[at]] = u.Values[at]
		}
	}
	return rows
}

// bands cut the columns so that each goroutine sums up some of them over all rows: every sum goes
// down the rows in order, however many bands there are, and no column has two sums.
type bands struct {
	first []int   // the first column of each band, and the width
	cuts  []int32 // per row, where its values for the second band begin, and so on, from the row's start
}

func (p *Problem) newBands() bands {
	n := min(2*p.workers, maxShards, p.features)
	if p.workers == 1 {
		n = 1
	}
	s := p.sparse
	counts := make([]int, p.features)
	for _, c := range s.Columns {
		counts[c]++
	}
	b := bands{first: []int{0}}
	seen := 0
	for j, count := range counts {
		if len(b.first) < n && seen >= len(b.first)*len(s.Columns)/n && j > b.first[len(b.first)-1] {
			b.first = append(b.first, j)
		}
		seen += count
	}
	inner := b.first[1:]
	b.cuts = make([]int32, p.count*len(inner))
	for i := range p.count {
		row := s.Columns[s.Start[i]:s.Start[i+1]]
		for c, column := range inner {
			at, _ := slices.BinarySearch(row, int32(column))
			b.cuts[i*len(inner)+c] = int32(at)
		}
	}
	b.first = append(b.first, p.features)
	return b
}

// of returns where the values of a row for a band are.
func (b *bands) of(s *Sparse, row, band int) (from, to int) {
	inner := len(b.first) - 2
	from, to = s.Start[row], s.Start[row+1]
	if band < inner {
		to = from + int(b.cuts[row*inner+band])
	}
	if band > 0 {
		from += int(b.cuts[row*inner+band-1])
	}
	return from, to
}

// sparsePass turns the logits of all rows, at the weights in flat, into what visit makes of them,
// and returns the sums of its values, of the rows times that, and of that.
func (p *Problem) sparsePass(ctx context.Context, visit func(w *worker, z []float64, from, to int) float64) (sum, error) {
	chunk := max(1, betweenValues/(p.plan.block*p.ld)) // blocks
	if p.between == nil {
		p.between = make([]float64, min(p.count, chunk*p.plan.block)*p.ld)
		p.bands = p.newBands()
		p.columnSums = make([]float64, p.features*p.ld)
	}
	clear(p.columnSums)
	parts := make([]sum, p.plan.shards)
	for i := range parts {
		parts[i].bias = make([]float64, p.ld)
	}
	p.passes++
	rows := kernel.Sparse{Start: p.sparse.Start, Columns: p.sparse.Columns, Values: p.sparse.Values}
	for block := 0; block < p.plan.blocks; block += chunk {
		end := min(block+chunk, p.plan.blocks)
		first, last := block*p.plan.block, min(end*p.plan.block, p.count)
		err := p.sweepBlocks(ctx, block, end, func(w *worker, shard, from, to int) {
			z := p.between[(from-first)*p.ld : (to-first)*p.ld]
			p.fill(z, p.flat.bias)
			rows.MulAdd(z, p.ld, p.flat.weights, p.ld, from, to-from, p.ld)
			parts[shard].value += visit(w, z, from, to)
			p.addRows(parts[shard].bias, z, to-from)
		})
		if err != nil {
			return sum{}, err
		}
		err = p.share(len(p.bands.first)-1, p.plan.work, func(_ *worker, band int) error {
			return p.sumBand(ctx, band, first, last)
		})
		if err != nil {
			return sum{}, err
		}
	}
	all := total(parts)
	all.columns = p.columnSums
	return all, nil
}

// betweenValues bounds what is kept between the two halves of a pass.
const betweenValues = 4 << 20

// sumBand adds some rows to the sums of the columns of a band.
func (p *Problem) sumBand(ctx context.Context, band, first, last int) error {
	s, ld := p.sparse, p.ld
	for i := first; i < last; i++ {
		if i%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		from, to := p.bands.of(s, i, band)
		row := p.between[(i-first)*ld : (i-first+1)*ld]
		if ld == 1 {
			for at := from; at < to; at++ {
				p.columnSums[s.Columns[at]] += s.Values[at] * row[0]
			}
			continue
		}
		for at := from; at < to; at++ {
			c := int(s.Columns[at]) * ld
			kernel.AddScaled(p.columnSums[c:c+ld], s.Values[at], row)
		}
	}
	return nil
}

func (p *Problem) sparseGradient(ctx context.Context) (sum, error) {
	return p.sparsePass(ctx, func(w *worker, z []float64, from, to int) float64 {
		return p.residuals(w, z, from, to)
	})
}

func (p *Problem) sparseProduct(ctx context.Context) (sum, error) {
	return p.sparsePass(ctx, func(w *worker, z []float64, from, to int) float64 {
		p.curve(w, z, from, to)
		return 0
	})
}
