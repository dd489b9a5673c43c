package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/semver"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// Options say which registry to open and what it serves by default. The zero value is the
// built-in registry with the iris model.
type Options struct {
	// Path is a model file of any format that package modelfile reads, or a folder laid out as
	// <model>/<version>/model.<extension>. Empty: the built-in registry.
	Path string
	// Version is the version that the default model serves; for a single file, the version
	// to call it. Empty: the newest, a pre-release such as v2.0.0-rc.1 only where there is no
	// release; for a single file, the version that the file states.
	Version string
	// DefaultModel is the model that answers when a request names none. Empty: the only one.
	DefaultModel string
}

// Open reads every version that there is and checks it. A version that cannot be loaded is
// reported by [Registry.Broken]; but where it is one that a model serves by default, opening
// fails. The error is one line that says what is wrong, where, and what to do.
func Open(o Options) (*Registry, error) {
	if o.Path == "" {
		return openFolder(builtin(), "built-in", o)
	}
	info, err := os.Stat(o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such model file or registry folder; %s", o.Path, pathRemedy)
	case err != nil:
		return nil, fmt.Errorf("%s: the model file or registry folder %w; %s", o.Path, unreadable(err), pathRemedy)
	case info.IsDir():
		return openFolder(os.DirFS(o.Path), o.Path, o)
	default:
		return openFile(o)
	}
}

// defaultVersion is what a single file of another tool is called, unless a version is asked for.
const defaultVersion = "v1.0.0"

func openFile(o Options) (*Registry, error) {
	folder, name := filepath.Split(o.Path)
	if folder == "" {
		folder = "."
	}
	v, err := load(os.DirFS(folder), name, native.NameOf(name), defaultVersion)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", o.Path, err, remedy)
	}
	if o.Version != "" {
		if err := native.CheckVersion(o.Version); err != nil {
			return nil, fmt.Errorf("%w (MODEL_VERSION)", err)
		}
		v.Version = o.Version
	}
	r := &Registry{models: map[string]*entry{
		v.Model: {stable: v.Version, loaded: map[string]*Version{v.Version: v}},
	}}
	if err := r.setDefault(o.DefaultModel, o.Path); err != nil {
		return nil, err
	}
	return r, nil
}

// What to do, for whoever gave the path: as the variable or as an argument.
const (
	remedy       = "write one with `sepal train`, or give no model path (MODEL_PATH) for the built-in iris model"
	pathRemedy   = "expected the path of one (MODEL_PATH), or none for the built-in iris model"
	layoutRemedy = "a model path (MODEL_PATH) is a model file, or a folder that holds only <model>/<version>/model.binpb (or model.json)"
)

func openFolder(files fs.FS, path string, o Options) (*Registry, error) {
	places, err := scan(files)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", path, err, layoutRemedy)
	}
	r := &Registry{models: map[string]*entry{}}
	for _, p := range places {
		e := r.models[p.model]
		if e == nil {
			e = &entry{loaded: map[string]*Version{}, broken: map[string]error{}}
			r.models[p.model] = e
		}
		v, err := p.load(files)
		if err != nil {
			e.broken[p.version] = fmt.Errorf("%s: %w", filepath.Join(path, filepath.FromSlash(p.path)), err)
			continue
		}
		e.loaded[p.version] = v
	}
	if len(r.models) == 0 {
		return nil, fmt.Errorf("%s: holds no model; expected <model>/<version>/model.binpb (or model.json) in it, such as iris/v1.0.0/model.binpb: %s", path, remedy)
	}
	if err := r.setDefault(o.DefaultModel, path); err != nil {
		return nil, err
	}
	if err := r.setStable(o.Version, path); err != nil {
		return nil, err
	}
	return r, nil
}

// setDefault settles which model answers when a request names none.
func (r *Registry) setDefault(model, path string) error {
	names := sortedKeys(r.models)
	switch {
	case model == "" && len(names) > 1:
		return fmt.Errorf("%s: holds several models (%s); name the default one (SEPAL_DEFAULT_MODEL)", path, some(names))
	case model == "":
		model = names[0]
	case r.models[model] == nil:
		return fmt.Errorf("%s: holds no model %q (SEPAL_DEFAULT_MODEL); it holds: %s", path, model, some(names))
	}
	r.defaultModel = model
	return nil
}

// setStable settles which version each model serves by default: the newest release, but for
// the default model the version asked for.
func (r *Registry) setStable(version, path string) error {
	for _, name := range sortedKeys(r.models) {
		e := r.models[name]
		all := newestFirst(append(sortedKeys(e.loaded), sortedKeys(e.broken)...))
		e.stable = newestRelease(all)
		remedy := "repair or remove it"
		if name == r.defaultModel {
			remedy += ", or take another version (MODEL_VERSION)"
			if version != "" {
				e.stable = version
			}
		}
		if err, broken := e.broken[e.stable]; broken {
			return fmt.Errorf("%w; %s", err, remedy)
		}
		if e.loaded[e.stable] == nil {
			return fmt.Errorf("%s: model %q has no version %q (MODEL_VERSION); it has: %s", path, name, version, some(all))
		}
	}
	return nil
}

// newestRelease returns the first version that is no pre-release, or the first; the versions
// stand newest first.
func newestRelease(versions []string) string {
	for _, v := range versions {
		if semver.Prerelease(v) == "" {
			return v
		}
	}
	return versions[0]
}
