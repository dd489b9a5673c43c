package sklearn

import (
	"math"
)

// What a step does to each feature is linear, so the classifier's weights can do it: a step's
// last operation is folded first.

// divided takes weights for x/by to weights for x.
func (l *linear) divided(by []float64) {
	for i := range l.weights {
		l.weights[i] /= by[i%l.features]
	}
}

// multiplied takes weights for x·by to weights for x.
func (l *linear) multiplied(by []float64) {
	for i := range l.weights {
		l.weights[i] *= by[i%l.features]
	}
}

// shifted takes intercepts for x+by to intercepts for x, with by's sign changed if minus is set.
// It returns the largest sum of magnitudes that an intercept was moved by.
func (l *linear) shifted(by []float64, minus bool) float64 {
	largest := 0.0
	for k := range l.intercepts {
		row := l.weights[k*l.features : (k+1)*l.features]
		sum, lost, size := l.intercepts[k], 0.0, 0.0
		for i, w := range row {
			b := by[i]
			if minus {
				b = -b
			}
			product := w * b
			lost += math.FMA(w, b, -product)
			sum, lost = addExactly(sum, product, lost)
			size += math.Abs(product)
		}
		l.intercepts[k] = sum + lost
		largest = max(largest, size)
	}
	return largest
}

// addExactly returns the rounded sum of a and b, and lost plus what the rounding took.
func addExactly(a, b, lost float64) (sum, newLost float64) {
	sum = a + b
	virtual := sum - a
	return sum, lost + ((a - (sum - virtual)) + (b - virtual))
}

// finite reports whether folding left numbers.
func (l *linear) finite() bool {
	for _, w := range l.weights {
		if !isFinite(w) {
			return false
		}
	}
	for _, b := range l.intercepts {
		if !isFinite(b) {
			return false
		}
	}
	return true
}
