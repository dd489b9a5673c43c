package onnx

import "github.com/sepal-ml/sepal/services/softmax"

// softmax is probabilities of scores.
func (c *call) softmax() (value, error) {
	z, ok := c.in[0].(*scores)
	if !ok || len(z.bias) < 2 {
		return nil, c.unfit()
	}
	otherwise := int64(-1)
	if c.document.opsets["ai.onnx"] < 13 {
		otherwise = 1
	}
	return &chances{logits: z}, c.lastAxis(otherwise)
}

func (c *call) sigmoid() (value, error) {
	z, ok := c.in[0].(*scores)
	if !ok {
		return nil, c.unfit()
	}
	return c.logistic(z)
}

// logistic is 1/(1+exp(-z)) of each score: the probability of the second of two classes for one
// score, both probabilities for two that are each other's opposite. Three or more are of a model of
// one class against the rest.
func (c *call) logistic(z *scores) (value, error) {
	k, d := len(z.bias), len(c.features)
	if k == 1 {
		return &sigmoid{logit: z}, nil
	}
	if k > 2 {
		return &sigmoids{z}, nil
	}
	opposite := z.bias[0] == -z.bias[1]
	for i := 0; opposite && i < d; i++ {
		opposite = z.weights[i] == -z.weights[d+i]
	}
	if !opposite {
		return nil, c.refuse(adviseOneVsRest, "a sigmoid for each of two classes, whose scores are not each other's opposite")
	}
	s := &sigmoid{logit: &scores{weights: z.weights[d:], bias: z.bias[1:], names: z.names}}
	return s.pair(), c.spend(2 * d)
}

// pair returns the probabilities of both classes: the softmax of 0 and the logit.
func (s *sigmoid) pair() *chances {
	d := len(s.logit.weights)
	z := &scores{weights: make([]float64, 2*d), bias: make([]float64, 2), names: s.logit.names}
	copy(z.weights[d:], s.logit.weights)
	z.bias[1] = s.logit.bias[0]
	return &chances{logits: z}
}

// complement is 1 less a probability.
func (c *call) complement(s *sigmoid, k *constant, reversed bool) (value, error) {
	at, err := c.broadcast(k.tensor, 1)
	if err != nil {
		return nil, err
	}
	if c.node.op != "Sub" || !reversed || at(0) != 1 {
		return nil, c.unfit()
	}
	return &sigmoid{logit: s.logit, first: !s.first}, nil
}

// normalizer divides a row by its norm. Probabilities that sum to 1 stay as they are.
func (c *call) normalizer() (value, error) {
	norm, err := c.text("norm", "MAX")
	if err != nil {
		return nil, err
	}
	return c.unitRows(norm == "L1", "the norm "+quote(norm))
}

func (c *call) lpNormalization() (value, error) {
	p, err := c.integer("p", 2)
	if err != nil {
		return nil, err
	}
	if err := c.lastAxis(-1); err != nil {
		return nil, err
	}
	norm := "p = 2"
	if p != 2 {
		norm = "this p"
	}
	return c.unitRows(p == 1, norm)
}

func (c *call) unitRows(sum bool, norm string) (value, error) {
	switch v := c.in[0].(type) {
	case *columns:
		return nil, c.refuse("leave out Normalizer, or use StandardScaler or MinMaxScaler, and fit again",
			"divides each row of the input by its norm, which no weights can do")
	case *chances:
		if !sum {
			return nil, c.refuse(adviseLinear, "divides probabilities by %s, after which they do not sum to 1", norm)
		}
		return v, nil
	case *sigmoids:
		if !sum {
			return nil, c.refuse(adviseLinear, "divides a sigmoid per class by %s, after which they do not sum to 1", norm)
		}
		return v.normalised(), nil
	default:
		return nil, c.unfit()
	}
}

// normalised returns the sigmoids divided by their sum.
func (s *sigmoids) normalised() *chances {
	return &chances{logits: s.logits, link: softmax.LinkOneVsRest}
}

// abs leaves probabilities as they are.
func (c *call) abs() (value, error) {
	switch c.in[0].(type) {
	case *chances, *sigmoids:
		return c.in[0], nil
	}
	return nil, c.unfit()
}

// reduceSum sums probabilities. The axes are an attribute until version 13, then an input.
func (c *call) reduceSum() (value, error) {
	p := c.in[0]
	switch p.(type) {
	case *chances, *sigmoids:
	default:
		return nil, c.unfit()
	}
	axes, err := c.integerList("axes")
	if err == nil && c.input(1) != nil {
		axes, err = c.integers(1)
	}
	if err != nil {
		return nil, err
	}
	keep, err := c.integer("keepdims", 1)
	if err != nil {
		return nil, err
	}
	if len(axes) != 1 || axes[0] != 1 && axes[0] != -1 || keep != 1 {
		return nil, c.refuse(adviseLinear, "sums over axes %v with keepdims %d, expected [1] with 1", axes[:min(len(axes), maxRank)], keep)
	}
	return &rowSum{of: p}, nil
}

// zipMap gives probabilities the names of their classes.
func (c *call) zipMap() (value, error) {
	p, ok := c.in[0].(*chances)
	if !ok {
		switch c.in[0].(type) {
		case *scores:
			return nil, c.refuse(adviseProbabilities, "gives raw scores instead of probabilities")
		case *sigmoids:
			return nil, c.refuse(adviseSum, "gives a sigmoid per class, not divided by their sum")
		}
		return nil, c.unfit()
	}
	names, err := c.nameList("classlabels_int64s", "classlabels_strings")
	if err != nil {
		return nil, err
	}
	if k := len(p.logits.bias); len(names) != k {
		return nil, c.malformed("has %s for %d classes", plural(len(names), "class label"), k)
	}
	return &zipped{of: p, names: names}, nil
}
