package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"

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
	if err := l.readOnly(); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := l.writing.take(ctx); err != nil {
		return nil, l.waitError(err)
	}
	defer l.writing.give()
	for reloaded := false; ; reloaded = true {
		seen, err := l.look(ctx, model, reloaded)
		if err != nil {
			return nil, err
		}
		if event := rollout.Repeated(seen.now, c.RequestID); event != nil {
			if !same(event) {
				return nil, &RequestIDError{RequestID: c.RequestID, Summary: event.GetSummary()}
			}
			return event, nil
		}
		next, event, err := apply(seen.now)
		if err != nil {
			return nil, err
		}
		if err := seen.entry.checkLoaded(next.GetRollout()); err != nil {
			if !reloaded {
				continue // the version may have come since
			}
			return nil, err
		}
		data, err := l.replace(ctx, seen.entry, seen.old, next)
		if err != nil {
			return nil, err
		}
		return event, l.inForce(ctx, seen.entry.name, event, func(e *entry) { e.record, e.recordBytes = next, data })
	}
}

// seen is a model as it is to be changed: what is known of it, and its rollout as the store has it,
// with the bytes that it stands in.
type seen struct {
	entry *entry
	now   *registryv1.RolloutRecord
	old   []byte
}

// look returns what there is of a model. Unless it is told to, it looks at the rollout only, and at
// the rest where that is not what this server follows.
func (l *Live) look(ctx context.Context, model string, all bool) (*seen, error) {
	for ; ; all = true {
		if all {
			if _, err := l.Reload(ctx); err != nil {
				return nil, err
			}
		}
		e, err := l.Current().entry(model)
		if err == nil && e.unlisted != nil {
			err = &StoreError{Place: l.Place(), Err: e.unlisted}
		}
		if err != nil {
			if all {
				return nil, err
			}
			continue
		}
		now, old, err := l.record(ctx, e)
		if !all && (err != nil || old == nil || !bytes.Equal(old, e.recordBytes) || e.notFollowed != nil) {
			continue
		}
		return &seen{e, now, old}, err
	}
}

// inForce serves a change that was written, and says so where that cannot be.
func (l *Live) inForce(ctx context.Context, model string, event *registryv1.RolloutEvent, change func(*entry)) error {
	if err := l.adopt(ctx, model, change); err != nil {
		return &StoreError{Place: l.Place(), Err: fmt.Errorf("the change is on record as revision %d, but not in force here: %w", event.GetRevision(), err)}
	}
	return nil
}

// adopt serves what this process has written, without another look at the store.
func (l *Live) adopt(ctx context.Context, model string, change func(*entry)) error {
	if err := l.loading.take(ctx); err != nil {
		return err
	}
	defer l.loading.give()
	before := l.Current()
	was, err := before.entry(model)
	if err != nil {
		return err
	}
	e := &entry{
		name: was.name, dir: was.dir, loaded: was.loaded, broken: was.broken,
		record: was.record, recordBytes: was.recordBytes, recordErr: was.recordErr, unlisted: was.unlisted,
	}
	change(e)
	next := *before
	next.models = maps.Clone(before.models)
	next.models[e.name] = e
	b := &builder{live: l, before: before}
	b.plan(e, e.name == next.defaultModel)
	l.serve(before, &next)
	return errors.Join(e.unlisted, e.notFollowed)
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
		files, err := await(ctx, func() (fs.FS, error) { return l.store.Files(ctx) })
		if err != nil {
			return nil, &StoreError{Place: l.store.String(), Err: err}
		}
		data, err := await(ctx, func() ([]byte, error) { return readRollout(files, e.dir) })
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
	return e.notLoaded(version)
}

// notLoaded says why a version that a rollout names is not loaded.
func (e *entry) notLoaded(version string) error {
	err := &NotLoadedError{Model: e.name, Version: version}
	if broken := e.broken[version]; broken != nil {
		err.Reason = broken.Err.Error()
	}
	return err
}

// replace writes a model's rollout file in the place of one with the old content, and returns what
// it wrote.
func (l *Live) replace(ctx context.Context, e *entry, old []byte, next *registryv1.RolloutRecord) ([]byte, error) {
	data, err := rollout.Encode(next)
	if err != nil {
		return nil, err
	}
	err = done(ctx, func() error { return l.store.Replace(ctx, e.rolloutPath(), old, data) })
	switch {
	case errors.Is(err, ErrConflict):
		return nil, fmt.Errorf("%w by somebody else; read it again", rollout.ErrStale)
	case err != nil:
		return nil, &StoreError{Place: l.at(e.rolloutPath()), Err: err}
	}
	l.written.Store(&writtenRecord{data, next})
	return data, nil
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
