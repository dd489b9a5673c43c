package sklearn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// dtype is the type of an array's elements.
type dtype struct {
	// kind is numpy's letter: f, i, u, b, U or O; another letter cannot be read.
	kind byte
	// size is the bytes of one element; 0 for objects, which are not stored as bytes.
	size  int
	order binary.ByteOrder
	built bool
}

// callDtype makes a dtype of its name, such as f8 or U10.
func callDtype(_ *machine, _ global, args tuple) (value, error) {
	if len(args) == 0 {
		return nil, errors.New("expected the name of a type")
	}
	name, ok := args[0].(string)
	if !ok || name == "" {
		return nil, fmt.Errorf("%s, expected the name of a type", kind(args[0]))
	}
	d := &dtype{kind: name[0], order: binary.LittleEndian}
	if d.kind == 'O' {
		return d, nil
	}
	size, err := strconv.ParseUint(name[1:], 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%q is no type of elements that is read", name)
	}
	if d.kind == 'U' {
		size *= 4
	}
	if size > MaxBytes {
		return nil, fmt.Errorf("elements of %d bytes, at most %d are read", size, MaxBytes)
	}
	d.size = int(size)
	return d, nil
}

// build takes the byte order from numpy's state: version, order, subtype, names, fields, size,
// alignment, flags.
func (d *dtype) build(state value) error {
	fields, ok := state.(tuple)
	if !ok || len(fields) < 8 || d.built {
		return errors.New("the state of a dtype is not as numpy writes it")
	}
	d.built = true
	switch fields[1] {
	case "<", "=", "|":
	case ">":
		d.order = binary.BigEndian
	default:
		return errors.New("the byte order of a dtype is none of < > = |")
	}
	for _, part := range fields[2:5] {
		if part != (none{}) {
			d.kind = 'V' // elements of several parts
		}
	}
	return nil
}

func (d *dtype) String() string {
	switch d.kind {
	case 'O':
		return "object"
	case 'U':
		return "U" + strconv.Itoa(d.size/4)
	default:
		return string(rune(d.kind)) + strconv.Itoa(d.size)
	}
}

// element returns one element as a bool, int64, uint64, float32, float64 or string.
func (d *dtype) element(b []byte) (value, error) {
	switch d.kind {
	case 'b':
		if d.size == 1 {
			return b[0] != 0, nil
		}
	case 'f':
		switch d.size {
		case 2:
			return half(d.order.Uint16(b)), nil
		case 4:
			return math.Float32frombits(d.order.Uint32(b)), nil
		case 8:
			return math.Float64frombits(d.order.Uint64(b)), nil
		}
	case 'i', 'u':
		return d.integer(b)
	case 'U':
		return d.text(b)
	}
	return nil, fmt.Errorf("elements of type %s are not read", d)
}

func (d *dtype) integer(b []byte) (value, error) {
	var n uint64
	switch d.size {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(d.order.Uint16(b))
	case 4:
		n = uint64(d.order.Uint32(b))
	case 8:
		n = d.order.Uint64(b)
	default:
		return nil, fmt.Errorf("elements of type %s are not read", d)
	}
	if d.kind == 'u' {
		return n, nil
	}
	unused := 64 - 8*d.size
	return int64(n<<unused) >> unused, nil
}

// text decodes UTF-32 up to the zeros that fill the element.
func (d *dtype) text(b []byte) (value, error) {
	var out []byte
	zeros := 0
	for ; len(b) >= 4; b = b[4:] {
		r := d.order.Uint32(b)
		if r == 0 {
			zeros++
			continue
		}
		if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return nil, fmt.Errorf("0x%x is no character", r)
		}
		for ; zeros > 0; zeros-- {
			out = append(out, 0)
		}
		out = utf8.AppendRune(out, rune(r))
	}
	return string(out), nil
}

// half returns the value of a 16-bit float, which a float32 holds exactly.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		small := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(small))
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	default:
		return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
	}
}
