// Package atomicfile writes files whole: a reader sees the old content or the new, never part
// of it, and so does whoever looks after a crash.
//
// What it writes has the time of the clock to its last digit, not that of the file system, which
// may tick a few hundred times a second only: two contents of a file differ in their times, even
// where they are of the same length and follow each other at once.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
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
		flushFolder: FlushFolder,
	})
}

// Create writes a new file as [Write] does, but never in the place of another: it fails with
// [fs.ErrExist] when there is anything at path, and of several that create it at once, one
// succeeds.
//
// It needs a file system with hard links, and fails with [ErrNoLinks] on another.
func Create(path string, data []byte, perm fs.FileMode) error {
	return createNew(path, data, perm, steps{
		flush:       (*os.File).Sync,
		link:        os.Link,
		flushFolder: FlushFolder,
	})
}

// ErrNoLinks says that a file system has no hard links.
var ErrNoLinks = errors.New("the file system has no hard links")

func createNew(path string, data []byte, perm fs.FileMode, do steps) error {
	// Before the work: what is there now will not go away.
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	temporary, err := hidden(path)
	if err != nil {
		return err
	}
	err = fill(temporary, data, perm, do)
	if err == nil {
		err = do.link(temporary.Name(), path)
		if linkless(err) {
			err = fmt.Errorf("%w: %w", ErrNoLinks, err)
		}
	}
	if err = errors.Join(err, os.Remove(temporary.Name())); err != nil {
		return err
	}
	return do.flushFolder(filepath.Dir(path))
}

// linkless tells whether a link failed since there are none: file systems have many words for it.
// One that says "not permitted" let the file be written a moment before.
func linkless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EMLINK)
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
	rename      func(from, to string) error // of write only
	link        func(from, to string) error // of createNew only
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
	temporary, err = hidden(target)
	return temporary, target, err
}

// hidden makes a hidden file next to path.
func hidden(path string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), Pattern(filepath.Base(path)))
	if err != nil {
		return nil, fmt.Errorf("cannot write to the folder of %s: %w", path, err)
	}
	return f, nil
}

// Pattern returns what a hidden file or folder is called that is to become the one named, as
// [os.CreateTemp] and [os.MkdirTemp] take it: a dot, the name or its beginning, a dot, digits, and
// ".tmp".
func Pattern(name string) string {
	const most = 100 // bytes, so that a name of the greatest length has a hidden one too
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return "." + name + ".*.tmp"
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
		now := time.Now()
		err = os.Chtimes(f.Name(), now, now)
	}
	if err == nil {
		err = do.flush(f)
	}
	return errors.Join(err, f.Close())
}

// FlushFolder makes last what was created, renamed or removed in a folder. Windows cannot flush a
// folder and does not need it.
func FlushFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
