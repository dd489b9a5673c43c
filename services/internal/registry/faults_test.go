package registry_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// within is what nothing takes that does not hang.
const within = time.Minute

// faulty opens a registry of a folder whose store can be made to fail.
func faulty(t *testing.T, root string, o registry.Options) (*registry.Live, *registrytest.Faulty) {
	t.Helper()
	folder, _ := openStore(t, root)
	store := registrytest.NewFaulty(folder)
	t.Cleanup(store.Wait)
	l, err := registry.Open(t.Context(), store, o)
	if err != nil {
		t.Fatal(err)
	}
	return l, store
}

// on makes operations of a name fail by an error.
func on(name string, err error) registrytest.Fault {
	return func(_ context.Context, o registrytest.Operation) error {
		if o.Name == name {
			return err
		}
		return nil
	}
}

// TestVersionsThatCouldNotBeReadAreTriedAgain: a store that fails for a moment must not leave a new
// version behind as one that is broken, though its file never changes again.
func TestVersionsThatCouldNotBeReadAreTriedAgain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"open", "read"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := folder(t, "iris/v1.0.0")
			l, store := faulty(t, root, registry.Options{})
			publish(t, root, "iris/v1.1.0")
			store.Break(on(name, syscall.EIO))
			reload(t, l, true)
			requireVersion(t, l.Current().Default(), "iris/v1.0.0")
			requireProblem(t, l, root, "ROOT/iris/v1.1.0/model.binpb: cannot be read: input/output error")
			before := l.Current()
			reload(t, l, false)
			if l.Current() != before {
				t.Error("there is another snapshot, though it was tried in vain")
			}
			store.Mend()
			reload(t, l, true)
			requireVersion(t, l.Current().Default(), "iris/v1.1.0")
			if problems := l.Current().Problems(); len(problems) > 0 {
				t.Errorf("there are problems: %q", problems)
			}
		})
	}
}

// TestFaultsLeaveWhatServes breaks one operation after the other, and lets everything be looked at
// anew: what was loaded serves on, the reason is told, and all is well when the fault is over.
func TestFaultsLeaveWhatServes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault registrytest.Fault
		want  string
	}{
		"no store":         {on("files", syscall.EHOSTDOWN), "ROOT: host is down"},
		"no descriptor":    {on("readdir", syscall.EMFILE), "ROOT: "},
		"no answer":        {on("stat", context.DeadlineExceeded), "deadline exceeded; what was loaded serves on"},
		"unreadable files": {on("open", syscall.EACCES), "permission denied"},
		"cut short":        {on("read", io.ErrUnexpectedEOF), "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
			l, store := faulty(t, root, registry.Options{})
			set(t, l, "v1.0.0")
			before := present(t, l)
			// Newer files, with the same content: they must be read.
			publish(t, root, "iris/v1.0.0", "iris/v1.1.0")
			store.Break(test.fault)
			_, err := l.Reload(t.Context())
			problems := strings.Join(l.Current().Problems(), "\n")
			if want := strings.ReplaceAll(test.want, "ROOT", root); !strings.Contains(problems, want) {
				t.Errorf("the problems are %q, the error %v, expected %q", problems, err, want)
			}
			requireVersion(t, l.Current().Default(), "iris/v1.0.0")
			if got := present(t, l); got.GetEtag() != before.GetEtag() {
				t.Errorf("the rollout is %v, expected %v", got, before)
			}
			store.Mend()
			reload(t, l, true)
			requireVersion(t, l.Current().Default(), "iris/v1.0.0")
			if problems := l.Current().Problems(); len(problems) > 0 {
				t.Errorf("there are problems: %q", problems)
			}
		})
	}
}

// TestOldListings: a store that shows for a while what it held before takes nothing away that
// serves.
func TestOldListings(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	copied := folder(t, "iris/v1.0.0")
	l, store := faulty(t, root, registry.Options{})
	old, _ := openStore(t, copied)
	view, err := old.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Publish(t.Context(), modelBytes(t, "iris", "v1.1.0", native.Binary), false, rollout.Change{Time: time.Now(), Actor: "ada"}); err != nil {
		t.Fatal(err)
	}
	set(t, l, "v1.1.0")
	store.ShowOld(view)
	for range 3 {
		if _, err := l.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		requireVersion(t, l.Current().Default(), "iris/v1.1.0")
	}
	problems := strings.Join(l.Current().Problems(), "\n")
	for _, want := range []string{"rollout.json: the file is gone", "model.binpb: the file is gone"} {
		if !strings.Contains(problems, want) {
			t.Errorf("the problems are %s, expected %q", problems, want)
		}
	}
	store.Mend()
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v1.1.0")
	if problems := l.Current().Problems(); len(problems) > 0 {
		t.Errorf("there are problems: %q", problems)
	}
}

// TestChangesThatCannotBeWritten fail with the reason, leave everything as it was, and can be made
// once there is room.
func TestChangesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l, store := faulty(t, root, registry.Options{})
	set(t, l, "v1.0.0")
	file := modelBytes(t, "iris", "v1.1.0", native.Binary)
	by := rollout.Change{Time: time.Now(), Actor: "ada", RequestID: "p-1"}
	store.Break(on("create", syscall.ENOSPC))
	_, err := l.Publish(t.Context(), file, false, by)
	requireError(t, err, root, "ROOT/iris/v1.1.0/model.binpb: no space left on device")
	store.Break(on("replace", syscall.ENOSPC))
	wanted := present(t, l)
	wanted.Seed = "another"
	_, err = l.SetRollout(t.Context(), wanted, rollout.Change{Time: time.Now(), Actor: "ada"})
	requireError(t, err, root, "ROOT/iris/rollout.json: no space left on device")
	requireRevision(t, l, 1)

	// The file finds room, and its record does not.
	_, err = l.Publish(t.Context(), file, false, by)
	requireError(t, err, root, "iris v1.1.0 is published, but its publication could not be put on record: ROOT/iris/rollout.json: no space left on device")
	requireVersion(t, l.Current().Default(), "iris/v1.0.0")
	store.Mend()
	p, err := l.Publish(t.Context(), file, false, by)
	if err != nil || p.Event.GetVersion() != "v1.1.0" || p.Event.GetRevision() != 2 {
		t.Errorf("made again: %v, %v", p, err)
	}
	set(t, l, "v1.1.0")
	stable(t, l, "v1.1.0")
}

