package solver

import (
	"context"
	"math"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// maxShared bounds the classes that sharedMass takes pairs of: it needs their number squared per
// row.
const maxShared = 512

// sharedMass returns a number such that, however the classes are split in two, the mean over the
// rows by weight of the product of two classes' probabilities at x, one from each part, is that
// for some pair at least: the weakest link of the strongest tree that joins all classes. It is 0
// where finding it is too much work.
func (p *Problem) sharedMass(ctx context.Context, x []float64) (float64, error) {
	if p.free > maxShared {
		return 0, nil
	}
	products, err := p.meanProducts(ctx, x)
	if err != nil || p.free == 1 {
		return products[0], err
	}
	return weakestLink(products, p.ld, p.free), nil
}

// meanProducts returns the means, over the rows by weight, of the products of classes'
// probabilities at x, row-major; of two classes, that of the two alone.
func (p *Problem) meanProducts(ctx context.Context, x []float64) ([]float64, error) {
	p.flatten(x)
	size := p.ld * p.ld
	parts := make([]float64, p.plan.shards*size)
	err := p.sweep(ctx, func(w *worker, shard, from, to int) {
		z := w.logits[:(to-from)*p.ld]
		p.probabilities(z, w, &p.flat, from, to)
		own := parts[shard*size : (shard+1)*size]
		shares := p.shares(w, from, to)
		if p.free == 1 {
			for i, q := range z {
				own[0] += shares[i] * q * (1 - q)
			}
			return
		}
		// Roots on both sides keep the matrix symmetric.
		for i, share := range shares {
			root := math.Sqrt(share)
			row := z[i*p.ld : (i+1)*p.ld]
			for k := range row {
				row[k] *= root
			}
		}
		kernel.MulAdd(own, p.ld, z, 1, p.ld, z, p.ld, p.ld, p.ld, to-from)
	})
	for shard := 1; shard < p.plan.shards; shard++ {
		kernel.AddScaled(parts[:size], 1, parts[shard*size:(shard+1)*size])
	}
	return parts[:size], err
}

// weakestLink returns the least weight on the spanning tree of the greatest weights (Prim 1957) of
// a graph whose weights are in a symmetric matrix.
func weakestLink(weights []float64, ld, n int) float64 {
	best := make([]float64, n) // of each class, the strongest link to the tree; -1: it is in it
	copy(best, weights[:n])
	best[0] = -1
	weakest := math.Inf(1)
	for range n - 1 {
		next := 0
		for k, w := range best {
			if w > best[next] {
				next = k
			}
		}
		weakest = min(weakest, best[next])
		best[next] = -1
		for k, w := range weights[next*ld : next*ld+n] {
			if best[k] >= 0 {
				best[k] = max(best[k], w)
			}
		}
	}
	return weakest
}

// probabilities writes those of some rows at weights. Rows of weight 0 have rubbish, but no NaN.
func (p *Problem) probabilities(z []float64, w *worker, at *linear, from, to int) {
	p.fill(z, at.bias)
	if p.sparse != nil {
		rows := kernel.Sparse{Start: p.sparse.Start, Columns: p.sparse.Columns, Values: p.sparse.Values}
		rows.MulAdd(z, p.ld, at.weights, p.ld, from, to-from, p.ld)
	} else {
		b := p.block(w, from, to)
		b.multiply(z, at.weights, p.ld)
	}
	p.clearWeightless(z, from, to)
	if p.free == 1 {
		kernel.Sigmoid(z)
	} else {
		kernel.SoftmaxRows(z, p.ld, to-from, p.free)
	}
}
