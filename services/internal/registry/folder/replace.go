package folder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Replace implements [registry.Store].
func (s *store) Replace(ctx context.Context, path string, old, data []byte) error {
	name, err := s.local(path)
	if err != nil {
		return err
	}
	s.sweep(name)
	if old == nil {
		err = s.create(ctx, name, data)
		if errors.Is(err, fs.ErrExist) {
			return registry.ErrConflict
		}
		return unwritable(err)
	}
	return unwritable(replace(ctx, filepath.Join(s.root, name), old, data))
}

func replace(ctx context.Context, path string, old, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Without the lock first: of many at once, most need not wait for it.
	if _, err := expect(path, old); err != nil {
		return err
	}
	perm, err := permissions(filepath.Dir(path))
	if err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Dir(path), filePerm(perm))
	if err != nil {
		return err
	}
	defer unlock()
	perm, err = expect(path, old)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, data, perm)
}

// expect returns the permissions of the file, or [registry.ErrConflict] if its content is another.
func expect(path string, old []byte) (fs.FileMode, error) {
	// Before it is opened: the opening of a named pipe waits for somebody to write.
	stat, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, registry.ErrConflict
	case err != nil:
		return 0, err
	case !stat.Mode().IsRegular():
		return 0, errors.New("is no regular file")
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, registry.ErrConflict
	}
	if err != nil {
		return 0, fmt.Errorf("cannot be read: %w", bare(err))
	}
	now, err := io.ReadAll(io.LimitReader(f, int64(len(old))+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("cannot be read: %w", bare(err))
	}
	if !bytes.Equal(now, old) {
		return 0, registry.ErrConflict
	}
	return stat.Mode().Perm(), nil
}
