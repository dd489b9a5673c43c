package onnx

// has reports whether the node sets an attribute.
func (c *call) has(name string) bool { return c.node.attributes[name] != nil }

// attribute returns an attribute of the kind, nil if the node does not set it.
func (c *call) attribute(name string, kind int32, want string) (*attribute, error) {
	a := c.node.attributes[name]
	if a != nil && a.kind != kind {
		return nil, c.malformed("has the attribute %s of type %d, expected %s", quote(name), a.kind, want)
	}
	return a, nil
}

func (c *call) integer(name string, otherwise int64) (int64, error) {
	a, err := c.attribute(name, attrInt, "a whole number")
	if a == nil || err != nil {
		return otherwise, err
	}
	return a.i, nil
}

func (c *call) float(name string, otherwise float64) (float64, error) {
	a, err := c.attribute(name, attrFloat, "a float32")
	if a == nil || err != nil {
		return otherwise, err
	}
	return float64(a.f), nil
}

func (c *call) text(name, otherwise string) (string, error) {
	a, err := c.attribute(name, attrString, "a string")
	if a == nil || err != nil {
		return otherwise, err
	}
	return a.s, nil
}

func (c *call) integerList(name string) ([]int64, error) {
	a, err := c.attribute(name, attrInts, "whole numbers")
	if a == nil || err != nil {
		return nil, err
	}
	return a.ints, nil
}

func (c *call) textList(name string) ([]string, error) {
	a, err := c.attribute(name, attrStrings, "strings")
	if a == nil || err != nil {
		return nil, err
	}
	return a.strings, nil
}

// floatList returns a list of float32, widened.
func (c *call) floatList(name string) ([]float64, error) {
	a, err := c.attribute(name, attrFloats, "float32 numbers")
	if a == nil || err != nil {
		return nil, err
	}
	if err := c.spend(len(a.floats)); err != nil {
		return nil, err
	}
	values := make([]float64, len(a.floats))
	for i, v := range a.floats {
		values[i] = float64(v)
	}
	return values, nil
}

// nameList returns the names of classes from one of two attributes.
func (c *call) nameList(integers, texts string) ([]string, error) {
	list, err := c.integerList(integers)
	if err != nil {
		return nil, err
	}
	names, err := c.textList(texts)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 && len(names) > 0 {
		return nil, c.malformed("has both %s and %s, expected one", integers, texts)
	}
	if len(list) == 0 {
		return names, nil
	}
	if err := c.spend(cellsPerColumn * len(list)); err != nil {
		return nil, err
	}
	return decimals(list), nil
}

// lastAxis fails if the axis is not that of the columns.
func (c *call) lastAxis(otherwise int64) error {
	axis, err := c.integer("axis", otherwise)
	if err != nil {
		return err
	}
	if axis != 1 && axis != -1 {
		return c.refuse(adviseLinear, "works on axis %d, expected 1, that of the columns", axis)
	}
	return nil
}
