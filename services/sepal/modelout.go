package main

import (
	"context"
	"crypto/sha256"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// writtenFile is a model file on the disk.
type writtenFile struct {
	path   string
	bytes  int
	digest [sha256.Size]byte
}

// writeModel writes a model file, whole or not at all, in the format of the path's extension.
func writeModel(ctx context.Context, m *modelv1.Model, path string) (writtenFile, error) {
	format, err := native.FormatOf(path)
	if err != nil {
		return writtenFile{}, err
	}
	data, err := native.Encode(m, format)
	if err != nil {
		return writtenFile{}, err
	}
	if err := ctx.Err(); err != nil {
		return writtenFile{}, err
	}
	if err := atomicfile.Write(path, data, 0o644); err != nil {
		return writtenFile{}, err
	}
	return writtenFile{path: path, bytes: len(data), digest: sha256.Sum256(data)}, nil
}
