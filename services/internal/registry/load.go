package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// place is where a version's file stands in a registry folder.
type place struct {
	model, version string
	file           string
}

// scan lists the versions of a folder laid out as <model>/<version>/model.<extension>. Names
// that begin with a dot are passed over. A folder in the place of a version that is not named
// as one, or has no model file or two, is an error: better said than silently not served.
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
			file, err := modelFile(files, folder)
			if err != nil {
				return nil, err
			}
			places = append(places, place{model: model, version: version, file: file})
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
		if strings.HasPrefix(e.Name(), ".") {
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

func modelFile(files fs.FS, folder string) (string, error) {
	found, err := fs.Glob(files, path.Join(folder, "model.*"))
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("folder %s: holds no model.binpb or model.json", folder)
	default:
		return "", fmt.Errorf("folder %s: holds several model files (%s); leave one", folder, strings.Join(found, ", "))
	}
}

// load reads the version and holds it against the names of its folders.
func (p place) load(files fs.FS) (*Version, error) {
	v, err := load(files, p.file)
	if err != nil {
		return nil, err
	}
	if v.Model != p.model || v.Version != p.version {
		return nil, fmt.Errorf("the file is %s %s by its own account, but stands in the folder of %s %s", v.Model, v.Version, p.model, p.version)
	}
	return v, nil
}

func load(files fs.FS, name string) (*Version, error) {
	data, err := readFile(files, name)
	if err != nil {
		return nil, err
	}
	file, compiled, err := native.Decode(data)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(data)
	return &Version{
		Model:    file.GetName(),
		Version:  file.GetVersion(),
		Digest:   hex.EncodeToString(digest[:]),
		Compiled: compiled,
		File:     file,
	}, nil
}

// readFile reads at most one byte more than a model file may have.
func readFile(files fs.FS, name string) (_ []byte, err error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, native.MaxBytes+1))
}
