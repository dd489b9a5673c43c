// Package registry holds the models that a server serves: which there are, in which versions,
// and which version answers which request.
//
// A [Registry] is a snapshot that never changes: any number of goroutines may use it. A [Live]
// registry reads snapshots from a [Store], follows its changes, and makes some itself.
package registry

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// Registry is a snapshot of the models. Its zero value holds none; see [Open].
type Registry struct {
	models         map[string]*entry
	defaultModel   string
	layoutProblems []error
	// unread is why the store could not be read since.
	unread error
}

// entry is a model. Every version is in exactly one of loaded and broken.
type entry struct {
	name   string
	dir    string // "." where its versions stand at the top of the registry
	loaded map[string]*Version
	broken map[string]*BrokenVersion

	// record is the content of the rollout file, and recordBytes that of the file itself; nil
	// where there is none.
	record      *registryv1.RolloutRecord
	recordBytes []byte
	recordErr   error // why the file cannot be read
	// pinned is the version that the server was told to serve; empty for none.
	pinned string

	// plan is what is followed; nil where no version can answer.
	plan *rollout.Plan
	// notFollowed is why plan is not what the registry says; partly says that it is but for what
	// gets no traffic.
	notFollowed error
	partly      bool
	// unlisted is why the versions are those of before.
	unlisted error
	shadows  map[string][]*Shadow // by the version that answers
}

// Assignment is which version answers a request.
type Assignment struct {
	Version *Version
	// Variant is the variant of the rollout; empty where the request named a version.
	Variant string
	// Shadows are to be compared with the answer. They must not be changed.
	Shadows []*Shadow
}

// Assign returns what answers a request. An empty model is the default one. A version may be a
// label of the rollout; where it is empty, the rollout decides by the subject, or by chance where
// that is empty too. The error is a [*NotFoundError] or a [*UnavailableError].
func (r *Registry) Assign(model, version, subject string) (Assignment, error) {
	e, err := r.entry(model)
	if err != nil {
		return Assignment{}, err
	}
	if version != "" {
		v, err := e.version(version)
		return Assignment{Version: v}, err
	}
	if e.plan == nil {
		return Assignment{}, &UnavailableError{Model: e.name}
	}
	arm := e.plan.Assign(subject)
	return Assignment{Version: e.loaded[arm.Version], Variant: arm.Variant, Shadows: e.shadows[arm.Version]}, nil
}

// Resolve returns a version. An empty model is the default one; a version may be a label, and is
// the stable one where it is empty. The error is a [*NotFoundError] or a [*UnavailableError].
func (r *Registry) Resolve(model, version string) (*Version, error) {
	e, err := r.entry(model)
	if err != nil {
		return nil, err
	}
	if version != "" {
		return e.version(version)
	}
	if e.plan == nil {
		return nil, &UnavailableError{Model: e.name}
	}
	return e.loaded[e.plan.Rollout().GetStable()], nil
}

// Default returns the stable version of the default model; nil if there is none.
func (r *Registry) Default() *Version {
	v, err := r.Resolve("", "")
	if err != nil {
		return nil
	}
	return v
}

func (r *Registry) entry(model string) (*entry, error) {
	if model == "" {
		model = r.defaultModel
	}
	if e, ok := r.models[model]; ok {
		return e, nil
	}
	return nil, &NotFoundError{Model: model, Exist: sortedKeys(r.models)}
}

// version returns the version of that name or label.
func (e *entry) version(name string) (*Version, error) {
	if v, ok := e.loaded[name]; ok {
		return v, nil
	}
	if e.plan != nil {
		if version, ok := e.plan.Label(name); ok {
			return e.loaded[version], nil
		}
	}
	if _, ok := e.broken[name]; ok {
		return nil, &UnavailableError{Model: e.name, Version: name}
	}
	return nil, &NotFoundError{Model: e.name, Version: name, Exist: e.versions(), Labels: e.labels()}
}

// versions returns the loaded versions, the newest first.
func (e *entry) versions() []string { return newestFirst(sortedKeys(e.loaded)) }

func (e *entry) labels() []string {
	if e.plan == nil {
		return nil
	}
	return e.plan.Labels()
}

// follow makes plan what the entry follows; every version that it names is loaded.
func (e *entry) follow(plan *rollout.Plan, agreements *agreements) {
	e.plan = plan
	e.shadows = map[string][]*Shadow{}
	for _, answers := range answering(plan.Rollout()) {
		if e.shadows[answers] != nil {
			continue // several variants may be of one version
		}
		for _, name := range plan.Shadows() {
			if name != answers {
				e.shadows[answers] = append(e.shadows[answers], agreements.shadow(e.loaded[name], e.loaded[answers]))
			}
		}
	}
}

// answering returns the versions that requests get without naming them.
func answering(r *registryv1.Rollout) []string {
	versions := []string{r.GetStable()}
	for _, v := range r.GetVariants() {
		if v.GetWeight() > 0 {
			versions = append(versions, v.GetVersion())
		}
	}
	return versions
}

// missing returns the first version that the plan names and that is not loaded.
func (e *entry) missing(plan *rollout.Plan) (version string, missing bool) {
	for _, v := range plan.Versions() {
		if e.loaded[v] == nil {
			return v, true
		}
	}
	return "", false
}

// newestFirst sorts by precedence. Versions that differ in their build metadata only have the
// same; those are in alphabetical order, backwards.
func newestFirst(versions []string) []string {
	slices.SortFunc(versions, func(a, b string) int {
		return cmp.Or(semver.Compare(b, a), strings.Compare(b, a))
	})
	return versions
}

// newestRelease returns the first version that is no pre-release, or the first; the versions
// stand newest first. It returns "" where there is none.
func newestRelease(versions []string) string {
	for _, v := range versions {
		if semver.Prerelease(v) == "" {
			return v
		}
	}
	if len(versions) == 0 {
		return ""
	}
	return versions[0]
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
