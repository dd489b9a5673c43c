package certs

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// together is how long folders have to be quiet before the files are looked at: who renews a
// certificate writes several, one after the other.
const together = 100 * time.Millisecond

// Follow takes up what the files hold, whenever they change, until ctx ends. At most one goroutine
// may follow a store. It also logs when the certificate is about to end, and when it has.
func (s *Store) Follow(ctx context.Context) {
	events, end := s.watch()
	defer end()
	ticker := time.NewTicker(s.options.Poll)
	defer ticker.Stop()
	for {
		s.warn()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-events:
			if !settle(ctx, events) {
				return
			}
		}
		s.renew()
	}
}

// settle waits until there were no events for a moment, or too many for long, and reports whether
// ctx has not ended meanwhile.
func settle(ctx context.Context, events <-chan fsnotify.Event) bool {
	latest := time.After(10 * together)
	for {
		select {
		case <-events:
		case <-time.After(together):
			return true
		case <-latest:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// watch returns the events of the folders of the files. Where folders cannot be watched, there are
// none, and looking now and then has to do. Kubernetes exchanges the files of a folder by a link in
// that folder, which is an event too.
func (s *Store) watch() (events <-chan fsnotify.Event, end func()) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		s.options.Logger.Debug().Err(err).Msg("the folders of certificates are not watched, only looked at")
		return nil, func() {}
	}
	for _, file := range []string{s.options.Cert, s.options.Key, s.options.ClientCA} {
		if file == "" {
			continue
		}
		if err := watcher.Add(filepath.Dir(file)); err != nil {
			s.options.Logger.Debug().Err(err).Str("file", file).Msg("the folder of a certificate is not watched, only looked at")
		}
	}
	// Errors are that events were lost, which looking makes good; nobody must wait to tell them.
	go func() {
		for range watcher.Errors { //nolint:revive // see above
		}
	}()
	return watcher.Events, func() { _ = watcher.Close() }
}
