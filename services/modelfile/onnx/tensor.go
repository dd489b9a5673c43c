package onnx

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

func (r *reader) tensor(data field) (*tensor, error) {
	t := &tensor{}
	outside := false
	err := data.each("a constant", func(f field) error {
		switch f.number {
		case 1:
			return f.addInts(r, &t.dims)
		case 2:
			return f.int32(&t.kind)
		case 4:
			return f.addFloats(&t.floats)
		case 5, 7:
			return f.addInts(r, &t.ints)
		case 6:
			return f.addText(r, &t.strings)
		case 8:
			return f.text(&t.name)
		case 9:
			t.raw = f.bytes
			return f.want(protowire.BytesType)
		case 10:
			return f.addDoubles(&t.doubles)
		case 13:
			outside = true
			return nil
		case 14:
			outside = outside || f.bits != 0
			return nil
		default:
			return nil
		}
	})
	switch {
	case err != nil:
		return nil, err
	case outside:
		return nil, unsupported(adviseOneFile, "the values of the constant %s are in another file", quote(t.name))
	}
	if err := count(&r.tensors, maxTensors, "constants"); err != nil {
		return nil, err
	}
	return t, t.check()
}

// check tells whether the tensor has as many values as its dimensions say.
func (t *tensor) check() error {
	if len(t.dims) > maxRank {
		return malformed("the constant %s has %d dimensions, expected at most %d", quote(t.name), len(t.dims), maxRank)
	}
	want, empty := int64(1), false
	for _, d := range t.dims {
		if d < 0 || d > math.MaxInt32 {
			return malformed("the constant %s has a dimension of %d, expected at most %d", quote(t.name), d, math.MaxInt32)
		}
		if empty = empty || d == 0; empty {
			want = 0
			continue
		}
		if want > math.MaxInt64/d {
			return malformed("the constant %s has dimensions whose product is too large", quote(t.name))
		}
		want *= d
	}
	got, err := t.count()
	if err != nil {
		return err
	}
	if got != want {
		return malformed("the constant %s has %d values, expected %d by its dimensions", quote(t.name), got, want)
	}
	return nil
}

// count returns how many values there are.
func (t *tensor) count() (int64, error) {
	var size, listed int
	switch t.kind {
	case typeFloat:
		size, listed = 4, len(t.floats)
	case typeDouble:
		size, listed = 8, len(t.doubles)
	case typeInt32:
		size, listed = 4, len(t.ints)
	case typeInt64:
		size, listed = 8, len(t.ints)
	case typeBool:
		size, listed = 1, len(t.ints)
	case typeString:
		return int64(len(t.strings)), nil
	default:
		return 0, unsupported("convert with inputs of float32 or float64",
			"the constant %s holds values of the ONNX type %d", quote(t.name), t.kind)
	}
	if len(t.raw) == 0 {
		return int64(listed), nil
	}
	if listed > 0 || len(t.raw)%size != 0 {
		return 0, malformed("the constant %s has %d bytes, expected values of %d bytes each", quote(t.name), len(t.raw), size)
	}
	return int64(len(t.raw) / size), nil
}

// len returns the number of values of a tensor that check passed.
func (t *tensor) len() int {
	n := 1
	for _, d := range t.dims {
		n *= int(d)
	}
	return n
}

// numbers returns the values as float64, which is exact but for whole numbers of more than 53
// bits; false if they are no numbers.
func (t *tensor) numbers() ([]float64, bool) {
	if t.kind == typeString {
		return nil, false
	}
	values := make([]float64, t.len())
	for i := range values {
		switch {
		case t.kind == typeFloat && len(t.raw) > 0:
			values[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(t.raw[4*i:])))
		case t.kind == typeFloat:
			values[i] = float64(t.floats[i])
		case t.kind == typeDouble && len(t.raw) > 0:
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.raw[8*i:]))
		case t.kind == typeDouble:
			values[i] = t.doubles[i]
		default:
			values[i] = float64(t.integer(i))
		}
	}
	return values, true
}

// integer returns value i of a tensor of whole numbers or truth values.
func (t *tensor) integer(i int) int64 {
	switch {
	case len(t.raw) == 0:
		return t.ints[i]
	case t.kind == typeInt32:
		return int64(int32(binary.LittleEndian.Uint32(t.raw[4*i:])))
	case t.kind == typeBool:
		return int64(t.raw[i])
	default:
		return int64(binary.LittleEndian.Uint64(t.raw[8*i:]))
	}
}

// integers returns the values; false if they are no whole numbers.
func (t *tensor) integers() ([]int64, bool) {
	if t.kind != typeInt32 && t.kind != typeInt64 && t.kind != typeBool {
		return nil, false
	}
	values := make([]int64, t.len())
	for i := range values {
		values[i] = t.integer(i)
	}
	return values, true
}

// names returns the values as names of classes; false if they are neither strings nor whole
// numbers.
func (t *tensor) names() ([]string, bool) {
	if t.kind == typeString {
		return t.strings, true
	}
	values, ok := t.integers()
	return decimals(values), ok
}

func decimals(values []int64) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.FormatInt(v, 10)
	}
	return texts
}
