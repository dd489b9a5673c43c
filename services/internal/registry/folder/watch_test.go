package folder_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/folder"
)

// place is a temporary folder to act in.
type place struct {
	*testing.T
	root string
}

func newPlace(t *testing.T) place {
	t.Helper()
	return place{t, t.TempDir()}
}

func (p place) path(name string) string { return filepath.Join(p.root, filepath.FromSlash(name)) }

func (p place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// write rewrites a file in place, and makes the folders on the way to it.
func (p place) write(name, content string) {
	p.Helper()
	p.mkdir(filepath.Dir(name))
	p.must(os.WriteFile(p.path(name), []byte(content), 0o600))
}

func (p place) mkdir(name string)        { p.Helper(); p.must(os.MkdirAll(p.path(name), 0o750)) }
func (p place) remove(name string)       { p.Helper(); p.must(os.RemoveAll(p.path(name))) }
func (p place) rename(from, to string)   { p.Helper(); p.must(os.Rename(p.path(from), p.path(to))) }
func (p place) link(target, name string) { p.Helper(); p.must(os.Symlink(target, p.path(name))) }

// relink puts a link in the place of another as Kubernetes does.
func (p place) relink(target, name string) {
	p.Helper()
	p.link(target, name+"_tmp")
	p.rename(name+"_tmp", name)
}

// watched starts to watch a store. The function that it returns tells whether there was a call
// since the last quiet time.
func watched(t *testing.T, s registry.Store) (called func(within time.Duration) bool) {
	t.Helper()
	watcher, ok := s.(registry.Watcher)
	if !ok {
		t.Fatal("the store is no watcher")
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- watcher.Watch(ctx, func() {
			select {
			case calls <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watching ended with %v", err)
		}
	})
	called = func(within time.Duration) bool {
		select {
		case <-calls:
			return true
		case <-time.After(within):
			return false
		}
	}
	if !called(long) {
		t.Fatal("no call at the start")
	}
	return called
}

const (
	long  = 20 * time.Second // never waited for in full, but by a test that fails
	quiet = 100 * time.Millisecond
)

func TestWatchTells(t *testing.T) {
	t.Parallel()
	type steps []func(p place)
	tests := []struct {
		name  string
		setup func(p place)
		steps steps
	}{
		{"of a file written in place", func(p place) { p.write("m/v1/f", "1") },
			steps{func(p place) { p.write("m/v1/f", "2") }}},
		{"of a file replaced", func(p place) { p.write("m/r.json", "1"); p.write("new", "2") },
			steps{func(p place) { p.rename("new", "m/r.json") }}},
		{"of a file removed", func(p place) { p.write("m/v1/f", "1") },
			steps{func(p place) { p.remove("m/v1/f") }}},
		{"of new folders, level by level", func(place) {},
			steps{
				func(p place) { p.mkdir("m") },
				func(p place) { p.mkdir("m/v1") },
				func(p place) { p.write("m/v1/f", "1") },
				func(p place) { p.write("m/v1/f", "2") },
			}},
		{"of folders that come filled", func(p place) { p.write(".t/v1/f", "1") },
			steps{
				func(p place) { p.rename(".t", "m") },
				func(p place) { p.write("m/v1/f", "2") },
			}},
		{"of a folder removed and made again", func(p place) { p.write("m/v1/f", "1") },
			steps{
				func(p place) { p.remove("m"); p.write("m/v1/f", "2") },
				func(p place) { p.write("m/v1/f", "3") },
			}},
		{"of a folder exchanged for another", func(p place) { p.write("m/v1/f", "1"); p.write(".n/v1/f", "2") },
			steps{
				func(p place) { p.rename("m", ".o"); p.rename(".n", "m") },
				func(p place) { p.write("m/v1/f", "3") },
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			test.setup(p)
			requireCalls(p, watched(t, open(t, p.root)), test.steps)
		})
	}
}

func requireCalls(p place, called func(time.Duration) bool, steps []func(p place)) {
	p.Helper()
	for i, step := range steps {
		step(p)
		if !called(long) {
			p.Fatalf("no call after step %d", i)
		}
		for called(quiet) {
		}
	}
}

func TestWatchFollowsLinks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		setup func(p place)
		steps []func(p place)
	}{
		{"to a folder elsewhere", func(p place) { p.write("else/v1/f", "1"); p.link("../else", "root/m") }, []func(p place){
			func(p place) { p.write("else/v1/f", "2") },
			func(p place) { p.write("else/v2/f", "1") },
			func(p place) { p.write("else/v2/f", "2") },
			func(p place) { p.write("other/v1/f", "2"); p.relink("../other", "root/m") },
			func(p place) { p.write("other/v1/f", "3") },
		}},
		{"to a file elsewhere", func(p place) { p.write("else/f", "1"); p.mkdir("root/m/v1"); p.link("../../../else/f", "root/m/v1/f") }, []func(p place){
			func(p place) { p.write("else/f", "2") },
		}},
		{"to what comes later", func(p place) { p.link("../else/m", "root/m"); p.mkdir("else") }, []func(p place){
			func(p place) { p.write("else/m/v1/f", "1") },
			func(p place) { p.write("else/m/v1/f", "2") },
		}},
		{"as Kubernetes mounts files", func(p place) {
			p.write("root/..1/m/v1/f", "1")
			p.link("..1", "root/..data")
			p.link("..data/m", "root/m")
		}, []func(p place){
			func(p place) { p.write("root/..2/m/v1/f", "2"); p.relink("..2", "root/..data"); p.remove("root/..1") },
			func(p place) { p.write("root/..2/m/v1/f", "3") },
			func(p place) { p.write("root/..3/m/v1/f", "4"); p.relink("..3", "root/..data"); p.remove("root/..2") },
			func(p place) { p.write("root/..3/m/v1/f", "5") },
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.mkdir("root")
			test.setup(p)
			requireCalls(p, watched(t, open(t, p.path("root"))), test.steps)
		})
	}
}

