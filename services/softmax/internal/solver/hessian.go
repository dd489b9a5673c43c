package solver

import (
	"context"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// Hessian returns the second derivatives at the point evaluated last, with those of the squares'
// penalty. The problem must keep the curvature. The matrix is square, row-major, lower and upper
// triangle, and orders variables class by class: (j, k) stands at k·columns + j. Along moves of
// all classes of a column alike, which mean nothing, it is as if they were penalised.
func (p *Problem) Hessian(ctx context.Context) ([]float64, error) {
	c, pairs := p.columns, p.pairs()
	parts, err := p.pairGrams(ctx)
	if err != nil {
		return nil, err
	}
	n := c * p.free
	h := grown(&p.matrix, n*n)
	if p.free == 1 {
		copy(h, parts)
		kernel.Mirror(h, n, n)
		p.addDiagonal(h)
		return h, nil
	}
	for pair := range pairs {
		gram := parts[pair*c*c : (pair+1)*c*c]
		kernel.Mirror(gram, c, c)
		k, l := pairOf(pair)
		for i := range c {
			row := gram[i*c : (i+1)*c]
			// The curvature of a class is the sum of what it shares with the others.
			kernel.AddScaled(h[(k*c+i)*n+k*c:][:c], 1, row)
			kernel.AddScaled(h[(l*c+i)*n+l*c:][:c], 1, row)
			kernel.AddScaled(h[(k*c+i)*n+l*c:][:c], -1, row)
			kernel.AddScaled(h[(l*c+i)*n+k*c:][:c], -1, row)
		}
	}
	gauge := 1 / float64(p.free)
	for j := range c {
		for k := range p.free {
			for l := range p.free {
				h[(k*c+j)*n+l*c+j] += gauge
			}
		}
	}
	p.addDiagonal(h)
	return h, nil
}

// addDiagonal adds the penalty, and makes variables that nothing depends on their own.
func (p *Problem) addDiagonal(h []float64) {
	n := p.Size()
	for j, penalty := range p.penalty {
		if p.scale[j] == 0 {
			penalty = 1
		}
		for k := range p.free {
			h[(k*p.columns+j)*(n+1)] += penalty
		}
	}
}

// pairs is the number of pairs of classes.
func (p *Problem) pairs() int {
	if p.free == 1 {
		return 1
	}
	return p.free * (p.free - 1) / 2
}

// pairOf returns the classes of a pair, the lower first.
func pairOf(pair int) (k, l int) {
	for l = 1; pair >= l; l++ {
		pair -= l
	}
	return pair, l
}

// gramSpeed is how many operations of a Gram matrix take as long as one of a pass.
const gramSpeed = 4

// grown returns n zeros in memory that is kept for the next call.
func grown(memory *[]float64, n int) []float64 {
	if cap(*memory) < n {
		*memory = make([]float64, n)
		return *memory
	}
	*memory = (*memory)[:n]
	clear(*memory)
	return *memory
}

// gramValues is how much room the sums of the shards may take; they may take as much as the rows.
const gramValues = 1 << 18

// pairGrams returns, for each pair of classes, the upper triangle of the sum over the rows of
// share · p_k · p_l · row rowᵀ; of two classes, there is one pair.
func (p *Problem) pairGrams(ctx context.Context) ([]float64, error) {
	return p.weightedGrams(ctx, p.pairs(), func(dst, shares, curvature []float64, pair int) {
		if p.free == 1 {
			copy(dst, curvature)
			return
		}
		k, l := pairOf(pair)
		for i, share := range shares {
			dst[i] = share * curvature[i*p.ld+k] * curvature[i*p.ld+l]
		}
	})
}

// weightedGrams returns the upper triangles of n sums over the rows of weight · row rowᵀ. weigh
// writes the weights of some rows for one of the sums, given their shares and [Problem.curves].
func (p *Problem) weightedGrams(
	ctx context.Context, n int, weigh func(dst, shares, curvature []float64, which int),
) ([]float64, error) {
	c := p.columns
	size := c * c * n
	shards := max(1, min(p.plan.shards, max(gramValues, p.count*c)/size))
	parts := grown(&p.grams, shards*size)
	err := p.share(shards, p.count*c*c*n/gramSpeed, func(w *worker, shard int) error {
		if len(w.gram) == 0 {
			w.gram = make([]float64, kernel.GramScratch(c)+p.plan.block)
		}
		sums := parts[shard*size : (shard+1)*size]
		for b := shard * p.plan.blocks / shards; b < (shard+1)*p.plan.blocks/shards; b++ {
			from, to := b*p.plan.block, min((b+1)*p.plan.block, p.count)
			curvature := p.curves(w, from, to)
			rows, shares := p.augmented(w, from, to), p.shares(w, from, to)
			for which := range n {
				if err := ctx.Err(); err != nil {
					return err
				}
				weights := w.gram[:to-from]
				weigh(weights, shares, curvature, which)
				kernel.Gram(sums[which*c*c:(which+1)*c*c], c, rows, c, to-from, c, weights, w.gram[p.plan.block:])
			}
		}
		return nil
	})
	for shard := 1; shard < shards; shard++ {
		kernel.AddScaled(parts[:size], 1, parts[shard*size:(shard+1)*size])
	}
	p.passes++
	return parts[:size], err
}
