package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The functions here write the messages of ONNX, as small as tests need them. They share nothing
// with the reader but the numbers of the types.

func msg(number protowire.Number, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), body)
}

func str(number protowire.Number, s string) []byte { return msg(number, []byte(s)) }

func num(number protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(v))
}

func f32(number protowire.Number, v float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, number, protowire.Fixed32Type), math.Float32bits(v))
}

// file is a whole model with the parts of a graph given, for ai.onnx 13 and ai.onnx.ml 1.
func file(parts ...[]byte) []byte { return fileAt(13, parts...) }

func fileAt(version int64, parts ...[]byte) []byte {
	b := append(num(1, 7), str(2, "skl2onnx")...)
	b = append(b, str(3, "1.14")...)
	b = append(b, msg(7, parts...)...)
	b = append(b, msg(8, str(1, "ai.onnx.ml"), num(2, 1))...)
	return append(b, msg(8, num(2, version))...)
}

type list []string

// op is a node of ai.onnx, ml one of ai.onnx.ml; in and out are names.
func op(kind string, in, out list, attributes ...[]byte) []byte {
	return opOf("", kind, in, out, attributes...)
}

func ml(kind string, in, out list, attributes ...[]byte) []byte {
	return opOf("ai.onnx.ml", kind, in, out, attributes...)
}

func opOf(domain, kind string, in, out list, attributes ...[]byte) []byte {
	var body []byte
	for _, name := range in {
		body = append(body, str(1, name)...)
	}
	for _, name := range out {
		body = append(body, str(2, name)...)
	}
	body = append(body, str(4, kind)...)
	for _, a := range attributes {
		body = append(body, a...)
	}
	return msg(1, append(body, str(7, domain)...))
}

func attr(name string, kind int64, values ...[]byte) []byte {
	return msg(5, append([][]byte{str(1, name), num(20, kind)}, values...)...)
}

func aInt(name string, v int64) []byte     { return attr(name, 2, num(3, v)) }
func aFloat(name string, v float32) []byte { return attr(name, 1, f32(2, v)) }
func aText(name, v string) []byte          { return attr(name, 3, str(4, v)) }

func aFloats(name string, values ...float32) []byte {
	var parts [][]byte
	for _, v := range values {
		parts = append(parts, f32(7, v))
	}
	return attr(name, 6, parts...)
}

func aInts(name string, values ...int64) []byte {
	var parts [][]byte
	for _, v := range values {
		parts = append(parts, num(8, v))
	}
	return attr(name, 7, parts...)
}

func aTexts(name string, values ...string) []byte {
	var parts [][]byte
	for _, v := range values {
		parts = append(parts, str(9, v))
	}
	return attr(name, 8, parts...)
}

// in is an input of the graph of so many columns, -1 for an open number.
func in(name string, kind, width int64) []byte {
	dim := msg(1)
	if width >= 0 {
		dim = msg(1, num(1, width))
	}
	return msg(11, str(1, name), msg(2, msg(1, num(1, kind), msg(2, msg(1), dim))))
}

func out(names ...string) []byte {
	var b []byte
	for _, name := range names {
		b = append(b, msg(12, str(1, name))...)
	}
	return b
}

func tensorBody(name string, kind int64, dims []int64, values ...[]byte) []byte {
	var b []byte
	for _, d := range dims {
		b = append(b, num(1, d)...)
	}
	b = append(b, num(2, kind)...)
	b = append(b, str(8, name)...)
	for _, v := range values {
		b = append(b, v...)
	}
	return b
}

// doubles is a float64 constant, as bytes; floats a packed list of float32, ints one of int64.
func doubles(name string, dims []int64, values ...float64) []byte {
	var raw []byte
	for _, v := range values {
		raw = protowire.AppendFixed64(raw, math.Float64bits(v))
	}
	return msg(5, tensorBody(name, 11, dims, msg(9, raw)))
}

func floats(name string, dims []int64, values ...float32) []byte {
	var packed []byte
	for _, v := range values {
		packed = protowire.AppendFixed32(packed, math.Float32bits(v))
	}
	return msg(5, tensorBody(name, 1, dims, msg(4, packed)))
}

func ints(name string, dims []int64, values ...int64) []byte {
	var packed []byte
	for _, v := range values {
		packed = protowire.AppendVarint(packed, uint64(v))
	}
	return msg(5, tensorBody(name, 7, dims, msg(7, packed)))
}

func texts(name string, dims []int64, values ...string) []byte {
	var parts [][]byte
	for _, v := range values {
		parts = append(parts, str(6, v))
	}
	return msg(5, tensorBody(name, 8, dims, parts...))
}

func nan32() float32 { return float32(math.NaN()) }
func inf32() float32 { return float32(math.Inf(1)) }
