// Package registry holds the models that a server serves: which there are, in which versions,
// and which version answers when a request names none.
//
// A [Registry] is read once, whole, and never changes: any number of goroutines may use it.
package registry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// Version is one version of a model, loaded and checked.
type Version struct {
	// Model and Version are its names, such as "iris" and "v1.0.0".
	Model, Version string
	// Digest is the SHA-256 digest of the model file, in lower-case hexadecimal.
	Digest string
	// Compiled is the model, ready to predict.
	Compiled *softmax.Model
	// File is the message that the file holds. It must not be changed.
	File *modelv1.Model
}

// Registry is a set of models. Its zero value holds none; see [Open].
type Registry struct {
	models       map[string]*entry
	defaultModel string
}

// entry is a model. Every version is in exactly one of loaded and broken.
type entry struct {
	stable string
	loaded map[string]*Version
	broken map[string]error
}

// Default returns the version that answers when a request names neither model nor version; nil
// if the registry is a zero value.
func (r *Registry) Default() *Version {
	v, err := r.Resolve("", "")
	if err != nil {
		return nil
	}
	return v
}

// Resolve returns the version that a request asks for. An empty model is the default one, an
// empty version the one that the model serves by default. The error is a [*NotFoundError] or a
// [*UnavailableError].
func (r *Registry) Resolve(model, version string) (*Version, error) {
	if model == "" {
		model = r.defaultModel
	}
	e, ok := r.models[model]
	if !ok {
		return nil, &NotFoundError{Model: model, Exist: sortedKeys(r.models)}
	}
	if version == "" {
		version = e.stable
	}
	if v, ok := e.loaded[version]; ok {
		return v, nil
	}
	if _, ok := e.broken[version]; ok {
		return nil, &UnavailableError{Model: model, Version: version}
	}
	return nil, &NotFoundError{Model: model, Version: version, Exist: e.versions()}
}

// Versions returns the loaded versions of all models, by name, the newest version first.
func (r *Registry) Versions() []*Version {
	var all []*Version
	for _, name := range sortedKeys(r.models) {
		e := r.models[name]
		for _, version := range e.versions() {
			all = append(all, e.loaded[version])
		}
	}
	return all
}

// Broken returns why versions could not be loaded, one error per version.
func (r *Registry) Broken() []error {
	var all []error
	for _, name := range sortedKeys(r.models) {
		e := r.models[name]
		for _, version := range sortedKeys(e.broken) {
			all = append(all, e.broken[version])
		}
	}
	return all
}

// versions returns the loaded versions, the newest first.
func (e *entry) versions() []string { return newestFirst(sortedKeys(e.loaded)) }

// newestFirst sorts by precedence. Versions that differ in their build metadata only have the
// same; those are in alphabetical order, backwards.
func newestFirst(versions []string) []string {
	slices.SortFunc(versions, func(a, b string) int {
		return cmp.Or(semver.Compare(b, a), strings.Compare(b, a))
	})
	return versions
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// NotFoundError says that there is no such model, or no such version of it.
type NotFoundError struct {
	Model string
	// Version is empty when the model itself is unknown.
	Version string
	// Exist names the models, or the versions of the model, that there are.
	Exist []string
}

func (e *NotFoundError) Error() string {
	// What a client asks for may be of any length.
	if e.Version == "" {
		return fmt.Sprintf("there is no model %.80q; there are: %s", e.Model, some(e.Exist))
	}
	return fmt.Sprintf("model %q has no version %.80q; it has: %s", e.Model, e.Version, some(e.Exist))
}

// some joins names, of many the first few.
func some(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// UnavailableError says that a version exists but could not be loaded.
type UnavailableError struct {
	Model, Version string
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("version %q of model %q could not be loaded; the server's log says why", e.Version, e.Model)
}
