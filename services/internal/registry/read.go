package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile"
)

const maxRolloutBytes = rollout.MaxRecordBytes

// ReadFile reads a model file: a regular file, of which at most a byte more is read than a model
// file may have. The error does not name the file.
func ReadFile(path string) ([]byte, error) {
	folder, name := filepath.Split(path)
	return readFile(os.DirFS(cmp.Or(folder, ".")), name, modelfile.MaxBytes)
}

// readFile reads at most one byte more than limit. The error does not name the file: the caller
// knows its whole path.
func readFile(files fs.FS, name string, limit int64) ([]byte, error) {
	// Before it is opened: the opening of a named pipe waits for somebody to write.
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, unreadable(err)
	}
	if mode := info.Mode(); !mode.IsRegular() {
		return nil, fmt.Errorf("is no regular file, but %s", kindOf(mode))
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }() // Nothing was written that closing could lose.
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, unreadable(err)
	}
	return data, nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

// load reads the model file at path: content, digest, decoding, golden rows, and a first
// prediction. One of another tool, which does not say what it is called, gets the model and
// version given. A panic is an error that wraps a [*crash.PanicError].
func load(files fs.FS, path, model, version string) (v *Version, err error) {
	if panicked := crash.Contain(func() { v, err = loadFile(files, path, model, version) }); panicked != nil {
		return nil, fmt.Errorf("reading the file failed by a fault of the program, not of yours: %w", panicked)
	}
	return v, err
}

func loadFile(files fs.FS, path, model, version string) (*Version, error) {
	mark, err := markOf(files, path)
	if err != nil {
		return nil, unreadable(err)
	}
	data, err := readFile(files, path, modelfile.MaxBytes)
	if err != nil {
		return nil, err
	}
	v, err := decode(data, model, version)
	if err != nil {
		return nil, err
	}
	v.Modified, v.path, v.mark = mark.modified, path, mark
	return v, nil
}

func decode(data []byte, model, version string) (*Version, error) {
	file, err := modelfile.Decode(data)
	if err != nil {
		return nil, err
	}
	file.Identify(model, version)
	return versionOf(file, data), nil
}

// versionOf returns the version that a file is, warmed.
func versionOf(file *modelfile.File, data []byte) *Version {
	v := &Version{
		Model:    file.Message.GetName(),
		Version:  file.Message.GetVersion(),
		Digest:   digestOf(data),
		Compiled: file.Model,
		File:     file.Message,
		Size:     int64(len(data)),
	}
	v.warm()
	return v
}

func digestOf(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

// warm makes the first prediction, so that no request pays for memory that was never touched.
func (v *Version) warm() {
	row := make([]float64, v.Compiled.Signature().Len())
	// What it predicts, or that zeros overflow it, is of no interest.
	_, _ = v.Compiled.Predict(make([]float64, v.Compiled.NumClasses()), row)
}
