// Package native reads and writes Sepal's own model files: the message
// sepal.model.v1.Model, binary (`.binpb`) or JSON (`.json`).
//
// Reading trusts nothing: a file is decoded, held against the rules that the contract states,
// compiled, and its golden rows are scored, before a model comes out. The package does no
// I/O. Its functions may be called from any number of goroutines.
package native

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// FormatVersion is the version of the format that this package reads and writes.
const FormatVersion = 1

// MaxBytes is the size of the largest file that Decode takes: 64 MiB.
const MaxBytes = 64 << 20

// Format is one of the two encodings of a model file.
type Format int

const (
	// Binary is the Protobuf wire format, `.binpb`.
	Binary Format = iota
	// JSON is Protobuf's JSON, indented, `.json`.
	JSON
)

// FormatOf returns the format that the path's extension stands for.
func FormatOf(path string) (Format, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".binpb":
		return Binary, nil
	case ".json":
		return JSON, nil
	default:
		return 0, fmt.Errorf("%s: the extension of a model file is .binpb or .json, not %q", path, ext)
	}
}

// Encode returns the bytes of a model file. The same message gives the same bytes. A message
// that Decode would refuse is refused; the error is a [*FormatError].
func Encode(m *modelv1.Model, f Format) ([]byte, error) {
	if _, err := Compile(m); err != nil {
		return nil, err
	}
	data, err := marshal(m, f)
	if err != nil {
		return nil, refuse("file", "cannot be written: %s", plain(err))
	}
	if err := checkSize(len(data)); err != nil {
		return nil, err
	}
	return data, nil
}

func marshal(m *modelv1.Model, f Format) ([]byte, error) {
	if f == Binary {
		return proto.MarshalOptions{Deterministic: true}.Marshal(m)
	}
	compact, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	// protojson varies its white space on purpose; indenting settles it.
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func checkSize(size int) error {
	if size > MaxBytes {
		return refuse("file", "has more than the %d bytes that are read", MaxBytes)
	}
	return nil
}

// Decode reads a model file in either format: what begins with "{" is JSON. It returns the
// file's message and the model compiled from it. The error is a [*FormatError].
func Decode(data []byte) (*modelv1.Model, *softmax.Model, error) {
	m, err := unmarshal(data)
	if err != nil {
		return nil, nil, err
	}
	compiled, err := Compile(m)
	if err != nil {
		return nil, nil, err
	}
	return m, compiled, nil
}

func unmarshal(data []byte) (*modelv1.Model, error) {
	if len(data) == 0 {
		return nil, refuse("file", "is empty")
	}
	if err := checkSize(len(data)); err != nil {
		return nil, err
	}
	m := new(modelv1.Model)
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		if err := protojson.Unmarshal(data, m); err != nil {
			return nil, refuse("file", "is not the JSON of a Sepal model, or is cut short: %s", plain(err))
		}
		return m, nil
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, refuse("file", "is no Sepal model, or is damaged or cut short: %s", guess(data))
	}
	if len(m.ProtoReflect().GetUnknown()) > 0 || isONNX(data) {
		return nil, refuse("file", "is no Sepal model, or one of a newer Sepal: %s", guess(data))
	}
	return m, nil
}
