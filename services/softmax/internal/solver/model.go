package solver

import "math"

// modelGradient calls visit with each derivative by a weight or an intercept of the model, where
// the gradient by variables is the one given.
func (p *Problem) modelGradient(gradient []float64, visit func(g float64)) {
	byIntercept := make([]float64, p.free)
	if p.intercept {
		for k := range byIntercept {
			byIntercept[k] = p.total * gradient[p.features*p.free+k] / p.scale[p.features]
			visit(byIntercept[k])
		}
	}
	for j := range p.features {
		unit := 0.0
		if p.scale[j] != 0 {
			unit = p.total / p.scale[j]
		}
		for k, g := range gradient[j*p.free : (j+1)*p.free] {
			visit(g*unit + byIntercept[k]*p.shift[j])
		}
	}
}

// GradientMax returns the largest magnitude of the derivatives by the weights and intercepts of
// the model, where the gradient by variables is the one given.
func (p *Problem) GradientMax(gradient []float64) float64 {
	var largest float64
	p.modelGradient(gradient, func(g float64) {
		if g = math.Abs(g); g > largest {
			largest = g
		}
	})
	return largest
}

// GradientNorm returns the Euclidean norm of what GradientMax is the largest of.
func (p *Problem) GradientNorm(gradient []float64) float64 {
	largest := p.GradientMax(gradient)
	if largest == 0 || math.IsInf(largest, 1) {
		return largest
	}
	var square float64
	p.modelGradient(gradient, func(g float64) { square += (g / largest) * (g / largest) })
	return largest * math.Sqrt(square)
}

// Weights returns the weights, class by class, and intercepts that variables stand for, those of
// the first of two classes included, which are 0.
func (p *Problem) Weights(x []float64) (weights, intercepts []float64) {
	weights, intercepts = make([]float64, p.classes*p.features), make([]float64, p.classes)
	first := p.classes - p.free
	for k := range p.free {
		own := weights[(first+k)*p.features : (first+k+1)*p.features]
		var atShift float64
		for j := range own {
			own[j] = x[j*p.free+k] * p.scale[j]
			atShift += own[j] * p.shift[j]
		}
		if p.intercept {
			intercepts[first+k] = x[p.features*p.free+k]*p.scale[p.features] - atShift
		}
	}
	if p.intercept && first == 0 {
		centre(intercepts)
	}
	return weights, intercepts
}

// Variables returns the variables that weights and intercepts stand for. Of two classes, the
// differences count.
func (p *Problem) Variables(weights, intercepts []float64) []float64 {
	x := make([]float64, p.Size())
	first := p.classes - p.free
	for k := range p.free {
		own := weights[(first+k)*p.features : (first+k+1)*p.features]
		var atShift float64
		for j, w := range own {
			if first > 0 {
				w -= weights[j]
			}
			atShift += w * p.shift[j]
			if p.scale[j] != 0 {
				x[j*p.free+k] = w / p.scale[j]
			}
		}
		if p.intercept {
			b := intercepts[first+k]
			if first > 0 {
				b -= intercepts[0]
			}
			x[p.features*p.free+k] = (b + atShift) / p.scale[p.features]
		}
	}
	return x
}
