package solver

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// plan cuts the rows into blocks that fit a processor's cache, and the blocks into shards. Each
// shard is summed up block by block and the shards in their order: who works on which changes no
// bit. It depends on the shape of the problem alone.
type plan struct {
	rows, block int
	blocks      int
	shards      int
	work        int // about how many operations a pass takes
}

const (
	blockValues = 32 << 10 // 256 KiB
	maxShards   = 16
	// serialWork is how much work is not worth a goroutine.
	serialWork = 400_000
)

// newPlan is for rows of so many values each, and sums of the given size per shard.
func newPlan(rows, values, logits, sums int) plan {
	pl := plan{rows: rows}
	pl.block = max(4, min(2048, blockValues/max(values, 1), blockValues/logits))
	pl.block = min(pl.block, rows)
	pl.blocks = (rows + pl.block - 1) / pl.block
	// The sums of all shards take a tenth of the rows' memory at most.
	fit := max(1, rows*values/(10*sums))
	if sums < 1<<13 {
		fit = maxShards
	}
	pl.shards = max(1, min(maxShards, pl.blocks, fit))
	pl.work = rows * (values + 4) * logits
	return pl
}

// worker is the memory of a goroutine.
type worker struct {
	encoded, centred, augmented []float64
	logits, curvature, shares   []float64
	gram                        []float64
}

// sum is what a shard adds up: a value, and sums for columns and for the intercepts.
type sum struct {
	value         float64
	columns, bias []float64
}

func (p *Problem) newWorker() *worker {
	w := &worker{}
	n := p.plan.block
	if p.sparse == nil && p.narrow == nil {
		if _, lies := p.rows.(Dense); !lies {
			w.encoded = make([]float64, n*p.width)
		}
		if !p.inPlace && !p.ready {
			w.centred = make([]float64, n*p.width)
		}
	}
	w.logits = make([]float64, n*p.ld)
	w.shares = make([]float64, n)
	if !p.weighted() {
		for i := range w.shares {
			w.shares[i] = 1 / p.total
		}
	}
	return w
}

// sweep calls visit for every block, the blocks of a shard in order and by one worker. An end of
// the context ends it within a block.
func (p *Problem) sweep(ctx context.Context, visit func(w *worker, shard, from, to int)) error {
	p.passes++
	return p.sweepBlocks(ctx, 0, p.plan.blocks, visit)
}

// sweepBlocks is sweep for some of the blocks.
func (p *Problem) sweepBlocks(ctx context.Context, first, last int, visit func(w *worker, shard, from, to int)) error {
	n := last - first
	shard := func(w *worker, s int) error {
		for b := first + s*n/p.plan.shards; b < first+(s+1)*n/p.plan.shards; b++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			visit(w, s, b*p.plan.block, min((b+1)*p.plan.block, p.count))
		}
		return nil
	}
	return p.share(p.plan.shards, p.plan.work, shard)
}

// share does n jobs on all workers, or on one where there is little work.
func (p *Problem) share(n, work int, do func(w *worker, job int) error) error {
	workers := min(p.workers, n)
	if work < serialWork {
		workers = 1
	}
	for len(p.crew) < workers {
		p.crew = append(p.crew, p.newWorker())
	}
	if workers == 1 {
		for job := range n {
			if err := do(p.crew[0], job); err != nil {
				return err
			}
		}
		return nil
	}
	var (
		next   atomic.Int64
		wait   sync.WaitGroup
		errors = make([]error, workers)
	)
	for i, w := range p.crew[:workers] {
		wait.Go(func() {
			for job := int(next.Add(1)) - 1; job < n && errors[i] == nil; job = int(next.Add(1)) - 1 {
				errors[i] = do(w, job)
			}
		})
	}
	wait.Wait()
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

// newSums returns sums of nothing for all shards, in memory that the next call takes again.
func (p *Problem) newSums() []sum {
	n := p.width * p.ld
	if len(p.sums) != p.plan.shards {
		p.sums = make([]sum, p.plan.shards)
		memory := make([]float64, len(p.sums)*(n+p.ld))
		for s := range p.sums {
			own := memory[s*(n+p.ld) : (s+1)*(n+p.ld)]
			p.sums[s].columns, p.sums[s].bias = own[:n:n], own[n:]
		}
		return p.sums
	}
	for s := range p.sums {
		p.sums[s].value = 0
		clear(p.sums[s].columns)
		clear(p.sums[s].bias)
	}
	return p.sums
}

// total adds the shards up into the first.
func total(sums []sum) sum {
	first := &sums[0]
	for _, s := range sums[1:] {
		first.value += s.value
		kernel.AddScaled(first.columns, 1, s.columns)
		kernel.AddScaled(first.bias, 1, s.bias)
	}
	return *first
}
