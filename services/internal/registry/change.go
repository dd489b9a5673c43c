package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// SetRollout makes wanted the rollout of its model, and serves it before it returns. Its etag is
// that of the rollout that it replaces. The errors are a [*NotFoundError], a [*NotLoadedError],
// [rollout.ErrStale], a [*rollout.InvalidError], a [*RequestIDError], [ErrReadOnly], or of the
// store.
func (l *Live) SetRollout(ctx context.Context, wanted *registryv1.Rollout, c rollout.Change) (*registryv1.RolloutEvent, error) {
	return l.change(ctx, wanted.GetModel(), c,
		func(event *registryv1.RolloutEvent) bool { return rollout.Says(event, wanted) },
		func(now *registryv1.RolloutRecord) (*registryv1.RolloutRecord, *registryv1.RolloutEvent, error) {
			return rollout.Set(now, wanted, c)
		})
}

// Rollback brings back the rollout of an event, or for 0 that before the present one, and serves
// it before it returns. The errors are those of SetRollout, a [*rollout.NothingError] or a
// [*rollout.NoEventError].
func (l *Live) Rollback(ctx context.Context, model string, toRevision uint32, c rollout.Change) (*registryv1.RolloutEvent, error) {
	return l.change(ctx, model, c,
		func(event *registryv1.RolloutEvent) bool { return rollout.WentBack(event, toRevision) },
		func(now *registryv1.RolloutRecord) (*registryv1.RolloutRecord, *registryv1.RolloutEvent, error) {
			return rollout.Rollback(now, toRevision, c)
		})
}

// readOnly refuses what is known to fail without trying.
func (l *Live) readOnly() error {
	what := "a single file"
	if _, isBuiltin := l.store.(builtin); isBuiltin {
		what = "the built-in one"
	} else if !l.options.SingleFile {
		return nil
	}
	return fmt.Errorf("%w: it is %s; serve a folder or a bucket to change what is in it (MODEL_PATH)", ErrReadOnly, what)
}

type changer func(now *registryv1.RolloutRecord) (*registryv1.RolloutRecord, *registryv1.RolloutEvent, error)

// change applies a change to the rollout of a model as the store has it, not as this server
// last saw it.
func (l *Live) change(ctx context.Context, model string, c rollout.Change, same func(*registryv1.RolloutEvent) bool, apply changer) (*registryv1.RolloutEvent, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.readOnly(); err != nil {
		return nil, err
	}
	if err := l.readOnly(); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	if _, err := l.Reload(ctx); err != nil {
		return nil, err
	}
	e, err := l.Current().entry(model)
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
		if !same(event) {
			return nil, &RequestIDError{RequestID: c.RequestID, Summary: event.GetSummary()}
		}
		return event, nil
	}
	next, event, err := apply(now)
	if err != nil {
		return nil, err
	}
	if err := e.checkLoaded(next.GetRollout()); err != nil {
		return nil, err
	}
	if err := l.replace(ctx, e, old, next); err != nil {
		return nil, err
	}
	return event, l.inForce(ctx, e.name, event)
}

// inForce serves a change that was written, and says so where that cannot be.
func (l *Live) inForce(ctx context.Context, model string, event *registryv1.RolloutEvent) error {
	if _, err := l.Reload(ctx); err != nil {
		return err
	}
	e, err := l.Current().entry(model)
	if err == nil {
		err = errors.Join(e.unlisted, e.notFollowed)
	}
	if err != nil {
		return &StoreError{Place: l.Place(), Err: fmt.Errorf("the change is on record as revision %d, but not in force here: %w", event.GetRevision(), err)}
	}
	return nil
}

