package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
)

// readSchema returns the signature of --schema, the JSON of a sepal.model.v1.Signature; nil if the
// flag is not given.
func (c *trainCmd) readSchema() (*softmax.Signature, error) {
	if c.Schema == "" {
		return nil, nil
	}
	data, err := readAtMost(c.Schema, maxSchemaBytes)
	if err != nil {
		return nil, fmt.Errorf("--schema: %w (--write-schema writes one)", err)
	}
	message := new(modelv1.Signature)
	if err := protojson.Unmarshal(data, message); err != nil {
		text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
		return nil, fmt.Errorf("--schema: %s is not the JSON of a signature: %s", c.Schema, text)
	}
	schema, err := compileSignature(message)
	if err != nil {
		return nil, fmt.Errorf("--schema: %s: %w", c.Schema, err)
	}
	return schema, nil
}

// maxSchemaBytes is the size of the largest schema: a wide table with long categories has some MiB.
const maxSchemaBytes = 256 << 20

// readAtMost reads a file, which may be a device that has no end.
func readAtMost(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return data, err
}

// compileSignature makes the signature that a message describes, by way of a model that knows
// nothing.
func compileSignature(s *modelv1.Signature) (*softmax.Signature, error) {
	width := 0
	for _, f := range s.GetFeatures() {
		width += max(1, len(f.GetCategorical().GetCategories()))
	}
	m, err := native.Compile(&modelv1.Model{
		FormatVersion: native.FormatVersion, Name: "schema", Version: "v1.0.0", Signature: s,
		Classes: []string{"a", "b"}, Weights: make([]float64, 2*width), Intercepts: make([]float64, 2),
	})
	var format *native.FormatError
	if errors.As(err, &format) {
		return nil, fmt.Errorf("%s: %s", strings.TrimPrefix(format.Field, "signature."), format.Problem)
	}
	if err != nil {
		return nil, err
	}
	return m.Signature(), nil
}

// writeSchema writes a signature for readSchema to read.
func writeSchema(ctx context.Context, path string, s *softmax.Signature) error {
	m, err := softmax.NewModel(softmax.Definition{
		Signature: s, Classes: []string{"a", "b"}, Weights: make([]float64, 2*s.Width()), Intercepts: make([]float64, 2),
	})
	if err != nil {
		return err
	}
	data, err := protojson.Marshal(native.Define(m).GetSignature())
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	if err := ctx.Err(); err != nil {
		return err
	}
	return atomicfile.Write(path, out.Bytes(), 0o644)
}