func TestWatchSeesTheFolderItselfExchanged(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("releases/1/m/v1/f", "1")
	p.write("releases/2/m/v1/f", "2")
	p.link("releases/1", "current")
	requireCalls(p, watched(t, open(t, p.path("current"))), []func(p place){
		func(p place) { p.relink("releases/2", "current") },
		func(p place) { p.write("releases/2/m/v1/f", "3") },
		func(p place) { p.remove("releases") },
		func(p place) { p.write("releases/2/m/v1/f", "4") },
		func(p place) { p.write("releases/2/m/v1/f", "5") },
	})
}

func TestWatchPassesOverWhatIsHidden(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("m/v1/f", "1")
	called := watched(t, open(t, p.root))
	p.write("m/v1/.f.123.tmp", "2")
	p.write("m/.lock", "")
	p.write(".t.123.tmp/v1/f", "1")
	if called(quiet) {
		t.Error("a call for what is hidden")
	}
}

func TestWatchOfASingleFile(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("f", "1")
	s, err := folder.File(p.path("f"))
	p.must(err)
	called := watched(t, s)
	p.write("other", "1")
	if called(quiet) {
		t.Error("a call for another file")
	}
	requireCalls(p, called, []func(p place){
		func(p place) { p.write("f", "2") },
		func(p place) { p.rename("other", "f") },
		func(p place) { p.remove("f") },
		func(p place) { p.write("f", "3") },
	})
}

func TestWatchOfASingleLink(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("..1/f", "1")
	p.link("..1", "..data")
	p.link("..data/f", "f")
	s, err := folder.File(p.path("f"))
	p.must(err)
	requireCalls(p, watched(t, s), []func(p place){
		func(p place) { p.write("..2/f", "2"); p.relink("..2", "..data"); p.remove("..1") },
		func(p place) { p.write("..2/f", "3") },
	})
}

func TestWatchIsNotDeceivedByAFolderMadeAgain(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("m/v1/f", "1")
	watcher, ok := open(t, p.root).(registry.Watcher)
	if !ok {
		t.Fatal("the store is no watcher")
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- watcher.Watch(ctx, func() {
			select {
			case calls <- struct{}{}:
			case <-ctx.Done():
			}
		})
	}()
	// Of one call it is known that it has begun, and the watcher waits in the next until all of this
	// is done: it never sees the folder away.
	<-calls
	p.write("m/v1/f", "2")
	time.Sleep(quiet)
	p.remove("m")
	p.write("m/v1/f", "3")
	for quietly := false; !quietly; {
		select {
		case <-calls:
		case <-time.After(quiet):
			quietly = true
		}
	}
	p.write("m/v1/f", "4")
	select {
	case <-calls:
	case <-time.After(long):
		t.Error("no call for a file of the new folder")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
