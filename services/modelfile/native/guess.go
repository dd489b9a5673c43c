package native

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

// guess says what the data look like, for people who took a wrong file.
func guess(data []byte) string {
	head := data[:min(len(data), 64)]
	for _, kind := range foreign {
		if bytes.HasPrefix(data, []byte(kind.magic)) {
			return "it looks like " + kind.name
		}
	}
	switch {
	case len(data) > 1 && data[0] == 0x80 && data[1] <= 5:
		return "it looks like a Python pickle"
	case isONNX(data) || bytes.HasPrefix(data, []byte{0x08}) && bytes.Contains(head, []byte("onnx")):
		return "it looks like an ONNX model"
	case bytes.HasPrefix(data, []byte{0x08, FormatVersion}):
		return "it begins like a Sepal model"
	case isText(head) && bytes.ContainsRune(head, ',') && bytes.ContainsRune(data, '\n'):
		return "it looks like a CSV file"
	default:
		return "expected a .binpb or .json file written by `sepal train`"
	}
}

// isONNX reports whether the data begin as a serialised onnx.ModelProto does: with ir_version,
// then texts, up to a field that is written in another way than Sepal's field of its number, or
// that holds the graph. Nobody writes an ir_version below 3, nor Sepal a format version of it.
func isONNX(data []byte) bool {
	const irVersion, producer, modelVersion, doc, graph, opsets = 1, 2, 5, 6, 7, 8
	if len(data) < 2 || data[0] != irVersion<<3 || data[1] < 3 || data[1] >= 0x80 {
		return false
	}
	for data = data[2:]; ; {
		number, kind, n := protowire.ConsumeTag(data)
		switch {
		case n < 0:
			return false
		case number == modelVersion:
			return kind == protowire.VarintType
		case number == graph || number == opsets:
			return kind == protowire.BytesType
		case number < producer || number > doc || kind != protowire.BytesType:
			return false
		}
		value := protowire.ConsumeFieldValue(number, kind, data[n:])
		if value < 0 {
			return false
		}
		data = data[n+value:]
	}
}

// isText reports whether the bytes hold no control character that text files do not have.
func isText(data []byte) bool {
	return !bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' })
}

// foreign are files that people may take for a model file, by their first bytes.
var foreign = []struct{ magic, name string }{
	{"PK\x03\x04", "a zip archive"},
	{"\x1f\x8b", "a gzip file"},
	{"BZh", "a bzip2 file"},
	{"\xfd7zXZ\x00", "an xz file"},
	{"\x28\xb5\x2f\xfd", "a Zstandard file"},
	{"\xef\xbb\xbf", "text with a byte order mark; save it as UTF-8 without one"},
	{"\xff\xfe", "UTF-16 text; save it as UTF-8"},
	{"\xfe\xff", "UTF-16 text; save it as UTF-8"},
}
