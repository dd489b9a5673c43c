package registrytest

import (
	"context"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Operation is what a [Faulty] store is about to do.
type Operation struct {
	// Name is "files", "open", "read", "stat", "readdir", "create" or "replace".
	Name string
	// Path is the file or folder; empty for "files".
	Path string
}

// Fault is called before each operation of a [Faulty] store, which fails with its error. It may
// take its time, heed ctx or not, and panic. ctx is that of the view for what is done with one.
type Fault func(ctx context.Context, o Operation) error

// Faulty is a store that can be made to fail. It does not tell of changes.
type Faulty struct {
	registry.Store
	fault   atomic.Pointer[Fault]
	old     atomic.Pointer[fs.FS]
	writing atomic.Int64
}

// NewFaulty returns a store that does what another does, until it is told otherwise.
func NewFaulty(store registry.Store) *Faulty { return &Faulty{Store: store} }

// Break makes the operations fail that begin from now on.
func (f *Faulty) Break(fault Fault) { f.fault.Store(&fault) }

// Mend takes back what Break and ShowOld did.
func (f *Faulty) Mend() {
	f.fault.Store(nil)
	f.old.Store(nil)
}

// ShowOld makes later views show what this one does.
func (f *Faulty) ShowOld(view fs.FS) { f.old.Store(&view) }

// Wait returns when no file is being written: who gave up waiting for that may not know.
func (f *Faulty) Wait() {
	for f.writing.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}

func (f *Faulty) before(ctx context.Context, name, path string) error {
	if fault := f.fault.Load(); fault != nil {
		return (*fault)(ctx, Operation{name, path})
	}
	return nil
}

// Files implements [registry.Store].
func (f *Faulty) Files(ctx context.Context) (fs.FS, error) {
	if err := f.before(ctx, "files", ""); err != nil {
		return nil, err
	}
	if old := f.old.Load(); old != nil {
		return *old, nil
	}
	view, err := f.Store.Files(ctx)
	return &faultyView{FS: view, store: f, ctx: ctx}, err
}

// Create implements [registry.Store].
func (f *Faulty) Create(ctx context.Context, path string, data []byte) error {
	f.writing.Add(1)
	defer f.writing.Add(-1)
	if err := f.before(ctx, "create", path); err != nil {
		return err
	}
	return f.Store.Create(ctx, path, data)
}

// Replace implements [registry.Store].
func (f *Faulty) Replace(ctx context.Context, path string, old, data []byte) error {
	f.writing.Add(1)
	defer f.writing.Add(-1)
	if err := f.before(ctx, "replace", path); err != nil {
		return err
	}
	return f.Store.Replace(ctx, path, old, data)
}

type faultyView struct {
	fs.FS
	store *Faulty
	ctx   context.Context //nolint:containedctx // a view is good for as long as its context
}

func (v *faultyView) before(name, path string) error {
	if err := v.store.before(v.ctx, name, path); err != nil {
		return &fs.PathError{Op: name, Path: path, Err: err}
	}
	return nil
}

// Open implements [fs.FS].
func (v *faultyView) Open(name string) (fs.File, error) {
	if err := v.before("open", name); err != nil {
		return nil, err
	}
	file, err := v.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, v, name}, nil
}

// Stat implements [fs.StatFS].
func (v *faultyView) Stat(name string) (fs.FileInfo, error) {
	if err := v.before("stat", name); err != nil {
		return nil, err
	}
	return fs.Stat(v.FS, name)
}

// ReadDir implements [fs.ReadDirFS].
func (v *faultyView) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := v.before("readdir", name); err != nil {
		return nil, err
	}
	return fs.ReadDir(v.FS, name)
}

type faultyFile struct {
	fs.File
	view *faultyView
	name string
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if err := f.view.before("read", f.name); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}
