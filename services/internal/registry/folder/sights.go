package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// levels is how deep the files of a registry stand: <model>/<version>/<file>.
const levels = 2

// sights tells where changes of the registry's files show.
func (s *store) sights() (sights, error) {
	root, err := filepath.Abs(s.root)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(root)
	switch {
	case err == nil:
		_ = f.Close() // Nothing was written that it could lose.
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the folder cannot be read any longer: %w", bare(err))
	}
	seen := sights{}
	seen.folder(root, levels)
	return seen, nil
}

// folder adds a folder, and those in it to a depth. What is not there, or cannot be read, is
// passed over: it can be seen to come by the folder that it is expected in.
func (s sights) folder(path string, depth int) {
	runtime.Gosched() // of many folders, none must keep requests waiting
	at, err := s.follow(path)
	if err != nil {
		return
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return
	}
	s.all(at)
	for _, e := range entries {
		link := e.Type()&fs.ModeSymlink != 0
		if strings.HasPrefix(e.Name(), ".") || !link && !e.IsDir() {
			continue
		}
		inner := filepath.Join(at, e.Name())
		stat, err := os.Stat(inner)
		if err == nil && stat.IsDir() {
			if depth > 0 {
				s.folder(inner, depth-1)
			}
			continue
		}
		if file, err := s.follow(inner); err == nil {
			s.one(filepath.Dir(file), filepath.Base(file))
		}
	}
}

// follow returns the real path of an absolute one, and adds every link on the way, or the first
// name that is not there.
func (s sights) follow(path string) (string, error) {
	const separator = string(filepath.Separator)
	top := filepath.VolumeName(path) + separator
	at, rest := top, path[len(filepath.VolumeName(path)):]
	const most = 100 // links, more than any system follows
	for links := 0; links < most; {
		rest = strings.TrimLeft(rest, separator)
		if rest == "" {
			return at, nil
		}
		name, after, _ := strings.Cut(rest, separator)
		if name == ".." {
			at, rest = filepath.Dir(at), after
			continue
		}
		next := filepath.Join(at, name)
		stat, err := os.Lstat(next)
		if err != nil {
			s.one(at, name)
			return "", err
		}
		if stat.Mode()&fs.ModeSymlink == 0 {
			at, rest = next, after
			continue
		}
		s.one(at, name)
		target, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(target) {
			at, target = top, target[len(filepath.VolumeName(target)):]
		}
		rest = target + separator + after
		links++
	}
	return "", &fs.PathError{Op: "follow", Path: path, Err: syscall.ELOOP}
}
