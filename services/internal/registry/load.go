package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// place is where a version's file stands in a registry folder.
type place struct {
	model, version string
	path           string // of the file, or of the folder that has none
	problem        error  // why no file can be told, if so
}

// fileNames are what the file of a version may be called.
var fileNames = []string{"model.binpb", "model.json", "model.onnx", "model.pkl", "model.pickle", "model.joblib"}

// scan lists the versions of a folder laid out as <model>/<version>/model.<extension>. Names
// that begin with a dot are passed over, and so are files that are not where a model file
// stands. A folder in the place of a version that is not named as one is an error: better said
// than silently not served.
func scan(files fs.FS) ([]place, error) {
	models, err := folders(files, ".")
	if err != nil {
		return nil, err
	}
	var places []place
	for _, model := range models {
		if err := native.CheckName(model); err != nil {
			return nil, fmt.Errorf("folder %s: %w", model, err)
		}
		versions, err := folders(files, model)
		if err != nil {
			return nil, err
		}
		for _, version := range versions {
			folder := path.Join(model, version)
			if err := native.CheckVersion(version); err != nil {
				return nil, fmt.Errorf("folder %s: %w", folder, err)
			}
			file, problem := modelFile(files, folder)
			places = append(places, place{model: model, version: version, path: path.Join(folder, file), problem: problem})
		}
	}
	return places, nil
}

func folders(files fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		// The file systems of volumes come with lost+found.
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "lost+found" {
			continue
		}
		// Stat follows links, which is how mounted configuration looks on Kubernetes.
		info, err := fs.Stat(files, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// modelFile returns the name of the model file in a folder.
func modelFile(files fs.FS, folder string) (string, error) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return "", unreadable(err)
	}
	var found []string
	for _, e := range entries {
		if slices.Contains(fileNames, e.Name()) {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("the folder holds none of %s", strings.Join(fileNames, ", "))
	default:
		return "", fmt.Errorf("the folder holds several model files (%s); leave one", strings.Join(found, ", "))
	}
}

// load reads the version and holds it against the names of its folders.
func (p place) load(files fs.FS) (*Version, error) {
	if p.problem != nil {
		return nil, p.problem
	}
	v, err := load(files, p.path, p.model, p.version)
	if err != nil {
		return nil, err
	}
	if v.Model != p.model || v.Version != p.version {
		return nil, fmt.Errorf("the file is %s %s by its own account, but stands in the folder of %s %s", v.Model, v.Version, p.model, p.version)
	}
	return v, nil
}

// load reads a model file. One of another tool, which does not say what it is called, gets the
// model and version given.
func load(files fs.FS, name, model, version string) (*Version, error) {
	data, err := readFile(files, name)
	if err != nil {
		return nil, err
	}
	file, err := modelfile.Decode(data)
	if err != nil {
		return nil, err
	}
	file.Identify(model, version)
	digest := sha256.Sum256(data)
	return &Version{
		Model:    file.Message.GetName(),
		Version:  file.Message.GetVersion(),
		Digest:   hex.EncodeToString(digest[:]),
		Compiled: file.Model,
		File:     file.Message,
	}, nil
}

// ReadFile reads a model file: a regular file, of which at most a byte more is read than a model
// file may have. The error does not name the file.
func ReadFile(path string) ([]byte, error) {
	folder, name := filepath.Split(path)
	return readFile(os.DirFS(cmp.Or(folder, ".")), name)
}

// readFile reads at most one byte more than a model file may have. The error does not name the
// file: the caller knows its whole path.
func readFile(files fs.FS, name string) ([]byte, error) {
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
	data, err := io.ReadAll(io.LimitReader(f, modelfile.MaxBytes+1))
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

func unreadable(err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		err = named.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}
