package solver

import "context"

// sampled minimises a problem of many more rows than variables: by newton over a sample of the
// rows, from a smaller one, and on from there over all of them by L-BFGS, in the metric of the
// sample's Hessian. What the sample knows of the curvature is good for a factor of ten or so with
// each pass. Near the minimum, the Hessian of all rows is good for far more, where it is to be had
// for a few passes. Where few rows make up most of the curvature, as when all but these have their
// class for certain, a sample misses them: after two metrics that did not do, the way goes on
// without it.
func sampled(ctx context.Context, r *run) error {
	p := r.problem
	large, err := p.sample(ctx, p.sampleRows())
	if err != nil {
		return err
	}
	if r.options.Start != nil {
		if err := r.begin(ctx, r.options.Start); err != nil {
			return err
		}
	}
	if r.options.Start == nil || r.astray {
		start, err := large.approximate(ctx, p.sampleRows()/5)
		if err != nil {
			return err
		}
		if err := r.begin(ctx, start); err != nil {
			return err
		}
	}
	source, near := large, 0.0
	if p.cheapHessian() {
		near = maxNorm(r.gradient) / 1000
	}
	for misses := 0; !r.over(); {
		if misses == maxMisses {
			return r.unsampled(ctx)
		}
		metric, err := source.metric(ctx, r.x)
		if err != nil {
			return err
		}
		if err := r.lbfgs(ctx, metric, near); err != nil {
			return err
		}
		if maxNorm(r.gradient) <= near {
			source, near = p, 0
		} else {
			misses++
		}
	}
	return nil
}

// maxMisses is how many metrics may lose their worth before the sample is given up.
const maxMisses = 2

// unsampled goes on by Hessians of all rows, or by conjugate gradients.
func (r *run) unsampled(ctx context.Context) error {
	p := r.problem
	p.keep = true
	if p.factors() {
		return r.resume(ctx)
	}
	if _, err := p.Evaluate(ctx, r.x, r.next.gradient); err != nil {
		return err
	}
	return r.conjugateSteps(ctx, precondition)
}

// cheapHessian reports whether a Hessian takes no longer than some passes.
func (p *Problem) cheapHessian() bool {
	return p.count*p.columns*p.columns*p.pairs()/gramSpeed <= 8*p.plan.work
}

// sampleRows is how many rows say enough of the Hessian: many for each variable, but few of all,
// and more where iterations of newton over them take no longer than two passes over all.
func (p *Problem) sampleRows() int {
	pass := p.plan.work / p.count // per row
	iterations := 5 * (2*pass + p.columns*p.columns*p.pairs()/gramSpeed)
	cheap := min(p.count/16, 2*p.plan.work/iterations)
	return max(32*p.Size(), min(p.count/8, max(20_000, 64*p.Size(), cheap)))
}

// tall reports whether there are so many rows that sampled pays.
func (p *Problem) tall() bool {
	return p.Size() <= 1000 && p.count >= 40_000 && p.count >= 8*p.sampleRows()
}

// approximate returns about the minimum over the sample.
func (p *Problem) approximate(ctx context.Context, rows int) ([]float64, error) {
	small, err := p.sample(ctx, rows)
	if err != nil {
		return nil, err
	}
	full := method{minimise: newton, curves: true, idle: 5}
	var start []float64
	for _, level := range []*Problem{small, p} {
		found, err := minimise(ctx, level, Options{Tolerance: 1e-2, MaxIterations: 30, Start: start}, full)
		if err != nil {
			return nil, err
		}
		start = found.X
	}
	return start, nil
}

// metric returns the factor of the Hessian at x.
func (p *Problem) metric(ctx context.Context, x []float64) (*cholesky, error) {
	p.recompute = true
	p.flatten(x)
	p.keepPoint()
	h, err := p.Hessian(ctx)
	if err != nil {
		return nil, err
	}
	factor := factorise(h, p.Size(), p.ridge())
	return &factor, nil
}
