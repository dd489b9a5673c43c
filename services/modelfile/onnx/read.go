package onnx

// readModel reads a file into its messages.
func readModel(data []byte) (*document, error) {
	r, d := &reader{}, &document{opsets: make(map[string]int64)}
	err := fields("the model", data, func(f field) error {
		switch f.number {
		case modelIRVersion:
			return f.int64(&d.irVersion)
		case modelProducer:
			return f.text(&d.producer)
		case modelProducerVersion:
			return f.text(&d.version)
		case modelGraph:
			if d.hasGraph {
				return malformed("the model has two graphs")
			}
			d.hasGraph = true
			return r.graph(d, f)
		case modelOpsets:
			return r.opset(d, f)
		case modelFunctions:
			return unsupported(adviseFlat, "the model defines functions of its own")
		default:
			return nil
		}
	})
	switch {
	case err != nil:
		return nil, err
	case d.irVersion < 1 || d.irVersion > 1<<10:
		return nil, malformed("the version of the representation is %d, expected 1 or more; is it an ONNX file?", d.irVersion)
	case !d.hasGraph:
		return nil, malformed("the model has no graph; is the file whole?")
	case len(d.opsets) == 0:
		return nil, malformed("the model names no set of operators; is the file whole?")
	}
	return d, nil
}

// opset reads which version of a domain's operators the file means. A file may name a domain
// twice: the newer version counts.
func (r *reader) opset(d *document, data field) error {
	var domain string
	var version int64
	err := data.each("an operator set", func(f field) error {
		switch f.number {
		case 1:
			return f.text(&domain)
		case 2:
			return f.int64(&version)
		default:
			return nil
		}
	})
	if err != nil {
		return err
	}
	if domain == "" {
		domain = "ai.onnx"
	}
	d.opsets[domain] = max(d.opsets[domain], version)
	return count(&r.opsets, maxOpsets, "operator sets")
}

func (r *reader) graph(d *document, data field) error {
	return data.each("the graph", func(f field) error {
		switch f.number {
		case 1:
			if err := count(&r.nodes, maxNodes, "nodes"); err != nil {
				return err
			}
			n, err := r.node(f)
			d.nodes = append(d.nodes, n)
			return err
		case 5:
			t, err := r.tensor(f)
			d.tensors = append(d.tensors, t)
			return err
		case 11:
			p, err := r.port(f)
			d.inputs = append(d.inputs, p)
			return err
		case 12:
			p, err := r.port(f)
			d.outputs = append(d.outputs, p)
			return err
		case 15:
			return unsupported(adviseLinear, "the graph has sparse constants")
		default:
			return nil
		}
	})
}

func (r *reader) node(data field) (*node, error) {
	n := &node{attributes: make(map[string]*attribute)}
	err := data.each("a node", func(f field) error {
		switch f.number {
		case 1:
			return f.addText(r, &n.inputs)
		case 2:
			return f.addText(r, &n.outputs)
		case 3:
			return f.text(&n.name)
		case 4:
			return f.text(&n.op)
		case 5:
			a, err := r.attribute(f)
			if err != nil {
				return err
			}
			if n.attributes[a.name] != nil {
				return malformed("a node has the attribute %s twice", quote(a.name))
			}
			n.attributes[a.name] = a
			return nil
		case 7:
			return f.text(&n.domain)
		default:
			return nil
		}
	})
	if n.domain == "" {
		n.domain = "ai.onnx"
	}
	return n, err
}

func (r *reader) attribute(data field) (*attribute, error) {
	a, seen := &attribute{}, int32(0)
	err := data.each("an attribute", func(f field) error {
		switch f.number {
		case 1:
			return f.text(&a.name)
		case 2, 3, 4, 5, 7, 8, 9:
			seen = f.attributeKind()
			return r.attributeValue(a, f)
		case 20:
			return f.int32(&a.kind)
		case 6, 11:
			return unsupported(adviseFlat, "a node has a graph inside (attribute %s)", quote(a.name))
		case 10, 14, 15, 21, 22, 23:
			return unsupported(adviseLinear, "a node has the attribute %s, which is no number, string or constant", quote(a.name))
		default:
			return nil
		}
	})
	if a.kind == 0 {
		a.kind = seen
	}
	if err != nil {
		return nil, err
	}
	return a, count(&r.attributes, maxAttributes, "attributes")
}

// attributeKind returns the type of the values that a field of an attribute has.
func (f field) attributeKind() int32 {
	switch f.number {
	case 2:
		return attrFloat
	case 3:
		return attrInt
	case 4:
		return attrString
	case 5:
		return attrTensor
	case 7:
		return attrFloats
	case 8:
		return attrInts
	default:
		return attrStrings
	}
}

func (r *reader) attributeValue(a *attribute, f field) error {
	switch f.attributeKind() {
	case attrFloat:
		var one []float32
		if err := f.addFloats(&one); err != nil || len(one) != 1 {
			return malformed("an attribute is damaged: expected one float32")
		}
		a.f = one[0]
		return nil
	case attrInt:
		return f.int64(&a.i)
	case attrString:
		return f.text(&a.s)
	case attrTensor:
		t, err := r.tensor(f)
		a.t = t
		return err
	case attrFloats:
		return f.addFloats(&a.floats)
	case attrInts:
		return f.addInts(r, &a.ints)
	default:
		return f.addText(r, &a.strings)
	}
}
