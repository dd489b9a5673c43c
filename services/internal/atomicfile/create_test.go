package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestCreateReplacesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.binpb")
	if err := Create(path, []byte("first"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, []byte("second"), 0o640); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error is %v, expected one of existence", err)
	}
	expectContent(t, path, "first")
	expectAlone(t, path)
}

func TestCreateDoesNotFollowLinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere", path); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, []byte("new"), 0o640); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error is %v, expected one of existence", err)
	}
	expectAlone(t, path)
}

func TestOfSeveralCreatesOneSucceeds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.binpb")
	var writers sync.WaitGroup
	var won atomic.Int32
	for range 16 {
		writers.Go(func() {
			switch err := Create(path, []byte("new"), 0o640); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if won.Load() != 1 {
		t.Errorf("%d succeeded, expected one", won.Load())
	}
	expectContent(t, path, "new")
	expectAlone(t, path)
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	good := steps{flush: (*os.File).Sync, link: os.Link, flushFolder: FlushFolder}
	unlinkable := func(err error) steps {
		return steps{flush: good.flush, flushFolder: good.flushFolder, link: func(string, string) error {
			return &os.LinkError{Op: "link", Err: err}
		}}
	}
	tests := []struct {
		name  string
		steps steps
		is    error
	}{
		{"flushing the file", steps{flush: func(*os.File) error { return broken }, link: good.link, flushFolder: good.flushFolder}, broken},
		{"linking", unlinkable(broken), broken},
		{"losing", unlinkable(fs.ErrExist), fs.ErrExist},
		{"no links", unlinkable(syscall.EPERM), ErrNoLinks},
		{"not even the call", unlinkable(syscall.ENOSYS), ErrNoLinks},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "model.binpb")
			if err := createNew(path, []byte("new"), 0o640, test.steps); !errors.Is(err, test.is) {
				t.Errorf("error is %v, expected %v", err, test.is)
			}
			if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
				t.Errorf("the folder holds %v, %v", entries, err)
			}
		})
	}
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), strings.Repeat("x", 255))
	if err := Create(path, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("newer"), 0o640); err != nil {
		t.Fatal(err)
	}
	expectContent(t, path, "newer")
	expectAlone(t, path)
}

func TestContentsOfOneLengthDifferInTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rollout.json")
	seen := map[int64]bool{}
	const contents = 50
	for range contents {
		if err := Write(path, []byte("{}"), 0o640); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		seen[info.ModTime().UnixNano()] = true
	}
	if len(seen) != contents {
		t.Errorf("%d contents have %d times", contents, len(seen))
	}
}
