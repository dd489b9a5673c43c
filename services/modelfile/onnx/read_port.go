package onnx

// port reads an input or output of the graph: its name, and the type if it is a tensor.
func (r *reader) port(data field) (port, error) {
	var p port
	err := data.each("an input or output", func(f field) error {
		switch f.number {
		case 1:
			return f.text(&p.name)
		case 2:
			return f.each("a type", func(f field) error {
				if f.number != 1 {
					return nil
				}
				p.tensor = true
				return r.tensorType(&p, f)
			})
		default:
			return nil
		}
	})
	if err != nil {
		return p, err
	}
	return p, count(&r.ports, maxPorts, "inputs and outputs")
}

func (r *reader) tensorType(p *port, data field) error {
	return data.each("the type of a tensor", func(f field) error {
		switch f.number {
		case 1:
			return f.int32(&p.kind)
		case 2:
			p.dims = []int64{}
			return r.shape(p, f)
		default:
			return nil
		}
	})
}

func (r *reader) shape(p *port, shape field) error {
	return shape.each("a shape", func(f field) error {
		if f.number != 1 {
			return nil
		}
		if len(p.dims) == maxRank {
			return malformed("%s has more than %d dimensions", quote(p.name), maxRank)
		}
		size := int64(-1)
		err := f.each("a dimension", func(f field) error {
			if f.number != 1 {
				return nil
			}
			return f.int64(&size)
		})
		p.dims = append(p.dims, size)
		return err
	})
}
