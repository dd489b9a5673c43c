package folder

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// single is the store of one file.
type single struct{ path string }

// File returns the store of a single file: its view shows that file under its own name and nothing
// beside it, and it cannot be written to. It is a [registry.Watcher] too, which tells when the file
// is rewritten, or replaced by another.
func File(path string) (registry.Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, notOpened(path, err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: is a folder, not a model file; %s", path, remedy)
	}
	return &single{path: path}, nil
}

// String returns the path.
func (s *single) String() string { return s.path }

// Files shows the file as it is at each moment.
func (s *single) Files(ctx context.Context) (fs.FS, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return view{root: filepath.Dir(s.path), only: filepath.Base(s.path)}, nil
}

// Create fails.
func (s *single) Create(context.Context, string, []byte) error { return registry.ErrReadOnly }

// Replace fails.
func (s *single) Replace(context.Context, string, []byte, []byte) error { return registry.ErrReadOnly }

// Watch implements [registry.Watcher].
func (s *single) Watch(ctx context.Context, changed func()) error {
	return watch(ctx, s.sights, changed)
}

func (s *single) sights() (sights, error) {
	path, err := filepath.Abs(s.path)
	if err != nil {
		return nil, err
	}
	seen := sights{}
	if file, err := seen.follow(path); err == nil {
		seen.one(filepath.Dir(file), filepath.Base(file))
	}
	return seen, nil
}
