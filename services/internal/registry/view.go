package registry

import (
	"slices"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// Model is what a snapshot knows of one model. It must not be changed.
type Model struct {
	// Name is the name.
	Name string
	// Default says whether it answers requests that name no model.
	Default bool
	// Loaded are the versions that can answer, the newest first; Broken those that cannot.
	Loaded []*Version
	Broken []*BrokenVersion
	// Rollout is what is followed, with the etag of what the registry says. It has no stable
	// version where none can answer and nobody set one.
	Rollout *registryv1.Rollout
	// Events are the changes, the oldest first.
	Events []*registryv1.RolloutEvent
	// NotFollowed is why what is followed is not what the registry says; nil where it is.
	NotFollowed error
	// Problems are what of the registry is not in force, and why; the default model tells those of
	// the registry as a whole, too.
	Problems []string
}

// Models returns the names of the models, sorted.
func (r *Registry) Models() []string { return sortedKeys(r.models) }

// Model returns what is known of a model; an empty name is the default one. The error is a
// [*NotFoundError].
func (r *Registry) Model(name string) (*Model, error) {
	e, err := r.entry(name)
	if err != nil {
		return nil, err
	}
	m := &Model{
		Name:        e.name,
		Default:     e.name == r.defaultModel,
		Rollout:     e.rollout(),
		Events:      e.record.GetEvents(),
		NotFollowed: e.notFollowed,
		Problems:    e.problems(),
	}
	if m.Default {
		m.Problems = append(r.ownProblems(), m.Problems...)
	}
	for _, version := range e.versions() {
		m.Loaded = append(m.Loaded, e.loaded[version])
	}
	for _, version := range newestFirst(sortedKeys(e.broken)) {
		m.Broken = append(m.Broken, e.broken[version])
	}
	return m, nil
}

// rollout returns what the entry follows, as the contract shows it.
func (e *entry) rollout() *registryv1.Rollout {
	var shown *registryv1.Rollout
	switch {
	case e.pinned != "" && e.record != nil:
		shown = e.record.GetRollout()
	case e.plan != nil:
		shown = e.plan.Rollout()
	case e.record != nil:
		shown = e.record.GetRollout()
	default:
		shown = &registryv1.Rollout{Model: e.name, Seed: e.name}
	}
	shown = proto.CloneOf(shown)
	shown.Pinned = e.pinned
	shown.Etag = rollout.Etag(e.record.GetRollout())
	return shown
}

func (e *entry) problems() []string {
	var all []string
	for _, err := range []error{e.unlisted, e.notFollowed} {
		if err != nil {
			all = append(all, err.Error())
		}
	}
	for _, version := range e.versions() {
		if problem := e.loaded[version].Problem; problem != "" {
			all = append(all, problem)
		}
	}
	return all
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
			all = append(all, e.broken[version].Err)
		}
	}
	return all
}

// Problems returns what of the registry is not in force, and why, but for the versions that
// could not be loaded. Each is one line.
func (r *Registry) Problems() []string {
	all := r.ownProblems()
	for _, name := range sortedKeys(r.models) {
		all = append(all, r.models[name].problems()...)
	}
	return all
}

// ownProblems are those of the registry as a whole.
func (r *Registry) ownProblems() []string {
	var all []string
	if r.unread != nil {
		all = append(all, r.unread.Error())
	}
	for _, err := range r.layoutProblems {
		all = append(all, err.Error())
	}
	return all
}

// same reports whether r and other serve and say the same.
func (r *Registry) same(other *Registry) bool {
	if len(r.models) != len(other.models) || r.defaultModel != other.defaultModel || !slices.Equal(r.Problems(), other.Problems()) {
		return false
	}
	for name, e := range r.models {
		o := other.models[name]
		if o == nil || !equalMaps(e.loaded, o.loaded) || !equalMaps(e.broken, o.broken) ||
			e.record != o.record && !proto.Equal(e.record, o.record) || !proto.Equal(e.rollout(), o.rollout()) {
			return false
		}
	}
	return true
}

func equalMaps[V comparable](a, b map[string]V) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if b[key] != value {
			return false
		}
	}
	return true
}
