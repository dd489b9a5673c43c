package registry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// hang returns a fault that keeps operations of a name waiting, whatever their context says, and
// a channel that has something in it as soon as one waits. They go on when the test ends.
func hang(t *testing.T, name string) (fault registrytest.Fault, begun <-chan struct{}) {
	t.Helper()
	release, hangs := make(chan struct{}), make(chan struct{}, 1)
	t.Cleanup(func() { close(release) })
	return func(_ context.Context, o registrytest.Operation) error {
		if o.Name == name {
			select {
			case hangs <- struct{}{}:
			default:
			}
			<-release
		}
		return nil
	}, hangs
}

// TestHangingStoreKeepsNobodyWaiting: neither those who look at the registry, nor those who would
// change it, nor those who only read what is served, even where the store heeds no context.
func TestHangingStoreKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"files", "readdir", "stat", "read", "replace"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
			l, store := faulty(t, root, registry.Options{})
			set(t, l, "v1.0.0")
			publish(t, root, "iris/v1.1.0") // to be read again
			fault, begun := hang(t, name)
			store.Break(fault)
			first, giveUp := context.WithTimeout(t.Context(), within)
			defer giveUp()
			hanging := make(chan error, 1)
			go func() {
				wanted := present(t, l)
				wanted.Stable = "v1.1.0"
				if _, err := l.Reload(first); err != nil {
					hanging <- err
					return
				}
				_, err := l.SetRollout(first, wanted, rollout.Change{Time: time.Now(), Actor: "ada"})
				hanging <- err
			}()
			<-begun
			requireVersion(t, l.Current().Default(), "iris/v1.0.0")
			present(t, l)
			short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			wanted := present(t, l)
			wanted.Stable = "v1.1.0"
			if _, err := l.SetRollout(short, wanted, rollout.Change{Time: time.Now(), Actor: "bob"}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("SetRollout: %v", err)
			}
			if _, err := l.Publish(short, modelBytes(t, "iris", "v1.2.0", native.Binary), false, rollout.Change{Time: time.Now(), Actor: "bob"}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Publish: %v", err)
			}
			giveUp()
			if err := <-hanging; !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up gets %v", err)
			}
			if problems := l.Current().Problems(); len(problems) > 0 {
				t.Errorf("nobody's patience is a problem of the registry: %q", problems)
			}
		})
	}
}

// TestSilentStoreIsSaidToBe: looking at a store that gives no sign of life ends by itself.
func TestSilentStoreIsSaidToBe(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l, store := faulty(t, root, registry.Options{Patience: 50 * time.Millisecond})
	release := make(chan struct{})
	store.Break(func(context.Context, registrytest.Operation) error { <-release; return nil })
	for range 2 { // the second waits for the first, which still hangs
		_, err := l.Reload(t.Context())
		requireError(t, err, root, "ROOT: no answer within 50ms")
		requireProblem(t, l, root, "ROOT: no answer within 50ms")
		requireVersion(t, l.Current().Default(), "iris/v1.0.0")
	}
	store.Mend()
	close(release)
	eventually(t, func() bool { _, err := l.Reload(t.Context()); return err == nil })
	if problems := l.Current().Problems(); len(problems) > 0 {
		t.Errorf("there are problems: %q", problems)
	}
}

// TestOpeningEnds although the store does not answer.
func TestOpeningEnds(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	inner, _ := openStore(t, root)
	store := registrytest.NewFaulty(inner)
	fault, begun := hang(t, "read")
	store.Break(fault)
	_, err := registry.Open(t.Context(), store, registry.Options{Patience: 50 * time.Millisecond})
	requireError(t, err, root, "ROOT: no answer within 50ms")
	<-begun
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-begun; cancel(errors.New("stopped by a signal: interrupt")) }()
	_, err = registry.Open(ctx, store, registry.Options{})
	if err == nil || !strings.Contains(err.Error(), "stopped by a signal: interrupt") {
		t.Errorf("got %v", err)
	}
}

// TestStoreThatIsSlowIsRead: what counts is that it goes on answering.
func TestStoreThatIsSlowIsRead(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	const patience = 2 * time.Second
	l, store := faulty(t, root, registry.Options{Patience: patience})
	publish(t, root, "iris/v1.1.0", "iris/v1.2.0", "iris/v1.3.0")
	store.Break(func(context.Context, registrytest.Operation) error { time.Sleep(patience / 8); return nil })
	start := time.Now()
	reload(t, l, true)
	if took := time.Since(start); took < patience {
		t.Errorf("it took %v, which shows nothing", took)
	}
	requireVersion(t, l.Current().Default(), "iris/v1.3.0")
}
