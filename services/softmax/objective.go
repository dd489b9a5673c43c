package softmax

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// objective is what Fit minimises, per unit of weight, as a function of the solver's variables:
// one vector of the design's columns per free class. Of two classes only the second is free;
// the logit of the first is 0.
type objective struct {
	*design
	free int

	// at is where value and gradient were last evaluated: the solver asks for them one by one.
	at, gradient []float64
	value        float64
	logits       []float64
}

func newObjective(d *design, classes int) *objective {
	o := &objective{design: d, free: classes, logits: make([]float64, classes)}
	if classes == 2 {
		o.free = 1
	}
	o.gradient = make([]float64, o.size())
	return o
}

func (o *objective) size() int { return o.free * o.columns }

// vector returns the part of x, which has size values, that belongs to free class k.
func (o *objective) vector(x []float64, k int) []float64 {
	return x[k*o.columns : (k+1)*o.columns]
}

// Func returns the objective at x.
func (o *objective) Func(x []float64) float64 {
	o.evaluate(x)
	return o.value
}

// Grad writes the gradient at x to gradient.
func (o *objective) Grad(gradient, x []float64) {
	o.evaluate(x)
	copy(gradient, o.gradient)
}

func (o *objective) evaluate(x []float64) {
	if slices.Equal(o.at, x) {
		return
	}
	o.at = append(o.at[:0], x...)
	clear(o.gradient)
	o.value = 0
	logits := o.logits[len(o.logits)-o.free:]
	for i, share := range o.shares {
		if share == 0 {
			continue
		}
		row := o.row(i)
		o.logits[0] = 0
		for k := range logits {
			logits[k] = floats.Dot(row, o.vector(x, k))
		}
		o.value += share * crossEntropy(o.logits, o.labels[i])
		for k, residual := range logits {
			floats.AddScaled(o.vector(o.gradient, k), share*residual, row)
		}
	}
	for k := range o.free {
		gradient := o.vector(o.gradient, k)
		for c, v := range o.vector(x, k) {
			o.value += o.penalty[c] * v * v / 2
			gradient[c] += o.penalty[c] * v
		}
	}
}

// crossEntropy returns -ln of the label's probability and replaces the logits by its
// derivatives: the probabilities, less 1 for the label. Neither result cancels where the label
// is almost certain.
func crossEntropy(logits []float64, label int) float64 {
	best := argmax(logits)
	largest, lead := logits[best], logits[best]-logits[label]
	var rest float64
	for k, z := range logits {
		logits[k] = math.Exp(z - largest)
		if k != best {
			rest += logits[k]
		}
	}
	var others float64
	for k := range logits {
		logits[k] /= 1 + rest
		if k != label {
			others += logits[k]
		}
	}
	logits[label] = -others
	return lead + math.Log1p(rest)
}