func requireRevision(t *testing.T, l *registry.Live, want uint32) {
	t.Helper()
	if got := present(t, l).GetRevision(); got != want {
		t.Errorf("the rollout is revision %d, expected %d", got, want)
	}
}

// TestPanicsWhileReading are told, and take nothing down.
func TestPanicsWhileReading(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	var told atomic.Int32
	l, store := faulty(t, root, registry.Options{Panicked: func(p *crash.PanicError) {
		if p.Value == "broken decoder" && strings.Contains(string(p.Stack), "faults_test.go") {
			told.Add(1)
		}
	}})
	publish(t, root, "iris/v1.1.0")
	store.Break(func(_ context.Context, o registrytest.Operation) error {
		if o.Name == "read" && strings.Contains(o.Path, "v1.1.0") {
			panic("broken decoder")
		}
		return nil
	})
	reload(t, l, true)
	reload(t, l, false)
	requireVersion(t, l.Current().Default(), "iris/v1.0.0")
	requireProblem(t, l, root, "ROOT/iris/v1.1.0/model.binpb: reading the file failed by a fault of the program, not of yours: panic: broken decoder")
	if told.Load() != 1 {
		t.Errorf("told %d times, expected once", told.Load())
	}
	store.Break(func(_ context.Context, o registrytest.Operation) error {
		if o.Name == "readdir" {
			panic("broken store")
		}
		return nil
	})
	var p *crash.PanicError
	if _, err := l.Reload(t.Context()); !errors.As(err, &p) || p.Value != "broken store" {
		t.Errorf("got %v", err)
	}
	requireVersion(t, l.Current().Default(), "iris/v1.0.0")
	store.Mend()
	publish(t, root, "iris/v1.1.0")
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v1.1.0")
}

// watched is a store that tells of changes as its function does.
type watched struct {
	registry.Store
	watch func(ctx context.Context, changed func()) error
}

func (w watched) Watch(ctx context.Context, changed func()) error { return w.watch(ctx, changed) }

// TestFollowGoesOn although the store panics where it is watched and where it is read.
func TestFollowGoesOn(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	inner, _ := openStore(t, root)
	store := registrytest.NewFaulty(inner)
	l, err := registry.Open(t.Context(), watched{store, func(context.Context, func()) error { panic("broken watcher") }}, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store.Break(func(context.Context, registrytest.Operation) error { panic("broken store") })
	ctx, cancel := context.WithCancel(t.Context())
	reports := make(chan error, 100)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		l.Follow(ctx, 10*time.Millisecond, func(err error) { reports <- err })
	}()
	said := map[any]bool{}
	for len(said) < 2 {
		var p *crash.PanicError
		if err := <-reports; !errors.As(err, &p) {
			t.Fatal(err)
		}
		said[p.Value] = true
	}
	if !said["broken watcher"] || !said["broken store"] {
		t.Errorf("reported are %v", said)
	}
	store.Mend()
	publish(t, root, "iris/v1.1.0")
	eventually(t, func() bool { return l.Current().Default().Version == "v1.1.0" })
	cancel()
	<-followed
	close(reports)
	for err := range reports {
		t.Errorf("reported again: %v", err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never comes to hold")
		}
	}
}

// TestImpatientReload: who gives up leaves no versions behind that seem broken.
func TestImpatientReload(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l, store := faulty(t, root, registry.Options{})
	publish(t, root, "iris/v1.1.0")
	ctx, cancel := context.WithCancel(t.Context())
	store.Break(func(ctx context.Context, o registrytest.Operation) error {
		if o.Name == "read" {
			cancel()
			return ctx.Err()
		}
		return nil
	})
	if _, err := l.Reload(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if problems, broken := l.Current().Problems(), l.Current().Broken(); len(problems)+len(broken) > 0 {
		t.Errorf("the problems are %q, broken are %v", problems, broken)
	}
	store.Mend()
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v1.1.0")
}

// TestVanishedFolderComesBack as another one, as a volume does that is mounted again.
func TestVanishedFolderComesBack(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "registry")
	publish(t, root, "iris/v1.0.0")
	l := live(t, options{Path: root})
	gone := func() {
		if err := os.RemoveAll(root); err != nil {
			t.Fatal(err)
		}
	}
	for name, instead := range map[string]func(){
		"nothing":         func() {},
		"a file":          func() { write(t, root, []byte("a file")) },
		"an empty folder": func() { write(t, filepath.Join(root, "lost+found", "x"), nil) },
		"another model":   func() { publish(t, root, "rose/v1.0.0") },
	} {
		gone()
		instead()
		_, err := l.Reload(t.Context())
		requireVersion(t, l.Current().Default(), "iris/v1.0.0")
		if len(l.Current().Problems()) == 0 {
			t.Errorf("%s: no problem is told, and the error is %v", name, err)
		}
		gone()
		publish(t, root, "iris/v1.0.0")
		if _, err := l.Reload(t.Context()); err != nil {
			t.Error(err)
		}
		if v := l.Current().Default(); v.Problem != "" {
			t.Errorf("%s, and mended: %s", name, v.Problem)
		}
	}
}
