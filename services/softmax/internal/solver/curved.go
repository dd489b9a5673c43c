package solver

import (
	"context"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// curved is rows that were picked by what they add to the curvature, which of a row is the trace
// of share·(diag(p) - p pᵀ). Where most rows have their class almost for certain, few of those
// that are picked evenly say anything of it.
type curved struct {
	problem *Problem
	rows    []int     // ascending
	weights []float64 // the part of the sum of all traces that each row stands for
}

// pickCurved picks n rows at most by the probabilities at the point evaluated last, which are
// kept. Each row stands for as much as another, but for those that add as much as several. Rows of
// weight 0 are not picked.
func (p *Problem) pickCurved(ctx context.Context, n int) (*curved, error) {
	traces := make([]float64, p.count)
	err := p.share(p.plan.blocks, p.count*p.ld, func(w *worker, b int) error {
		from, to := b*p.plan.block, min((b+1)*p.plan.block, p.count)
		p.traces(traces[from:to], p.shares(w, from, to), p.curves(w, from, to))
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	var sum float64
	for _, v := range traces {
		sum += v
	}
	// The sum is cut into n stretches. A row is picked once for each of them of which it has a
	// point that looks as if it were drawn.
	c, stretch := &curved{problem: p}, sum/float64(n)
	done, reached := 0, 0.0
	for i, v := range traces {
		reached += v
		before := done
		for done < n && (float64(done)+chance(uint64(done)))*stretch < reached {
			done++
		}
		if done > before {
			c.rows, c.weights = append(c.rows, i), append(c.weights, float64(done-before)*stretch)
		}
	}
	return c, nil
}

// traces writes what rows add to the curvature, where that is not 0.
func (p *Problem) traces(dst, shares, curvature []float64) {
	if p.free == 1 {
		copy(dst, curvature)
		return
	}
	for i, share := range shares {
		row := curvature[i*p.ld : i*p.ld+p.free]
		if trace := 1 - kernel.Dot(row, row); trace > certain {
			dst[i] = share * trace
		}
	}
}

// certain is a trace that is little but rounding.
const certain = 1e-13

const (
	// curvedShards is how many sums over rows that were picked are added up side by side.
	curvedShards = 4
	// curvedBlock is how many of the rows are laid side by side at once.
	curvedBlock = 64
)

// gram returns the upper triangle of the sum over the rows of weight · row rowᵀ, of some columns.
func (c *curved) gram(ctx context.Context, columns []int) ([]float64, error) {
	p, n := c.problem, len(columns)
	size := n * n
	parts := grown(&p.grams, curvedShards*size)
	err := p.share(curvedShards, len(c.rows)*size/gramSpeed, func(w *worker, shard int) error {
		rows, scratch := make([]float64, curvedBlock*n), make([]float64, kernel.GramScratch(n))
		last := (shard + 1) * len(c.rows) / curvedShards
		for from := shard * len(c.rows) / curvedShards; from < last; from += curvedBlock {
			if err := ctx.Err(); err != nil {
				return err
			}
			to := min(from+curvedBlock, last)
			for i, row := range c.rows[from:to] {
				whole := p.augmented(w, row, row+1)
				for at, j := range columns {
					rows[i*n+at] = whole[j]
				}
			}
			kernel.Gram(parts[shard*size:(shard+1)*size], n, rows, n, to-from, n, c.weights[from:to], scratch)
		}
		return nil
	})
	for shard := 1; shard < curvedShards; shard++ {
		kernel.AddScaled(parts[:size], 1, parts[shard*size:(shard+1)*size])
	}
	return parts[:size], err
}

// products returns what [Problem.meanProducts] does, by the rows that were picked. There are three
// classes and more.
func (c *curved) products() []float64 {
	p := c.problem
	sum := make([]float64, p.ld*p.ld)
	for at, i := range c.rows {
		row := p.curvature[i*p.ld : i*p.ld+p.free]
		share := c.weights[at] / (1 - kernel.Dot(row, row))
		for k, v := range row {
			kernel.AddScaled(sum[k*p.ld:k*p.ld+p.free], share*v, row)
		}
	}
	return sum
}
