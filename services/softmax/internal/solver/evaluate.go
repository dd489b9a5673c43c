package solver

import (
	"context"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// flatten turns variables into weights and intercepts for the rows as the passes read them.
func (p *Problem) flatten(x []float64) {
	w, bias := p.flat.weights, p.flat.bias
	clear(bias)
	if p.bias {
		for k, v := range x[p.width*p.free:] {
			bias[k] = v * p.scale[p.width]
		}
	}
	for j := range p.width {
		row, column := w[j*p.ld:j*p.ld+p.free], x[j*p.free:(j+1)*p.free]
		if !p.inPlace {
			copy(row, column)
			continue
		}
		scale, shift := p.scale[j], p.shift[j]
		for k, v := range column {
			row[k] = v * scale
			if shift != 0 {
				bias[k] -= row[k] * shift
			}
		}
	}
}

// unflatten turns derivatives by weights and intercepts into those by variables.
func (p *Problem) unflatten(x []float64, s sum) {
	for j := range p.width {
		row, column := s.columns[j*p.ld:j*p.ld+p.free], x[j*p.free:(j+1)*p.free]
		if !p.inPlace {
			copy(column, row)
			continue
		}
		scale, shift := p.scale[j], p.shift[j]
		for k, v := range row {
			if shift != 0 {
				v -= shift * s.bias[k]
			}
			column[k] = v * scale
		}
	}
	if p.bias {
		for k := range p.free {
			x[p.width*p.free+k] = s.bias[k] * p.scale[p.width]
		}
	}
}

// Evaluate returns the objective at x and writes its gradient. What L1Ratio penalises is not
// smooth, and not in it.
func (p *Problem) Evaluate(ctx context.Context, x, gradient []float64) (float64, error) {
	p.flatten(x)
	if p.keep {
		p.keepPoint()
	}
	s, err := p.gradientSum(ctx)
	if err != nil {
		return 0, err
	}
	p.unflatten(gradient, s)
	return s.value + p.addPenalty(gradient, x), nil
}

func (p *Problem) gradientSum(ctx context.Context) (sum, error) {
	if p.sparse != nil {
		return p.sparseGradient(ctx)
	}
	sums := p.newSums()
	err := p.sweep(ctx, func(w *worker, shard, from, to int) {
		b := p.block(w, from, to)
		s := &sums[shard]
		z := p.logits(w, to-from)
		b.multiply(z, p.flat.weights, p.ld)
		s.value += p.residuals(w, z, from, to)
		b.multiplyTransposed(s.columns, z, p.ld)
		if p.bias {
			p.addRows(s.bias, z, to-from)
		}
	})
	return total(sums), err
}

// logits returns room for the logits of some rows, with the intercepts in it.
func (p *Problem) logits(w *worker, rows int) []float64 {
	z := w.logits[:rows*p.ld]
	p.fill(z, p.flat.bias)
	return z
}

// fill writes the intercepts to each row.
func (p *Problem) fill(z, bias []float64) {
	if p.ld == 1 {
		b := bias[0]
		for i := range z {
			z[i] = b
		}
		return
	}
	for at := 0; at < len(z); at += p.ld {
		copy(z[at:at+p.ld], bias)
	}
}

// residuals replaces logits by their derivatives and returns the loss. Rows of weight 0 leave no
// trace, whatever their values.
func (p *Problem) residuals(w *worker, z []float64, from, to int) float64 {
	shares := p.shares(w, from, to)
	p.clearWeightless(z, from, to)
	var curvature []float64
	if p.keep && !p.recompute {
		curvature = p.curvature[from*p.ld : to*p.ld]
	}
	if p.free == 1 {
		return kernel.Logistic(z, p.labels[from:to], shares, curvature)
	}
	return kernel.CrossEntropy(z, p.ld, to-from, p.free, p.labels[from:to], shares, curvature)
}

// clearWeightless clears the logits of rows of weight 0.
func (p *Problem) clearWeightless(z []float64, from, to int) {
	if !p.weighted() {
		return
	}
	for i := from; i < to; i++ {
		if p.weight(i) == 0 {
			clear(z[(i-from)*p.ld : (i-from+1)*p.ld])
		}
	}
}

// addRows adds the rows of z to dst.
func (p *Problem) addRows(dst, z []float64, rows int) {
	if p.ld == 1 {
		dst[0] += sum4(z[:rows])
		return
	}
	one := [1]float64{1}
	kernel.MulAdd(dst, p.ld, one[:], 0, 0, z, p.ld, 1, p.ld, rows)
}

// sum4 returns the sum of values, in four parts at a time.
func sum4(values []float64) float64 {
	var a, b, c, d float64
	for len(values) >= 4 {
		a, b, c, d = a+values[0], b+values[1], c+values[2], d+values[3]
		values = values[4:]
	}
	for _, v := range values {
		a += v
	}
	return (a + b) + (c + d)
}

// addPenalty adds the derivatives of the squares' penalty, and returns it.
func (p *Problem) addPenalty(gradient, x []float64) float64 {
	var value float64
	for j, penalty := range p.penalty {
		if penalty == 0 {
			continue
		}
		for i := j * p.free; i < (j+1)*p.free; i++ {
			v := x[i]
			value += penalty * v * v / 2
			gradient[i] += penalty * v
		}
	}
	return value
}

// keepPoint makes ready for what is asked about the curvature at the weights in flat: room for the
// probabilities, or where these are too many, a copy of the weights.
func (p *Problem) keepPoint() {
	if !p.recompute {
		if p.curvature == nil {
			p.curvature = make([]float64, p.count*p.ld)
		}
		return
	}
	p.point.weights = append(p.point.weights[:0], p.flat.weights...)
	p.point.bias = append(p.point.bias[:0], p.flat.bias...)
}

// curves returns, for some rows, the probabilities at the point that was kept, or share·p(1-p) of
// two classes.
func (p *Problem) curves(w *worker, from, to int) []float64 {
	if !p.recompute {
		return p.curvature[from*p.ld : to*p.ld]
	}
	if w.curvature == nil {
		w.curvature = make([]float64, p.plan.block*p.ld)
	}
	z := w.curvature[:(to-from)*p.ld]
	p.probabilities(z, w, &p.point, from, to)
	if p.free == 1 {
		shares := p.shares(w, from, to)
		for i, q := range z {
			z[i] = shares[i] * q * (1 - q)
		}
	}
	return z
}

// Product writes the Hessian at the point evaluated last, times v, to dst. The problem must keep
// the curvature.
func (p *Problem) Product(ctx context.Context, dst, v []float64) error {
	p.flatten(v)
	s, err := p.productSum(ctx)
	if err != nil {
		return err
	}
	p.unflatten(dst, s)
	p.addPenalty(dst, v)
	return nil
}

func (p *Problem) productSum(ctx context.Context) (sum, error) {
	if p.sparse != nil {
		return p.sparseProduct(ctx)
	}
	sums := p.newSums()
	err := p.sweep(ctx, func(w *worker, shard, from, to int) {
		b := p.block(w, from, to)
		s := &sums[shard]
		z := p.logits(w, to-from)
		b.multiply(z, p.flat.weights, p.ld)
		p.curve(w, z, from, to)
		b.multiplyTransposed(s.columns, z, p.ld)
		if p.bias {
			p.addRows(s.bias, z, to-from)
		}
	})
	return total(sums), err
}

// curve replaces a change of the logits by that of their derivatives.
func (p *Problem) curve(w *worker, z []float64, from, to int) {
	curvature := p.curves(w, from, to)
	if p.free == 1 {
		for i, c := range curvature {
			z[i] *= c
		}
		return
	}
	shares := p.shares(w, from, to)
	kernel.Curve(z, curvature, p.ld, to-from, p.free, shares)
}
