package registry

import (
	"context"
	"errors"
	"io/fs"
)

// Store keeps the files of a registry under slash-separated paths, such as
// "iris/v1.0.0/model.binpb". There is one implementation per technology, in a folder of its own;
// package registrytest holds them all to what stands here.
//
// Its methods may be called concurrently, and by other processes on the same files. They give up
// when ctx ends. An error names neither the store nor the path, which the caller knows.
type Store interface {
	// String returns what messages call the store: a folder's path, or a bucket's URL.
	String() string

	// Files returns a view of the files. Of a file whose content changed, the [fs.FileInfo] does
	// too: its size, its time, or its Sys, which is then a string that changes with the content.
	Files(ctx context.Context) (fs.FS, error)

	// Create writes a new file: whole or not at all, whatever happens meanwhile, and lasting
	// when it returns. It fails with [fs.ErrExist] when there is such a file, and of several that
	// create it at once, one succeeds. Where the store cannot be written to, it fails with
	// [ErrReadOnly].
	Create(ctx context.Context, path string, data []byte) error

	// Replace writes a file as Create does, in the place of one whose content is exactly old, or
	// of none where old is nil. It fails with [ErrConflict] when the content is another by
	// now: of several that replace the same content at once, one succeeds.
	Replace(ctx context.Context, path string, old, data []byte) error
}

// Watcher is a [Store] that can tell when its files change.
type Watcher interface {
	// Watch calls changed soon after any file has changed, until ctx ends, and returns then. It
	// fails when it cannot watch (any longer).
	Watch(ctx context.Context, changed func()) error
}

// ErrConflict says that a file changed since its content was read.
var ErrConflict = errors.New("it was changed by somebody else meanwhile")

// ErrReadOnly says that a registry cannot be written to.
var ErrReadOnly = errors.New("this registry cannot be written to")