// record returns the rollout of the entry as the store has it, with the bytes that it stands in;
// where nobody set one, it is what is followed.
func (l *Live) record(ctx context.Context, e *entry) (*registryv1.RolloutRecord, []byte, error) {
	data, err := l.rolloutFile(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case data != nil && e.recordErr == nil && bytes.Equal(data, e.recordBytes):
		return e.record, data, nil
	case data != nil:
		record, err := l.decode(data)
		if err != nil {
			return nil, nil, &RolloutFileError{Place: l.at(e.rolloutPath()), Err: err}
		}
		return record, data, nil
	case e.record != nil: // the file is gone
		return e.record, nil, nil
	case e.plan != nil && e.pinned == "":
		return rollout.NewRecord(e.plan.Rollout()), nil, nil
	default:
		newest := newestRelease(e.versions())
		if newest == "" {
			return rollout.NewRecord(nil), nil, nil
		}
		return rollout.NewRecord(rollout.Initial(e.name, newest)), nil, nil
	}
}

func (l *Live) rolloutFile(ctx context.Context, e *entry) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		files, err := l.store.Files(ctx)
		if err != nil {
			return nil, &StoreError{Place: l.store.String(), Err: err}
		}
		data, err := readRollout(files, e.dir)
		switch {
		case err == nil:
			return data, nil
		case !errors.Is(err, ErrConflict) || attempt == lookAgain:
			return nil, &StoreError{Place: l.at(e.rolloutPath()), Err: err}
		}
	}
}

// checkLoaded refuses a rollout that names a version that could not answer.
func (e *entry) checkLoaded(r *registryv1.Rollout) error {
	plan, err := rollout.Compile(r)
	if err != nil {
		return err
	}
	version, missing := e.missing(plan)
	if !missing {
		return nil
	}
	err = &NotLoadedError{Model: e.name, Version: version}
	if broken := e.broken[version]; broken != nil {
		err = &NotLoadedError{Model: e.name, Version: version, Reason: broken.Err.Error()}
	}
	return err
}

// replace writes a model's rollout file in the place of one with the old content.
func (l *Live) replace(ctx context.Context, e *entry, old []byte, next *registryv1.RolloutRecord) error {
	data, err := rollout.Encode(next)
	if err != nil {
		return err
	}
	err = l.store.Replace(ctx, e.rolloutPath(), old, data)
	switch {
	case errors.Is(err, ErrConflict):
		return fmt.Errorf("%w by somebody else; read it again", rollout.ErrStale)
	case err != nil:
		return &StoreError{Place: l.at(e.rolloutPath()), Err: err}
	}
	l.written.Store(&writtenRecord{data, next})
	return nil
}

// writtenRecord is a rollout's record and the file that it was written to.
type writtenRecord struct {
	data   []byte
	record *registryv1.RolloutRecord
}

// decode decodes a rollout's file, unless this process wrote it last and knows what is in it.
func (l *Live) decode(data []byte) (*registryv1.RolloutRecord, error) {
	if w := l.written.Load(); w != nil && bytes.Equal(w.data, data) {
		return w.record, nil
	}
	return rollout.Decode(data)
}

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
	l.writing.Lock()
	defer l.writing.Unlock()
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
	if err := l.secondModel(e); err != nil && !force {
		return nil, err
	}
	p := rollout.Publication{Version: v.Version, Digest: v.Digest}
	if stable := e.loaded[now.GetRollout().GetStable()]; stable != nil && stable != there {
		p.Breaks = Breaks(stable, v)
		p.Forced = len(p.Breaks) > 0
		if p.Forced && !force {
			return nil, &BreakError{Model: v.Model, Version: v.Version, Stable: stable.Version, Breaks: p.Breaks}
		}
	}
	if old == nil && now.GetRollout() != nil {
		// Before the version can be seen: else the newest release would answer, which is it.
		if err := l.replace(ctx, e, nil, now); err != nil {
			return nil, err
		}
	}
	if !unrecorded {
		at := path.Join(e.dir, v.Version, name)
		if err := l.store.Create(ctx, at, file); err != nil {
			return nil, l.createError(at, v, err)
		}
	}
	return l.putOnRecord(ctx, e, v, p, c)
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
