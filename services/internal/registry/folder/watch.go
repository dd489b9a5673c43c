package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watch implements [registry.Watcher]. It calls changed once at its start too, since what changed
// before that is not seen. While the folder is away, it waits for it to come back.
//
// It sees the files of the folder, of the folders in it, and of those in them, and where links on
// the way to one of them lead.
func (s *store) Watch(ctx context.Context, changed func()) error {
	return watch(ctx, s.sights, changed)
}

// watch calls changed after each change of what look has told to look at, until ctx ends.
func watch(ctx context.Context, look func() (sights, error), changed func()) error {
	w, err := begin(ctx, look)
	if err != nil {
		return passOver(ctx, err)
	}
	defer func() { _ = w.Close() }()
	changed()
	for {
		concerns, outdated, err := w.wait(ctx, look)
		if err != nil {
			return passOver(ctx, err)
		}
		if outdated {
			next, err := begin(ctx, look)
			if err != nil {
				return passOver(ctx, err)
			}
			_ = w.Close()
			*w = *next
		}
		if concerns {
			changed()
		}
	}
}

// passOver passes over an error that is due to the end of ctx.
func passOver(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// watching is a watcher, and what it looks at.
type watching struct {
	*fsnotify.Watcher
	seen sights
}

// wait returns after the next event: whether it concerns what is looked at, and whether there are
// other folders to look at now.
func (w *watching) wait(ctx context.Context, look func() (sights, error)) (concerns, outdated bool, err error) {
	select {
	case <-ctx.Done():
		return false, false, ctx.Err()
	case err := <-w.Errors:
		if errors.Is(err, fsnotify.ErrEventOverflow) {
			return true, true, nil
		}
		return false, false, fmt.Errorf("cannot watch any longer: %w", err)
	case event := <-w.Events:
		concerns, moves := w.seen.judge(event)
		if !concerns || moves || !event.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename) {
			return concerns, moves, nil
		}
		if w.gather(ctx) {
			return true, true, nil
		}
		now, err := look()
		return true, err == nil && !now.equal(w.seen), err
	}
}

// together is how long to wait for more events before the folders are looked at: a change of the
// registry makes several.
const together = 30 * time.Millisecond

// gather takes the events of a moment, and reports whether one of them moved a folder.
func (w *watching) gather(ctx context.Context) (moves bool) {
	end := time.After(together)
	for {
		select {
		case event := <-w.Events:
			_, moved := w.seen.judge(event)
			moves = moves || moved
		case <-end:
			return moves
		case <-ctx.Done():
			return moves
		}
	}
}

// begin starts to watch. A new watcher is simpler than to keep an old one in step with folders
// that come and go: its watch of one that was removed and made again would be a dead one.
func begin(ctx context.Context, look func() (sights, error)) (*watching, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("cannot watch files: %w", err)
	}
	w := &watching{Watcher: watcher}
	// What is new while it begins is looked at once more.
	for err == nil {
		var now sights
		if now, err = look(); err != nil || now.equal(w.seen) {
			break
		}
		w.seen = now
		err = errors.Join(w.addAll(), ctx.Err())
	}
	if err != nil {
		_ = watcher.Close()
		return nil, err
	}
	return w, nil
}

func (w *watching) addAll() error {
	for folder := range w.seen {
		err := w.Add(folder)
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
			// One that went meanwhile, or that nobody may look into.
		case errors.Is(err, syscall.ENOSPC):
			return fmt.Errorf("cannot watch %d folders: the system's limit is reached (fs.inotify.max_user_watches)", len(w.seen))
		default:
			return fmt.Errorf("cannot watch a folder: %w", bare(err))
		}
	}
	return nil
}

// sights are the folders to look at, by their real paths: for each the names in it that matter, or
// nil for all that are not hidden.
type sights map[string]map[string]bool

func (s sights) all(folder string) { s[folder] = nil }

func (s sights) one(folder, name string) {
	names, known := s[folder]
	switch {
	case !known:
		s[folder] = map[string]bool{name: true}
	case names != nil:
		names[name] = true
	}
}

func (s sights) equal(t sights) bool {
	return maps.EqualFunc(s, t, func(a, b map[string]bool) bool {
		return (a == nil) == (b == nil) && maps.Equal(a, b)
	})
}

// judge tells whether an event concerns what is looked at, and whether a folder that was looked at
// is where it was no longer.
func (s sights) judge(event fsnotify.Event) (concerns, moves bool) {
	path := filepath.Clean(event.Name)
	if _, watched := s[path]; watched && event.Has(fsnotify.Remove|fsnotify.Rename) {
		return true, true
	}
	names, watched := s[filepath.Dir(path)]
	name := filepath.Base(path)
	if names != nil {
		return names[name], false
	}
	// Kubernetes exchanges a folder of files by a link that is called ..data.
	return watched && (!strings.HasPrefix(name, ".") || strings.HasPrefix(name, "..")), false
}
