// Package atomicfile replaces files whole: a reader sees the old content or the new, never part
// of it, and so does whoever looks after a crash.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write makes data the content of the file at path, with the given permissions (the process's
// umask does not count). The data go to a hidden file next to it, which then takes its place;
// file and folder are flushed to the disk before Write returns. Where path is a symbolic link,
// the file that it leads to is replaced.
//
// The error names the file or folder at fault and wraps that of the file system. A file that
// was there before is then untouched, unless only the last step failed, flushing the folder;
// nothing is left behind. Of several writes at once, one wins.
func Write(path string, data []byte, perm fs.FileMode) error {
	return write(path, data, perm, steps{
		flush:       (*os.File).Sync,
		rename:      os.Rename,
		flushFolder: flushFolder,
	})
}

// Check returns the error that Write would return at once, as for a folder that does not exist
// or may not be written to: so that long work is not done in vain. It changes nothing.
func Check(path string) error {
	temporary, _, err := create(path)
	if err != nil {
		return err
	}
	return errors.Join(temporary.Close(), os.Remove(temporary.Name()))
}

// steps are the calls that tests make fail.
type steps struct {
	flush       func(*os.File) error
	rename      func(from, to string) error
	flushFolder func(folder string) error
}

func write(path string, data []byte, perm fs.FileMode, do steps) error {
	temporary, target, err := create(path)
	if err != nil {
		return err
	}
	if err := fill(temporary, data, perm, do); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	if err := do.rename(temporary.Name(), target); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return do.flushFolder(filepath.Dir(target))
}

// create makes the hidden file that is to take the place of the file at target.
func create(path string) (temporary *os.File, target string, err error) {
	target, err = resolve(path)
	if err != nil {
		return nil, "", err
	}
	temporary, err = os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp")
	if err != nil {
		return nil, "", fmt.Errorf("cannot write to the folder of %s: %w", path, err)
	}
	return temporary, target, nil
}

// resolve returns the path of the file to replace, or an error if there is something that is
// no file.
func resolve(path string) (string, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", err
		}
		info, err = os.Lstat(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	case info.IsDir():
		return "", &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("is not a regular file")}
	}
	return path, nil
}

func fill(f *os.File, data []byte, perm fs.FileMode, do steps) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = do.flush(f)
	}
	return errors.Join(err, f.Close())
}

// flushFolder makes a rename last. Windows cannot flush a folder and does not need it.
func flushFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
