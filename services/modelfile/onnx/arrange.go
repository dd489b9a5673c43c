package onnx

import "math"

// concat puts columns side by side. Of probabilities, it puts together the two that one sigmoid
// gives.
func (c *call) concat() (value, error) {
	if err := c.lastAxis(0); err != nil {
		return nil, err
	}
	if len(c.in) == 2 {
		p, one := c.in[0].(*sigmoid)
		q, two := c.in[1].(*sigmoid)
		if one && two && p.logit == q.logit && p.first && !q.first {
			return p.pair(), c.spend(2 * len(p.logit.weights))
		}
	}
	for _, v := range c.in {
		switch v.(type) {
		case *sigmoid, *part:
			return nil, c.refuse(adviseOneVsRest, "puts probabilities of several classifiers together, one-vs-rest")
		}
	}
	return c.joined()
}

func (c *call) joined() (value, error) {
	made := &columns{}
	for _, v := range c.in {
		in, ok := v.(*columns)
		if !ok {
			return nil, c.unfit()
		}
		if err := c.spend(2 * cellsPerColumn * len(in.list)); err != nil {
			return nil, err
		}
		made.list = append(made.list, in.list...)
		made.whole = made.whole || in.whole
	}
	return made, nil
}

// featureVectorizer is concat of inputs whose widths are told.
func (c *call) featureVectorizer() (value, error) {
	widths, err := c.integerList("inputdimensions")
	if err != nil {
		return nil, err
	}
	v, err := c.joined()
	if err != nil {
		return nil, err
	}
	for i, width := range widths {
		if in, ok := c.input(i).(*columns); !ok || int64(len(in.list)) != width {
			return nil, c.malformed("has an input %d of another width than %d", i, width)
		}
	}
	made, ok := v.(*columns)
	if !ok {
		return nil, c.unfit()
	}
	return &columns{list: made.list}, nil
}

// arrayFeatureExtractor selects columns, or the name of a class.
func (c *call) arrayFeatureExtractor() (value, error) {
	if k, fixed := c.in[0].(*constant); fixed {
		if at, ok := c.in[1].(*position); ok {
			return c.named(k, at)
		}
		return nil, c.unfit()
	}
	return c.selected()
}

// gather selects like arrayFeatureExtractor, along an axis.
func (c *call) gather() (value, error) {
	if k, fixed := c.in[0].(*constant); fixed {
		axis, err := c.integer("axis", 0)
		at, ok := c.in[1].(*position)
		if err != nil || !ok || axis != int64(len(k.dims))-1 {
			return nil, c.unfit()
		}
		return c.named(k, at)
	}
	if err := c.lastAxis(0); err != nil {
		return nil, err
	}
	if k, ok := c.in[1].(*constant); ok && len(k.dims) != 1 {
		return nil, c.refuse(adviseLinear, "selects by indices of %d dimensions, expected 1", len(k.dims))
	}
	return c.selected()
}

// selected returns the columns whose positions are input 1.
func (c *call) selected() (value, error) {
	indices, err := c.integers(1)
	if err != nil {
		return nil, err
	}
	switch v := c.in[0].(type) {
	case *columns:
		return c.pick(v, indices)
	case *chances:
		return &part{v}, nil
	default:
		return nil, c.unfit()
	}
}

func (c *call) pick(in *columns, indices []int64) (value, error) {
	if err := c.spend(cellsPerColumn * len(indices)); err != nil {
		return nil, err
	}
	made := &columns{whole: in.whole, list: make([]column, len(indices))}
	for i, at := range indices {
		if at < 0 {
			at += int64(len(in.list))
		}
		if at < 0 || at >= int64(len(in.list)) {
			return nil, c.malformed("selects column %d of %d", indices[i], len(in.list))
		}
		made.list[i] = in.list[at]
	}
	if len(indices) == 0 {
		return nil, c.malformed("selects no column")
	}
	return made, nil
}

