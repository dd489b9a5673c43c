package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// builder makes a snapshot of a store's files. What serves before stays in the place of what
// cannot be loaded.
type builder struct {
	live   *Live
	files  fs.FS
	before *Registry
	// outdated is set when a file was found changed since the store was looked at.
	outdated bool
}

func (b *builder) snapshot() (*Registry, error) {
	if b.live.options.SingleFile {
		return b.singleFile()
	}
	return b.folder()
}

// note takes down an error that comes of looking at an old view.
func (b *builder) note(err error) { b.outdated = b.outdated || errors.Is(err, ErrConflict) }

// defaultVersion is what a single file of another tool is called, unless a version is asked for.
const defaultVersion = "v1.0.0"

// singleFile makes the snapshot of a store of one file. Unlike a version of a folder, it may be
// replaced.
func (b *builder) singleFile() (*Registry, error) {
	o := b.live.options
	if o.Version != "" && native.CheckVersion(o.Version) != nil {
		return nil, fmt.Errorf("%w (MODEL_VERSION)", native.CheckVersion(o.Version))
	}
	entries, err := fs.ReadDir(b.files, ".")
	if err == nil && len(entries) != 1 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, &StoreError{Place: b.live.store.String(), Err: unreadable(err)}
	}
	name := entries[0].Name()
	v := b.before.Default()
	if m, err := markOf(b.files, name); err != nil || v == nil || v.mark != m {
		start := time.Now()
		loaded, err := load(b.files, name, native.NameOf(name), defaultVersion)
		if err == nil {
			o.Loaded(time.Since(start))
		}
		switch {
		case err == nil && o.Version != "":
			loaded.Version = o.Version
			fallthrough
		case err == nil:
			v = loaded
		case v != nil:
			before := v
			v = v.withProblem(fmt.Sprintf("%s: %v; what was loaded serves on", b.live.store, err))
			b.panicked(err, v != before)
		default:
			return nil, fmt.Errorf("%s: %w; %s", b.live.store, err, remedy)
		}
	}
	e := &entry{name: v.Model, loaded: map[string]*Version{v.Version: v}}
	if err := b.followNewest(e, v.Version); err != nil {
		return nil, err
	}
	r := &Registry{models: map[string]*entry{v.Model: e}, defaultModel: v.Model}
	if o.DefaultModel != "" {
		r.defaultModel = o.DefaultModel
	}
	return r, nil
}

// folder makes the snapshot of a store of many files.
func (b *builder) folder() (*Registry, error) {
	places, err := scan(b.files, b.known)
	if err != nil {
		return nil, &StoreError{Place: b.live.store.String(), Err: fmt.Errorf("%w; %s", err, layoutRemedy)}
	}
	r := &Registry{models: map[string]*entry{}, layoutProblems: places.problems}
	for _, m := range places.models {
		e := b.entry(m)
		r.models[e.name] = e
	}
	b.keepServed(r)
	r.defaultModel = b.defaultModel(r)
	for _, name := range sortedKeys(r.models) {
		b.plan(r.models[name], name == r.defaultModel)
	}
	return r, nil
}

// defaultModel returns the model that answers when a request names none; "" where that is not
// settled.
func (b *builder) defaultModel(r *Registry) string {
	switch {
	case b.live.options.DefaultModel != "":
		return b.live.options.DefaultModel
	case b.before.models[b.before.defaultModel] != nil:
		return b.before.defaultModel
	case len(r.models) == 1:
		return sortedKeys(r.models)[0]
	}
	return ""
}

// known returns where the file of a version is that is loaded, if it is still the same.
func (b *builder) known(dir, version string) (path string, ok bool) {
	name := dir
	if dir == "." {
		name = b.before.flatName()
	}
	e := b.before.models[name]
	if e == nil {
		return "", false
	}
	v := e.loaded[version]
	if v == nil || v.Problem != "" {
		return "", false
	}
	m, err := markOf(b.files, v.path)
	return v.path, err == nil && m == v.mark
}

// flatName returns the name of the model whose versions stand at the top; "" if there is none.
func (r *Registry) flatName() string {
	for name, e := range r.models {
		if e.dir == "." {
			return name
		}
	}
	return ""
}

// entry loads the versions of a model.
func (b *builder) entry(m modelPlace) *entry {
	e := &entry{name: m.name, dir: m.dir, loaded: map[string]*Version{}, broken: map[string]*BrokenVersion{}}
	if m.dir == "." {
		e.name = b.flatName(m)
	}
	if m.err != nil {
		e.unlisted = fmt.Errorf("%s: %w; what was loaded serves on", b.live.at(m.dir), m.err)
		return e
	}
	b.record(e)
	for _, place := range m.versions {
		b.version(e, place)
	}
	return e
}

// record reads the entry's rollout file.
func (b *builder) record(e *entry) {
	data, err := readRollout(b.files, e.dir)
	b.note(err)
	if before := b.before.models[e.name]; before != nil && data != nil && bytes.Equal(data, before.recordBytes) {
		e.record, e.recordBytes, e.recordErr = before.record, before.recordBytes, before.recordErr
		return
	}
	e.recordBytes = data
	if err == nil && data != nil {
		e.record, err = b.live.decode(data)
	}
	if err != nil {
		e.recordErr = fmt.Errorf("%s: %w", b.live.at(e.rolloutPath()), err)
	}
}

