package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// rolloutFile is the name of the file beside a model's versions that says which of them answers.
const rolloutFile = "rollout.json"

// layout is what stands where in a registry.
type layout struct {
	models []modelPlace
	// problems are folders that are not where, or not called what, they should be.
	problems []error
	known    func(dir, version string) (path string, ok bool)
}

// modelPlace is a model's part of a registry.
type modelPlace struct {
	name     string // empty in the flat layout: the files say
	dir      string // "." in the flat layout
	versions []versionPlace
	err      error // why it cannot be listed
}

// versionPlace is where a version's file stands.
type versionPlace struct {
	version string
	path    string // of the file, or of the folder that has none
	problem error  // why no file can be told, if so
	// unchanged says that the file is the one that was read before.
	unchanged bool
}

// fileNames are what the file of a version may be called.
var fileNames = []string{"model.binpb", "model.json", "model.onnx", "model.pkl", "model.pickle", "model.joblib"}

// scan lists the versions of a registry laid out as <model>/<version>/model.<extension>, or, of
// one model, <version>/model.<extension>. Names that begin with a dot are passed over, and so
// are files that are not where a model file stands. A folder in the place of a version that is
// not named as one is a problem: better said than silently not served.
//
// known tells of a version whose file was read before and is still the same: its folder need not
// be looked into.
func scan(files fs.FS, known func(dir, version string) (path string, ok bool)) (*layout, error) {
	l := &layout{known: known}
	top, err := l.folders(files, ".")
	if err != nil {
		return nil, err
	}
	flat := modelPlace{dir: "."}
	for _, name := range top {
		switch {
		case native.CheckVersion(name) == nil && holdsModelFile(files, name):
			flat.versions = append(flat.versions, l.versionAt(files, ".", name))
		case native.CheckName(name) != nil:
			l.problem(fmt.Errorf("folder %s: %w", name, native.CheckName(name)))
		default:
			l.add(scanModel(files, name, l))
		}
	}
	if len(flat.versions) > 0 {
		if len(l.models) > 0 {
			l.problem(fmt.Errorf("folder %s is a version, and folder %s a model; a registry has one of them at its top", flat.versions[0].version, l.models[0].name))
			return l, nil
		}
		l.add(flat)
	}
	return l, nil
}

func (l *layout) problem(err error) { l.problems = append(l.problems, err) }

func (l *layout) add(m modelPlace) {
	if len(m.versions) > 0 || m.err != nil {
		l.models = append(l.models, m)
	}
}

func scanModel(files fs.FS, name string, l *layout) modelPlace {
	m := modelPlace{name: name, dir: name}
	names, err := l.folders(files, name)
	if err != nil {
		m.err = err
		l.problem(err)
		return m
	}
	for _, version := range names {
		if err := native.CheckVersion(version); err != nil {
			l.problem(fmt.Errorf("folder %s: %w", path.Join(name, version), err))
			continue
		}
		m.versions = append(m.versions, l.versionAt(files, name, version))
	}
	return m
}

func (l *layout) versionAt(files fs.FS, dir, version string) versionPlace {
	if at, ok := l.known(dir, version); ok {
		return versionPlace{version: version, path: at, unchanged: true}
	}
	folder := path.Join(dir, version)
	file, problem := modelFile(files, folder)
	return versionPlace{version: version, path: path.Join(folder, file), problem: problem}
}

// folders returns the names of the folders in dir. One of which cannot be told whether it is one,
// such as a link that leads nowhere, is a problem of its own.
func (l *layout) folders(files fs.FS, dir string) ([]string, error) {
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
		if e.IsDir() {
			names = append(names, e.Name())
			continue
		}
		// Stat follows links, which is how mounted configuration looks on Kubernetes.
		info, err := fs.Stat(files, path.Join(dir, e.Name()))
		if err != nil {
			l.problem(err)
			continue
		}
		if info.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func holdsModelFile(files fs.FS, folder string) bool {
	found, err := modelFiles(files, folder)
	return err == nil && len(found) > 0
}

func modelFiles(files fs.FS, folder string) ([]string, error) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if slices.Contains(fileNames, e.Name()) {
			found = append(found, e.Name())
		}
	}
	return found, nil
}

// modelFile returns the name of the model file in a folder.
func modelFile(files fs.FS, folder string) (string, error) {
	found, err := modelFiles(files, folder)
	if err != nil {
		return "", unreadable(err)
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

// readRollout returns the content of a model's rollout file; nil where there is none.
func readRollout(files fs.FS, dir string) ([]byte, error) {
	data, err := readFile(files, path.Join(dir, rolloutFile), maxRolloutBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