// slice cuts out columns. The bounds are attributes until version 10, then inputs.
func (c *call) slice() (value, error) {
	bounds := make([][]int64, 4)
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if c.input(i+1) != nil {
			bounds[i], err = c.integers(i + 1)
		} else {
			bounds[i], err = c.integerList(name)
		}
		if err != nil {
			return nil, err
		}
		if i == 3 && bounds[i] == nil {
			bounds[i] = []int64{1}
		}
		if len(bounds[i]) != 1 {
			return nil, c.refuse(adviseLinear, "has %d %s, expected 1", len(bounds[i]), name)
		}
	}
	start, end, axis, step := bounds[0][0], bounds[1][0], bounds[2][0], bounds[3][0]
	if axis != 1 && axis != -1 || step != 1 {
		return nil, c.refuse(adviseLinear, "cuts along axis %d in steps of %d, expected 1 and 1", axis, step)
	}
	switch v := c.in[0].(type) {
	case *chances:
		return &part{v}, nil
	case *columns:
		n := int64(len(v.list))
		start, end = bound(start, n), bound(end, n)
		if start >= end {
			return nil, c.malformed("cuts out no column")
		}
		return &columns{list: v.list[start:end:end], whole: v.whole}, nil
	default:
		return nil, c.unfit()
	}
}

// bound returns an end of a slice of n columns as a position; negative ones count from the end.
func bound(at, n int64) int64 {
	if at < 0 {
		at = max(at, math.MinInt64+n) + n
	}
	return min(max(at, 0), n)
}

// reshape leaves rows of columns as they are, and lets a column become a list.
func (c *call) reshape() (value, error) {
	shape, err := c.integerList("shape")
	if err == nil && c.input(1) != nil {
		shape, err = c.integers(1)
	}
	if err != nil {
		return nil, err
	}
	width := int64(1)
	switch v := c.in[0].(type) {
	case *label, *position, *part:
		return v, nil
	case *columns:
		width = int64(len(v.list))
	case *scores:
		width = int64(len(v.bias))
	case *chances:
		width = int64(len(v.logits.bias))
	case *sigmoids:
		width = int64(len(v.logits.bias))
	case *sigmoid:
	case *constant:
		return c.reshapeConstant(v, shape)
	default:
		return nil, c.unfit()
	}
	// Of rows × columns, [-1, columns], [0, columns] and [0, -1] are the same again.
	if len(shape) == 2 && shape[0] <= 0 && shape[0] >= -1 && (shape[1] == width || shape[0] == 0 && shape[1] < 1) {
		return c.in[0], nil
	}
	return nil, c.refuse(adviseLinear, "changes the shape of %s to %v", c.in[0].describe(), shape[:min(len(shape), maxRank)])
}

func (c *call) reshapeConstant(k *constant, shape []int64) (value, error) {
	dims, rest, open := make([]int64, len(shape)), int64(k.len()), -1
	for i, d := range shape {
		switch {
		case d == -1 && open < 0:
			open = i
		case d < 1 || rest%d != 0:
			return nil, c.refuse(adviseLinear, "changes the shape of a constant to %v", shape[:min(len(shape), maxRank)])
		default:
			dims[i] = d
			rest /= d
		}
	}
	if open >= 0 {
		dims[open], rest = rest, 1
	}
	if rest != 1 || len(dims) > maxRank {
		return nil, c.refuse(adviseLinear, "changes the shape of a constant to %v", shape[:min(len(shape), maxRank)])
	}
	same := *k.tensor
	same.dims = dims
	return &constant{&same}, nil
}

// flatten leaves rows of columns as they are.
func (c *call) flatten() (value, error) {
	if err := c.lastAxis(1); err != nil {
		return nil, err
	}
	switch v := c.in[0].(type) {
	case *columns, *scores, *chances, *sigmoids, *sigmoid:
		return v, nil
	default:
		return nil, c.unfit()
	}
}

// constant is a constant as a node.
func (c *call) constant() (value, error) {
	if len(c.node.attributes) != 1 {
		return nil, c.malformed("has %d attributes, expected 1", len(c.node.attributes))
	}
	for _, a := range c.node.attributes {
		t := &tensor{name: c.node.name, kind: typeInt64}
		switch a.kind {
		case attrTensor:
			if a.t == nil {
				return nil, c.malformed("has no value")
			}
			t = a.t
		case attrFloat:
			t.kind, t.floats = typeFloat, []float32{a.f}
		case attrFloats:
			t.kind, t.floats, t.dims = typeFloat, a.floats, []int64{int64(len(a.floats))}
		case attrInt:
			t.ints = []int64{a.i}
		case attrInts:
			t.ints, t.dims = a.ints, []int64{int64(len(a.ints))}
		case attrString:
			t.kind, t.strings = typeString, []string{a.s}
		default:
			t.kind, t.strings, t.dims = typeString, a.strings, []int64{int64(len(a.strings))}
		}
		return &constant{t}, nil
	}
	return nil, c.malformed("has no value")
}
