package onnx

import (
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds of what a file may hold. Numbers of weights are bounded by the size of the file.
const (
	maxNodes      = 10_000
	maxAttributes = 100_000
	maxTensors    = 20_000
	maxPorts      = 10_000    // inputs and outputs of the graph
	maxStrings    = 1_000_000 // names, class labels, features of all nodes
	maxInts       = 1_000_000 // class labels, shapes and indices of all nodes
	maxOpsets     = 64
	maxRank       = 8
)

// reader reads the messages of a file and counts what it made of them.
type reader struct {
	nodes, attributes, tensors, ports, strings, ints, opsets int
}

// count adds 1 to a counter, and fails when it passes the bound.
func count(counter *int, most int, what string) error {
	if *counter++; *counter > most {
		return malformed("more than %d %s", most, what)
	}
	return nil
}

// field is a field of a message: bits of a number, or bytes.
type field struct {
	message string
	number  protowire.Number
	kind    protowire.Type
	bits    uint64
	bytes   []byte
}

// fields calls each for the fields of a message, in their order.
func fields(message string, data []byte, each func(field) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return malformed("%s is cut short or damaged", message)
		}
		data = data[n:]
		f := field{message: message, number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var bits uint32
			bits, n = protowire.ConsumeFixed32(data)
			f.bits = uint64(bits)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(data)
		default:
			return malformed("%s is damaged: field %d has the wire type %d, which ONNX does not use", message, number, kind)
		}
		if n < 0 {
			return malformed("%s is cut short or damaged", message)
		}
		data = data[n:]
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

// each calls the function for the fields of the message that f holds.
func (f field) each(message string, call func(field) error) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	return fields(message, f.bytes, call)
}

func (f field) want(kind protowire.Type) error {
	if f.kind != kind {
		return malformed("%s is damaged: field %d has the wire type %d, expected %d", f.message, f.number, f.kind, kind)
	}
	return nil
}

func (f field) text(to *string) error {
	*to = string(f.bytes)
	return f.want(protowire.BytesType)
}

func (f field) int64(to *int64) error {
	*to = int64(f.bits)
	return f.want(protowire.VarintType)
}

// int32 reads a number of a field of 32 bits, such as an enumeration. Larger numbers are cut, as
// other readers do.
func (f field) int32(to *int32) error {
	*to = int32(f.bits)
	return f.want(protowire.VarintType)
}

// addInts appends one number or a packed list.
func (f field) addInts(r *reader, to *[]int64) error {
	if f.kind == protowire.VarintType {
		*to = append(*to, int64(f.bits))
		return count(&r.ints, maxInts, "whole numbers")
	}
	rest, n := f.bytes, 0
	for _, b := range rest {
		n += 1 - int(b>>7) // the last byte of a number has no bit 7
	}
	if n > maxInts-r.ints {
		return malformed("more than %d whole numbers", maxInts)
	}
	r.ints += n
	*to = slices.Grow(*to, n)
	for len(rest) > 0 {
		v, n := protowire.ConsumeVarint(rest)
		if n < 0 {
			return malformed("%s is damaged: a list of whole numbers ends too soon", f.message)
		}
		*to = append(*to, int64(v))
		rest = rest[n:]
	}
	return f.want(protowire.BytesType)
}

// addFloats appends one number or a packed list.
func (f field) addFloats(to *[]float32) error {
	if f.kind == protowire.Fixed32Type {
		*to = append(*to, math.Float32frombits(uint32(f.bits)))
		return nil
	}
	rest := f.bytes
	*to = slices.Grow(*to, len(rest)/4)
	for len(rest) > 0 {
		v, n := protowire.ConsumeFixed32(rest)
		if n < 0 {
			return malformed("%s is damaged: a list of float32 ends too soon", f.message)
		}
		*to = append(*to, math.Float32frombits(v))
		rest = rest[n:]
	}
	return f.want(protowire.BytesType)
}

// addDoubles appends one number or a packed list.
func (f field) addDoubles(to *[]float64) error {
	if f.kind == protowire.Fixed64Type {
		*to = append(*to, math.Float64frombits(f.bits))
		return nil
	}
	rest := f.bytes
	*to = slices.Grow(*to, len(rest)/8)
	for len(rest) > 0 {
		v, n := protowire.ConsumeFixed64(rest)
		if n < 0 {
			return malformed("%s is damaged: a list of float64 ends too soon", f.message)
		}
		*to = append(*to, math.Float64frombits(v))
		rest = rest[n:]
	}
	return f.want(protowire.BytesType)
}

func (f field) addText(r *reader, to *[]string) error {
	*to = append(*to, string(f.bytes))
	if err := count(&r.strings, maxStrings, "strings"); err != nil {
		return err
	}
	return f.want(protowire.BytesType)
}
