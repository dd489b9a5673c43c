package onnx

import "strconv"

// readInputs makes the features of the graph's inputs.
func (w *walk) readInputs(size int) error {
	var inputs []port
	for _, p := range w.document.inputs {
		if k, ok := w.values[p.name].(*constant); ok && k != nil {
			continue // the default of an input, as files of old list all constants
		}
		if p.name == "" || w.values[p.name] != nil {
			return malformed("two inputs are called %s", quote(p.name))
		}
		w.values[p.name] = &columns{}
		inputs = append(inputs, p)
	}
	if len(inputs) == 0 {
		return malformed("the graph has no input")
	}
	w.named = len(inputs) > 1
	for _, p := range inputs {
		width, err := w.width(p, len(inputs) == 1)
		if err != nil {
			return err
		}
		// A column has a weight per class, of 4 bytes or more.
		if width < 1 || width > int64(size)/4-int64(len(w.features)) {
			return malformed("the input %s has %d columns, for which a file of %d bytes has no weights", quote(p.name), width, size)
		}
		w.named = w.named && width == 1
		if err := w.addInput(p, int(width)); err != nil {
			return err
		}
	}
	for i := range w.features {
		if !w.named {
			w.features[i].name = "x" + strconv.Itoa(i)
		}
	}
	return nil
}

func (w *walk) addInput(p port, width int) error {
	if err := w.spend(2 * cellsPerColumn * width); err != nil {
		return err
	}
	made := &columns{list: make([]column, width), whole: p.kind == typeInt32 || p.kind == typeInt64}
	for i := range made.list {
		made.list[i] = column{feature: int32(len(w.features)), scale: 1}
		w.features = append(w.features, feature{name: p.name})
	}
	w.values[p.name] = made
	return nil
}

// width returns the number of columns of an input.
func (w *walk) width(p port, alone bool) (int64, error) {
	switch p.kind {
	case typeFloat, typeDouble, typeInt32, typeInt64:
	case typeString:
		return 0, unsupported("replace the words by numbers before the model, or train one here, which takes categories",
			"the input %s holds strings", quote(p.name))
	default:
		if !p.tensor {
			return 0, unsupported(adviseInputs, "the input %s is no tensor", quote(p.name))
		}
		return 0, unsupported(adviseInputs, "the input %s holds values of the ONNX type %d", quote(p.name), p.kind)
	}
	if p.dims != nil && len(p.dims) != 2 {
		return 0, unsupported(adviseInputs, "the input %s has %d dimensions, expected rows and columns", quote(p.name), len(p.dims))
	}
	if p.dims != nil && p.dims[1] >= 0 {
		return p.dims[1], nil
	}
	if width := w.inferWidth(); alone && width > 0 {
		return width, nil
	}
	return 0, unsupported(adviseInputs, "the input %s does not say how many columns it has", quote(p.name))
}

// inferWidth returns how many columns the classifier takes, 0 if the graph does not tell at
// first sight. Whether they fit the input shows when the graph is followed.
func (w *walk) inferWidth() int64 {
	for _, n := range w.document.nodes {
		switch n.op {
		case "LinearClassifier":
			coefficients, intercepts := n.attributes["coefficients"], n.attributes["intercepts"]
			if coefficients != nil && intercepts != nil && len(intercepts.floats) > 0 {
				return int64(len(coefficients.floats) / len(intercepts.floats))
			}
		case "MatMul":
			if len(n.inputs) != 2 {
				continue
			}
			if k, ok := w.values[n.inputs[1]].(*constant); ok && len(k.dims) == 2 {
				return k.dims[0]
			}
		}
	}
	return 0
}
