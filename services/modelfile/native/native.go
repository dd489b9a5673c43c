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

// MaxBytes is the size of the largest file that Decode takes: 256 MiB.
const MaxBytes = 256 << 20

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
// that Decode would refuse is refused, with the same error.
func Encode(m *modelv1.Model, f Format) ([]byte, error) {
	if _, err := Compile(m); err != nil {
		return nil, err
	}
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
	switch {
	case len(data) == 0:
		return nil, refuse("file", "is empty")
	case len(data) > MaxBytes:
		return nil, refuse("file", "has %d bytes, at most %d are read", len(data), MaxBytes)
	}
	m := new(modelv1.Model)
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && text[0] == '{' {
		if err := protojson.Unmarshal(text, m); err != nil {
			return nil, refuse("file", "is not the JSON of a Sepal model, or is cut short: %s", plain(err))
		}
		return m, nil
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, refuse("file", "is no Sepal model, or is damaged or cut short: %s", guess(data))
	}
	if len(m.ProtoReflect().GetUnknown()) > 0 {
		return nil, refuse("file", "is no Sepal model, or one of a newer Sepal: %s", guess(data))
	}
	return m, nil
}

// plain returns the text of an error of the protobuf module without its prefix, whose space
// varies between builds.
func plain(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}

// guess says what the data look like, for people who took a wrong file.
func guess(data []byte) string {
	switch {
	case data[0] == 0x80 && len(data) > 1 && data[1] <= 5:
		return "it looks like a Python pickle"
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return "it looks like a zip archive"
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return "it looks like a gzip file"
	case data[0] == 0x08 && len(data) > 1 && data[1] == FormatVersion:
		return "it begins like a Sepal model"
	case bytes.Contains(data[:min(len(data), 64)], []byte(",")) && bytes.ContainsRune(data, '\n'):
		return "it looks like a CSV file"
	default:
		return "expected a .binpb or .json file written by `sepal train`"
	}
}
