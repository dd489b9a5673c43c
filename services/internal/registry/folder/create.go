package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// linker makes a new file in a folder that is there; tests make it fail.
type linker func(path string, data []byte, perm fs.FileMode) error

func hardLink(path string, data []byte, perm fs.FileMode) error {
	return atomicfile.Create(path, data, perm)
}

// Create implements [registry.Store].
func (s *store) Create(ctx context.Context, path string, data []byte) error {
	name, err := s.local(path)
	if err != nil {
		return err
	}
	s.sweep(name)
	return unwritable(s.create(ctx, name, data))
}

// unwritable says of errors that it is the folder which cannot be written to, where it is.
func unwritable(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", registry.ErrReadOnly, bare(err))
	}
	return bare(err)
}

func (s *store) create(ctx context.Context, name string, data []byte) error {
	// Others may make and remove folders meanwhile: a round that fails for that says so by one of
	// two errors, and the next one finds them as they are then.
	const rounds = 100
	var err error
	for range rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		var folder, missing string
		if folder, missing, err = s.lacking(name); err != nil {
			return err
		}
		if missing != "" {
			err = createFolder(folder, missing, data)
			if !errors.Is(err, fs.ErrExist) {
				return err
			}
			continue
		}
		err = s.createFile(ctx, filepath.Join(s.root, name), data)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// lacking returns the folder that is there on the way to the file, and the rest of the file's path
// if there are folders in it, which are not there.
func (s *store) lacking(name string) (folder, missing string, err error) {
	folder = s.root
	for missing = name; ; {
		stat, err := os.Stat(folder)
		if err == nil && !stat.IsDir() {
			err = syscall.ENOTDIR
		}
		if err != nil {
			return "", "", err
		}
		first, rest, nested := strings.Cut(missing, string(filepath.Separator))
		if !nested {
			return folder, "", nil
		}
		next := filepath.Join(folder, first)
		if _, err := os.Stat(next); errors.Is(err, fs.ErrNotExist) {
			return folder, missing, nil
		}
		folder, missing = next, rest
	}
}

// createFile makes a file in a folder that is there.
func (s *store) createFile(ctx context.Context, path string, data []byte) error {
	perm, err := permissions(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = s.link(path, data, filePerm(perm))
	if !errors.Is(err, atomicfile.ErrNoLinks) {
		return err
	}
	unlock, err := lock(ctx, filepath.Dir(path), filePerm(perm))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return atomicfile.Write(path, data, filePerm(perm))
}

// createFolder makes a file, together with the folders on the way to it from the one given: they
// are filled under a hidden name and renamed.
func createFolder(folder, name string, data []byte) (err error) {
	perm, err := permissions(folder)
	if err != nil {
		return err
	}
	first, rest, _ := strings.Cut(name, string(filepath.Separator))
	temporary, err := os.MkdirTemp(folder, atomicfile.Pattern(first))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
	}()
	if err := fillFolder(temporary, rest, data, perm); err != nil {
		return err
	}
	if err := os.Rename(temporary, filepath.Join(folder, first)); err != nil {
		return err
	}
	return atomicfile.FlushFolder(folder)
}

// fillFolder writes the file and makes the folders on the way to it, and all of it last.
func fillFolder(folder, name string, data []byte, perm fs.FileMode) error {
	if err := os.Chmod(folder, perm); err != nil {
		return err
	}
	first, rest, nested := strings.Cut(name, string(filepath.Separator))
	if !nested {
		return atomicfile.Write(filepath.Join(folder, first), data, filePerm(perm))
	}
	inner := filepath.Join(folder, first)
	if err := os.Mkdir(inner, perm); err != nil {
		return err
	}
	if err := fillFolder(inner, rest, data, perm); err != nil {
		return err
	}
	return atomicfile.FlushFolder(folder)
}

// permissions returns what a new folder in the folder may be used for by whom.
func permissions(folder string) (fs.FileMode, error) {
	stat, err := os.Stat(folder)
	if err != nil {
		return 0, err
	}
	return stat.Mode() & (fs.ModePerm | fs.ModeSetgid), nil
}

// filePerm returns the permissions of a new file from those of its folder.
func filePerm(folder fs.FileMode) fs.FileMode {
	const notExecutable, own = 0o666, 0o600
	return folder&notExecutable | own
}
