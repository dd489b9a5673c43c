package onnx

import "math"

// scaler is (column - offset) × scale.
func (c *call) scaler() (value, error) {
	in, ok := c.in[0].(*columns)
	if !ok {
		return nil, c.unfit()
	}
	offset, err := c.floatList("offset")
	if err != nil {
		return nil, err
	}
	scale, err := c.floatList("scale")
	if err != nil {
		return nil, err
	}
	n := len(in.list)
	for _, list := range []struct {
		name   string
		values []float64
	}{{"offset", offset}, {"scale", scale}} {
		if len(list.values) != n && len(list.values) != 1 {
			return nil, c.malformed("has %d values of %s, expected 1 or %d", len(list.values), list.name, n)
		}
	}
	c.foldedInto("the weights", n)
	return c.columns(in, func(i int, v *column) {
		s := scale[i%len(scale)]
		v.scale *= s
		v.offset = (v.offset - offset[i%len(offset)]) * s
	})
}

// columns returns changed copies of columns of numbers.
func (c *call) columns(in *columns, change func(i int, v *column)) (*columns, error) {
	if err := c.spend(cellsPerColumn * len(in.list)); err != nil {
		return nil, err
	}
	made := &columns{list: make([]column, len(in.list))}
	copy(made.list, in.list)
	for i := range made.list {
		change(i, &made.list[i])
	}
	return made, nil
}

// foldedInto records that a step before the classifier went into a part of the model.
func (c *call) foldedInto(part string, n int) {
	c.folded = append(c.folded, c.node.title()+" of "+plural(n, "column")+" into "+part)
}

// imputer replaces missing values, NaN.
func (c *call) imputer() (value, error) {
	in, ok := c.in[0].(*columns)
	if !ok {
		return nil, c.unfit()
	}
	stand, err := c.floatList("imputed_value_floats")
	if err != nil {
		return nil, err
	}
	replaced, err := c.float("replaced_value_float", 0)
	if err != nil {
		return nil, err
	}
	if in.whole || c.has("imputed_value_int64s") || !math.IsNaN(replaced) {
		return nil, c.refuse("fit SimpleImputer with missing_values=np.nan",
			"replaces a number; only missing values, NaN, can be replaced")
	}
	if n := len(in.list); len(stand) != n && len(stand) != 1 {
		return nil, c.malformed("has %d values of imputed_value_floats, expected 1 or %d", len(stand), n)
	}
	made, err := c.columns(in, func(i int, v *column) {
		if !v.imputed {
			v.imputed, v.stand = true, (stand[i%len(stand)]-v.offset)/v.scale
		}
	})
	if err != nil {
		return nil, err
	}
	for i, v := range made.list {
		if v.stand-v.stand != 0 {
			return nil, c.malformed("replaces missing values of column %d by what is no finite number", i)
		}
	}
	c.foldedInto("the features, as values that stand in for missing ones", len(in.list))
	return made, nil
}

// arithmetic adds, subtracts, multiplies or divides by a constant. It also divides probabilities
// by their sum, and takes a probability from 1.
func (c *call) arithmetic() (value, error) {
	v, k, reversed := c.in[0], c.input(1), false
	if _, fixed := v.(*constant); fixed {
		v, k, reversed = k, v, true
	}
	switch v := v.(type) {
	case *chances:
		if sum, ok := k.(*rowSum); ok && c.node.op == "Div" && !reversed && sum.of == v {
			return v, nil
		}
	case *sigmoids:
		if sum, ok := k.(*rowSum); ok && c.node.op == "Div" && !reversed && sum.of == v {
			return v.normalised(), nil
		}
	case *sigmoid:
		if k, fixed := k.(*constant); fixed {
			return c.complement(v, k, reversed)
		}
	case *columns:
		if k, fixed := k.(*constant); fixed && !v.whole {
			return c.columnArithmetic(v, k.tensor, reversed)
		}
	case *scores:
		if k, fixed := k.(*constant); fixed {
			return c.scoreArithmetic(v, k.tensor, reversed)
		}
	}
	return nil, c.unfit()
}

// affine is what arithmetic by a constant does: v × times / over + plus.
type affine struct{ times, over, plus float64 }

// affine returns what the operator does with the constant k; false if it divides by v.
func (c *call) affine(k float64, reversed bool) (affine, bool) {
	switch op := c.node.op; {
	case op == "Add":
		return affine{1, 1, k}, true
	case op == "Sub" && reversed:
		return affine{-1, 1, k}, true
	case op == "Sub":
		return affine{1, 1, -k}, true
	case op == "Mul":
		return affine{k, 1, 0}, true
	default:
		return affine{1, k, 0}, !reversed
	}
}

func (c *call) columnArithmetic(in *columns, t *tensor, reversed bool) (value, error) {
	at, err := c.broadcast(t, len(in.list))
	if err != nil {
		return nil, err
	}
	if _, ok := c.affine(0, reversed); !ok {
		return nil, c.unfit()
	}
	c.foldedInto("the weights", len(in.list))
	return c.columns(in, func(i int, v *column) {
		a, _ := c.affine(at(i), reversed)
		v.scale = v.scale * a.times / a.over
		v.offset = v.offset*a.times/a.over + a.plus
	})
}

func (c *call) scoreArithmetic(in *scores, t *tensor, reversed bool) (value, error) {
	at, err := c.broadcast(t, len(in.bias))
	if err != nil {
		return nil, err
	}
	if _, ok := c.affine(0, reversed); !ok {
		return nil, c.unfit()
	}
	if err := c.spend(len(in.weights) + len(in.bias)); err != nil {
		return nil, err
	}
	made := &scores{weights: make([]float64, len(in.weights)), bias: make([]float64, len(in.bias)), names: in.names}
	d := len(c.features)
	for i := range made.bias {
		a, _ := c.affine(at(i), reversed)
		for j := i * d; j < (i+1)*d; j++ {
			made.weights[j] = in.weights[j] * a.times / a.over
		}
		made.bias[i] = in.bias[i]*a.times/a.over + a.plus
	}
	return made, nil
}

// broadcast returns the value of a constant for each of n columns: one for all of them, or one
// for each.
func (c *call) broadcast(t *tensor, n int) (func(i int) float64, error) {
	values, err := c.numbers(t)
	if err != nil {
		return nil, err
	}
	last := int64(1)
	if len(t.dims) > 0 {
		last = t.dims[len(t.dims)-1]
	}
	switch {
	case len(t.dims) > 2 || int(last) != len(values):
		return nil, c.malformed("takes the constant %s of %d values in %d dimensions, expected one row", quote(t.name), len(values), len(t.dims))
	case len(values) == 1:
		return func(int) float64 { return values[0] }, nil
	case len(values) == n:
		return func(i int) float64 { return values[i] }, nil
	default:
		return nil, c.malformed("takes the constant %s of %d values for %s", quote(t.name), len(values), plural(n, "column"))
	}
}
