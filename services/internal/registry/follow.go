package registry

import (
	"context"
	"errors"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
)

const (
	// settle is how long a store must be quiet after a change before it is read: a version that
	// is copied in with other tools arrives in steps.
	settle = 50 * time.Millisecond
	// settleLongest bounds that where changes do not cease.
	settleLongest = 500 * time.Millisecond
	// watchAgain is how long after watching has failed it is tried again.
	watchAgain = 5 * time.Second
)

// Follow reloads the registry whenever its store changes, until ctx ends: at once where the store
// can tell, and every interval in any case (0: never). Why it cannot be read, or watched, is reported
// when that begins and when it becomes something else; one report at a time. A panic on the way is
// reported too, as a [*crash.PanicError] in the error's chain, and following goes on.
func (l *Live) Follow(ctx context.Context, interval time.Duration, report func(error)) {
	changed := make(chan struct{}, 1)
	failed := make(chan error)
	if w, ok := l.store.(Watcher); ok {
		go watch(ctx, w, changed, failed)
	}
	var tick <-chan time.Time
	if interval > 0 {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		tick = ticker.C
	}
	var unread, unwatched string // the errors reported last
	say := func(last *string, err error) {
		if text := err.Error(); text != *last && ctx.Err() == nil {
			*last = text
			report(err)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-failed:
			say(&unwatched, err)
			continue
		case <-tick:
		case <-changed:
			unwatched = ""
			settled(ctx, changed)
		}
		if _, err := l.Reload(ctx); err != nil {
			say(&unread, err)
		} else {
			unread = ""
		}
	}
}

// watch passes changes on, and begins anew where watching fails.
func watch(ctx context.Context, w Watcher, changed chan<- struct{}, failed chan<- error) {
	for ctx.Err() == nil {
		var err error
		panicked := crash.Contain(func() {
			err = w.Watch(ctx, func() {
				select {
				case changed <- struct{}{}:
				default: // one is waiting already
				}
			})
		})
		if err = errors.Join(panicked, err); err != nil {
			select {
			case failed <- err:
			case <-ctx.Done():
			}
		}
		select {
		case <-time.After(watchAgain):
		case <-ctx.Done():
		}
	}
}

// settled returns when nothing has changed for a while.
func settled(ctx context.Context, changed <-chan struct{}) {
	longest := time.After(settleLongest)
	for {
		select {
		case <-changed:
		case <-time.After(settle):
			return
		case <-longest:
			return
		case <-ctx.Done():
			return
		}
	}
}