// flatName returns the name of the model whose versions stand at the top: what the first file
// that states one says, or that of the registry.
func (b *builder) flatName(m modelPlace) string {
	if name := b.before.flatName(); name != "" {
		return name
	}
	name := native.NameOf(b.live.store.String())
	for _, place := range m.versions {
		if place.problem != nil {
			continue
		}
		if v, err := load(b.files, place.path, name, place.version); err == nil {
			return v.Model
		}
	}
	return name
}

// version loads a version into the entry, unless it is loaded already. One that serves keeps
// serving, whatever became of its file: versions do not change.
func (b *builder) version(e *entry, place versionPlace) {
	// A reload must not keep requests waiting: with many versions it takes a while.
	runtime.Gosched()
	if place.unchanged {
		e.loaded[place.version] = b.before.models[e.name].loaded[place.version]
		return
	}
	var was *Version
	var failed *BrokenVersion
	if before := b.before.models[e.name]; before != nil {
		was, failed = before.loaded[place.version], before.broken[place.version]
	}
	m, markErr := markOf(b.files, place.path)
	if place.problem == nil && markErr == nil {
		if was != nil && was.path == place.path && was.mark == m {
			e.loaded[place.version] = was.withProblem("")
			return
		}
		if failed != nil && failed.path == place.path && failed.mark == m {
			e.broken[place.version] = failed
			return
		}
	}
	start := time.Now()
	v, err := b.load(e, place)
	if err == nil {
		b.live.options.Loaded(time.Since(start))
	}
	b.note(err)
	switch {
	case err == nil && (was == nil || was.Digest == v.Digest):
		e.loaded[place.version] = v
	case was != nil && err == nil:
		e.loaded[place.version] = was.withProblem(fmt.Sprintf(
			"%s: the file has other content by now (sha256:%.12s…), and versions never change: what was loaded serves on; publish it as another version", b.live.at(place.path), v.Digest))
	case was != nil:
		now := was.withProblem(fmt.Sprintf("%s: %v; what was loaded serves on", b.live.at(place.path), err))
		b.panicked(err, now != was)
		e.loaded[place.version] = now
	default:
		e.broken[place.version] = b.broken(e, place, m, failed, err)
	}
}

// broken returns a version that could not be loaded; failed is the same at the last look, nil if it
// was none then.
func (b *builder) broken(e *entry, place versionPlace, m mark, failed *BrokenVersion, err error) *BrokenVersion {
	if errors.As(err, new(*unreadableError)) {
		m = mark{} // it says nothing of the content: the next look tries again
	}
	now := &BrokenVersion{
		Model: e.name, Version: place.version, path: place.path, mark: m,
		Err: &brokenError{fmt.Errorf("%s: %w", b.live.at(place.path), err)},
	}
	if failed != nil && failed.path == now.path && failed.mark == now.mark && failed.Err.Error() == now.Err.Error() {
		return failed // it was tried again in vain
	}
	b.panicked(err, true)
	return now
}

// panicked tells of a panic in the chain of an error that is new.
func (b *builder) panicked(err error, isNew bool) {
	var p *crash.PanicError
	if isNew && errors.As(err, &p) {
		b.live.options.Panicked(p)
	}
}

// brokenError marks the error of a version that could not be loaded.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }

func (e *brokenError) Unwrap() error { return e.err }

// load reads the version and holds it against the names of its folders and the digest that was
// published.
func (b *builder) load(e *entry, place versionPlace) (*Version, error) {
	if place.problem != nil {
		return nil, place.problem
	}
	v, err := load(b.files, place.path, e.name, place.version)
	if err != nil {
		return nil, err
	}
	if v.Model != e.name || v.Version != place.version {
		if e.dir == "." {
			return nil, fmt.Errorf("the file is %s %s by its own account, but stands in the folder of %s in a registry of %s", v.Model, v.Version, place.version, e.name)
		}
		return nil, fmt.Errorf("the file is %s %s by its own account, but stands in the folder of %s %s", v.Model, v.Version, e.name, place.version)
	}
	if published := publishedDigest(e.record, place.version); published != "" && published != v.Digest {
		return nil, fmt.Errorf("the file is not the one that was published: its digest is sha256:%s, expected sha256:%s", v.Digest, published)
	}
	return v, nil
}

// keepServed keeps models and versions that are served and whose files are gone.
func (b *builder) keepServed(r *Registry) {
	for name, before := range b.before.models {
		e := r.models[name]
		if e == nil && before.plan == nil {
			continue
		}
		if e == nil {
			e = &entry{name: name, dir: before.dir, loaded: map[string]*Version{}, broken: map[string]*BrokenVersion{}}
			e.unlisted = fmt.Errorf("%s: the model's folder is gone; what was loaded serves on", b.live.at(before.dir))
			r.models[name] = e
		}
		if e.unlisted != nil {
			e.loaded, e.broken, e.record, e.recordBytes = before.loaded, before.broken, before.record, before.recordBytes
			continue
		}
		for version, v := range before.loaded {
			if e.loaded[version] == nil && before.serves(version) {
				e.loaded[version] = v.withProblem(fmt.Sprintf("%s: the file is gone; what was loaded serves on", b.live.at(v.path)))
			}
		}
	}
}
