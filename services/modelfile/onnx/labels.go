package onnx

import "strconv"

// argMax is the position of the best class.
func (c *call) argMax() (value, error) {
	if err := c.lastAxis(0); err != nil {
		return nil, err
	}
	switch v := c.in[0].(type) {
	case *scores:
		return &position{len(v.bias)}, nil
	case *chances:
		return &position{len(v.logits.bias)}, nil
	case *sigmoids:
		return &position{len(v.logits.bias)}, nil
	default:
		return nil, c.unfit()
	}
}

// names returns the values of a constant as names of classes.
func (c *call) names(k *constant) ([]string, error) {
	if k.kind != typeString {
		if err := c.spend(cellsPerColumn * k.len()); err != nil {
			return nil, err
		}
	}
	names, ok := k.tensor.names()
	if !ok {
		return nil, c.malformed("takes class labels from the constant %s, which holds neither strings nor whole numbers", quote(k.name))
	}
	return names, nil
}

// named looks up the names of classes at the position of one.
func (c *call) named(k *constant, at *position) (value, error) {
	names, err := c.names(k)
	if err != nil {
		return nil, err
	}
	if len(names) != at.classes {
		return nil, c.malformed("takes class labels from the constant %s of %d values, expected %d", quote(k.name), len(names), at.classes)
	}
	return &label{names, k.kind == typeString}, nil
}

// labelEncoder renames classes: that of a row, or a constant list of all.
func (c *call) labelEncoder() (value, error) {
	var names []string
	var err error
	text := false
	switch v := c.in[0].(type) {
	case *label:
		names, text = v.names, v.text
	case *position:
		names, err = c.positions(v.classes)
	case *constant:
		names, err = c.names(v)
		text = v.kind == typeString
	default:
		err = c.unfit()
	}
	if err != nil {
		return nil, err
	}
	table, err := c.table(text)
	if err != nil {
		return nil, err
	}
	if err := c.spend(2 * len(names)); err != nil {
		return nil, err
	}
	renamed := make([]string, len(names))
	for i, name := range names {
		to, ok := table[name]
		if !ok {
			return nil, c.malformed("has no value for the class %s", quote(name))
		}
		renamed[i] = to
	}
	return &label{renamed, c.has("values_strings") || c.has("classes_strings") && !text}, nil
}

// table reads the map of a label encoder: by keys and values, or, in version 1, between
// positions and classes_strings, in the direction that the classes call for.
func (c *call) table(text bool) (map[string]string, error) {
	if c.has("keys_floats") || c.has("values_floats") {
		return nil, c.refuse(adviseLinear, "maps from or to fractions, expected whole numbers or strings")
	}
	keys, err := c.nameList("keys_int64s", "keys_strings")
	if err != nil {
		return nil, err
	}
	values, err := c.nameList("values_int64s", "values_strings")
	if err != nil {
		return nil, err
	}
	if c.has("classes_strings") && len(keys) == 0 && len(values) == 0 {
		if values, err = c.textList("classes_strings"); err != nil {
			return nil, err
		}
		if keys, err = c.positions(len(values)); err != nil {
			return nil, err
		}
		if text {
			keys, values = values, keys
		}
	}
	if len(keys) != len(values) {
		return nil, c.malformed("has %s and %s", plural(len(keys), "key"), plural(len(values), "value"))
	}
	if err := c.spend(8 * len(keys)); err != nil {
		return nil, err
	}
	table := make(map[string]string, len(keys))
	for i, key := range keys {
		table[key] = values[i]
	}
	return table, nil
}

// positions returns "0" to n-1.
func (w *walk) positions(n int) ([]string, error) {
	if err := w.spend(cellsPerColumn * n); err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names, nil
}

// cast changes the type of numbers. Between float32 and float64 that is no step of its own here:
// everything is worked out in float64.
func (c *call) cast() (value, error) {
	to, err := c.integer("to", typeUnknown)
	if err != nil {
		return nil, err
	}
	number, whole := to == typeFloat || to == typeDouble, to == typeInt32 || to == typeInt64
	switch v := c.in[0].(type) {
	case *columns:
		if number && v.whole {
			return c.columns(v, func(int, *column) {})
		}
		if number || whole && v.whole {
			return v, nil
		}
	case *scores, *chances, *sigmoids, *sigmoid, *part, *rowSum:
		if number {
			return v, nil
		}
	case *position:
		if number || whole {
			return v, nil
		}
	case *label:
		if number || whole || to == typeString || to == typeBool {
			return &label{v.names, to == typeString}, nil
		}
	case *constant:
		if number || whole {
			return c.castConstant(v, int32(to))
		}
		if to == int64(v.kind) {
			return v, nil
		}
	}
	return nil, c.refuse(adviseLinear, "casts %s to the ONNX type %d", c.describe(), to)
}

func (c *call) castConstant(k *constant, to int32) (value, error) {
	if k.kind == to {
		return k, nil
	}
	if to == typeInt64 || to == typeInt32 {
		list, ok := k.integers()
		if !ok {
			return nil, c.refuse(adviseLinear, "casts a constant to the ONNX type %d", to)
		}
		if err := c.spend(2 * len(list)); err != nil {
			return nil, err
		}
		return &constant{&tensor{name: k.name, dims: k.dims, kind: typeInt64, ints: list}}, nil
	}
	values, err := c.numbers(k.tensor)
	if err != nil {
		return nil, err
	}
	if to == typeDouble {
		return &constant{&tensor{name: k.name, dims: k.dims, kind: to, doubles: values}}, nil
	}
	rounded := make([]float32, len(values))
	for i, v := range values {
		rounded[i] = float32(v)
	}
	return &constant{&tensor{name: k.name, dims: k.dims, kind: to, floats: rounded}}, nil
}
