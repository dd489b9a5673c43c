package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile"
)

// recordAttempts is how often a publication is tried to be put on record while others change the
// same rollout.
const recordAttempts = 20

// Publication is a version that was published.
type Publication struct {
	Version *Version
	Event   *registryv1.RolloutEvent
}

// Publish adds a version to the store, loaded but without traffic, unless it is the first of its
// model. The file is a native model file. One whose signature breaks the stable version's is
// refused unless forced. The errors are an [*InvalidFileError], an [*ExistsError], a
// [*BreakError], a [*rollout.InvalidError], a [*RequestIDError], [ErrReadOnly], or of the store.
func (l *Live) Publish(ctx context.Context, file []byte, force bool, c rollout.Change) (*Publication, error) {
	if err := l.readOnly(); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	v, name, err := publishable(file)
	if err != nil {
		return nil, err
	}
	if err := l.writing.take(ctx); err != nil {
		return nil, l.waitError(err)
	}
	defer l.writing.give()
	if _, err := l.Reload(ctx); err != nil {
		return nil, err
	}
	e, err := l.entryFor(v.Model)
	if err != nil {
		return nil, err
	}
	if e.unlisted != nil {
		return nil, &StoreError{Place: l.Place(), Err: e.unlisted}
	}
	now, old, err := l.record(ctx, e)
	if err != nil {
		return nil, err
	}
	if event := rollout.Repeated(now, c.RequestID); event != nil {
		if event.GetVersion() != v.Version || event.GetDigest() != v.Digest {
			return nil, &RequestIDError{RequestID: c.RequestID, Summary: event.GetSummary()}
		}
		return &Publication{Version: v, Event: event}, nil
	}
	there := e.loaded[v.Version]
	// A file that is there and not on record is of a publication that was cut short.
	unrecorded := there != nil && there.Digest == v.Digest && publishedDigest(now, v.Version) == ""
	if (there != nil || e.broken[v.Version] != nil) && !unrecorded {
		return nil, &ExistsError{Model: v.Model, Version: v.Version}
	}
	p, err := l.admit(e, now, v, force)
	if err != nil {
		return nil, err
	}
	if old == nil && now.GetRollout() != nil {
		// Before the version can be seen: else the newest release would answer, which is it.
		if _, err := l.replace(ctx, e, nil, now); err != nil {
			return nil, err
		}
	}
	if !unrecorded {
		at := path.Join(e.dir, v.Version, name)
		if err := done(ctx, func() error { return l.store.Create(ctx, at, file) }); err != nil {
			return nil, l.createError(at, v, err)
		}
	}
	return l.putOnRecord(ctx, e, v, p, c)
}

// admit refuses a version that would be a second model without a default, or that breaks the stable
// version's signature, unless it is forced.
func (l *Live) admit(e *entry, now *registryv1.RolloutRecord, v *Version, force bool) (rollout.Publication, error) {
	p := rollout.Publication{Version: v.Version, Digest: v.Digest}
	if err := l.secondModel(e); err != nil && !force {
		return p, err
	}
	stable := e.loaded[now.GetRollout().GetStable()]
	if stable == nil || stable.Version == v.Version {
		return p, nil
	}
	p.Breaks = Breaks(stable, v)
	p.Forced = len(p.Breaks) > 0
	if p.Forced && !force {
		return p, &BreakError{Model: v.Model, Version: v.Version, Stable: stable.Version, Breaks: p.Breaks}
	}
	return p, nil
}

// putOnRecord records the publication of a version whose file is there, and loads it.
func (l *Live) putOnRecord(ctx context.Context, e *entry, v *Version, p rollout.Publication, c rollout.Change) (*Publication, error) {
	event, err := l.recordPublication(ctx, e, v, p, c)
	if err != nil {
		return nil, fmt.Errorf("%s %s is published, but its publication could not be put on record: %w", v.Model, v.Version, err)
	}
	if _, err := l.Reload(ctx); err != nil {
		return nil, err
	}
	published, err := l.Current().Resolve(v.Model, v.Version)
	if err != nil {
		return nil, err
	}
	return &Publication{Version: published, Event: event}, nil
}

// publishable returns the version that a file holds, and what the file is to be called.
func publishable(file []byte) (v *Version, name string, err error) {
	decoded, err := modelfile.Decode(file)
	if err != nil {
		return nil, "", &InvalidFileError{Reason: err.Error()}
	}
	if decoded.Origin != nil {
		return nil, "", &InvalidFileError{Reason: fmt.Sprintf(
			"the file is of another tool (%s) and does not say which model and version it is; import it first (sepal models import)", decoded.Origin.Format)}
	}
	v = versionOf(decoded, file)
	if file[0] == '{' {
		return v, "model.json", nil
	}
	return v, "model.binpb", nil
}

// entryFor returns the entry of a model, or one for a model that there is not yet.
func (l *Live) entryFor(model string) (*entry, error) {
	r := l.Current()
	if e := r.models[model]; e != nil {
		return e, nil
	}
	for _, e := range r.models {
		if e.dir == "." {
			return nil, &InvalidFileError{Reason: fmt.Sprintf(
				"the registry has the versions of model %q at its top, and can hold no model %q beside it; move them into a folder %s", e.name, model, e.name)}
		}
	}
	return &entry{name: model, dir: model}, nil
}

// secondModel refuses a model beside the only one of a registry whose servers were not told which
// is the default.
func (l *Live) secondModel(e *entry) error {
	r := l.Current()
	if l.options.DefaultModel != "" || r.models[e.name] != nil || len(r.models) != 1 {
		return nil
	}
	return &SecondModelError{Model: e.name, Default: sortedKeys(r.models)[0]}
}

func (l *Live) createError(at string, v *Version, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return &ExistsError{Model: v.Model, Version: v.Version}
	}
	return &StoreError{Place: l.at(at), Err: err}
}

// recordPublication adds the publication to the model's events, whatever others add meanwhile.
func (l *Live) recordPublication(ctx context.Context, e *entry, v *Version, p rollout.Publication, c rollout.Change) (*registryv1.RolloutEvent, error) {
	for attempt := 1; ; attempt++ {
		now, old, err := l.record(ctx, e)
		if err != nil {
			return nil, err
		}
		if event := published(now, v.Version); event != nil {
			return event, nil // by another server, which was given the same file
		}
		next, event, err := rollout.Publish(now, v.Model, p, c)
		if err != nil {
			return nil, err
		}
		_, err = l.replace(ctx, e, old, next)
		if err == nil {
			return event, nil
		}
		if !errors.Is(err, rollout.ErrStale) || attempt == recordAttempts {
			return nil, err
		}
	}
}
