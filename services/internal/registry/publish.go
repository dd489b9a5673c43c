package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile"
)

// recordAttempts is how often a publication is tried to be put on record while others change the
// same rollout.
const recordAttempts = 20

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
		err = l.replace(ctx, e, old, next)
		if err == nil {
			return event, nil
		}
		if !errors.Is(err, rollout.ErrStale) || attempt == recordAttempts {
			return nil, err
		}
	}
}
