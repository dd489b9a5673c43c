package solver

import (
	"context"

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

// narrowWidth, fewWeights and denseShare are where rows are better made dense, a block at a time.
const (
	narrowWidth = 64
	fewWeights  = 256
	denseShare  = 0.25
)

// dense reports whether the passes had better take the rows as dense ones, for that many classes.
func (s *Sparse) dense(classes int) bool {
	rows := len(s.Start) - 1
	return s.Width <= narrowWidth && s.Width*classes <= fewWeights || float64(len(s.Values)) >= denseShare*float64(s.Width)*float64(rows)
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

// chunk is some of the rows by columns: each sum over the rows is then one run of gathers, and
// goes down the rows in order, whoever does it.
type chunk struct {
	first, last int // rows
	columns     kernel.Sparse
	parts       []int // where to cut the columns for about equal work: the first is 0, the last their number
}

// betweenValues bounds what is kept between the two halves of a pass.
const betweenValues = 4 << 20

// newChunks cuts the rows so that the logits of a chunk are no more than so many values, or those of
// one block.
func (p *Problem) newChunks(ctx context.Context, values int) ([]chunk, error) {
	blocks := max(1, values/(p.plan.block*p.ld))
	var chunks []chunk
	for block := 0; block < p.plan.blocks; block += blocks {
		c := chunk{first: block * p.plan.block, last: min((block+blocks)*p.plan.block, p.count)}
		if err := c.transpose(ctx, p.sparse); err != nil {
			return nil, err
		}
		chunks = append(chunks, c)
	}
	return chunks, nil
}

// transpose fills columns and parts.
func (c *chunk) transpose(ctx context.Context, s *Sparse) error {
	from, to := s.Start[c.first], s.Start[c.last]
	start := make([]int, s.Width+1)
	for i := c.first; i < c.last; i++ {
		if i%rowsPerLook == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for _, column := range s.Columns[s.Start[i]:s.Start[i+1]] {
			start[column+1]++
		}
	}
	for j := range s.Width {
		start[j+1] += start[j]
	}
	c.columns = kernel.Sparse{Start: start, Columns: make([]int32, to-from), Values: make([]float64, to-from)}
	next := append([]int(nil), start...)
	for i := c.first; i < c.last; i++ {
		if i%rowsPerLook == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for at := s.Start[i]; at < s.Start[i+1]; at++ {
			place := &next[s.Columns[at]]
			c.columns.Columns[*place], c.columns.Values[*place] = int32(i-c.first), s.Values[at]
			*place++
		}
	}
	c.parts = []int{0}
	for j := 1; j < s.Width; j++ {
		if n := len(c.parts); n < maxShards && start[j] >= n*(to-from)/maxShards {
			c.parts = append(c.parts, j)
		}
	}
	c.parts = append(c.parts, s.Width)
	return nil
}

// sparsePass turns the logits of all rows, at the weights in flat, into what visit makes of them,
// and returns the sums of its values, of the rows times that, and of that.
func (p *Problem) sparsePass(ctx context.Context, visit func(w *worker, z []float64, from, to int) float64) (sum, error) {
	if p.chunks == nil {
		chunks, err := p.newChunks(ctx, betweenValues)
		if err != nil {
			return sum{}, err
		}
		p.chunks = chunks
		p.between = make([]float64, p.chunks[0].last*p.ld)
		p.columnSums = make([]float64, p.features*p.ld)
	}
	clear(p.columnSums)
	parts := make([]sum, p.plan.shards)
	for i := range parts {
		parts[i].bias = make([]float64, p.ld)
	}
	p.passes++
	for i := range p.chunks {
		if err := p.chunkPass(ctx, &p.chunks[i], parts, visit); err != nil {
			return sum{}, err
		}
	}
	all := total(parts)
	all.columns = p.columnSums
	return all, nil
}

// chunkPass is sparsePass for some of the rows, added to the sums.
func (p *Problem) chunkPass(
	ctx context.Context, c *chunk, parts []sum, visit func(w *worker, z []float64, from, to int) float64,
) error {
	rows := kernel.Sparse{Start: p.sparse.Start, Columns: p.sparse.Columns, Values: p.sparse.Values}
	first, last := c.first/p.plan.block, (c.last+p.plan.block-1)/p.plan.block
	err := p.sweepBlocks(ctx, first, last, func(w *worker, shard, from, to int) {
		z := p.between[(from-c.first)*p.ld : (to-c.first)*p.ld]
		p.fill(z, p.flat.bias)
		rows.MulAdd(z, p.ld, p.flat.weights, p.ld, from, to-from, p.ld)
		parts[shard].value += visit(w, z, from, to)
		p.addRows(parts[shard].bias, z, to-from)
	})
	if err != nil {
		return err
	}
	return p.share(len(c.parts)-1, p.plan.work, func(_ *worker, part int) error {
		from, to := c.parts[part], c.parts[part+1]
		for ; from < to; from += sparseColumns {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(sparseColumns, to-from)
			c.columns.MulAdd(p.columnSums[from*p.ld:], p.ld, p.between, p.ld, from, n, p.ld)
		}
		return nil
	})
}

// sparseColumns and rowsPerLook are how many columns, and rows, are gone through before the context is
// looked at.
const (
	sparseColumns = 1024
	rowsPerLook   = 1024
)

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
