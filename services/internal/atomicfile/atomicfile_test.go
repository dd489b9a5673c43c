package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestWriteCreatesAndReplaces(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.binpb")
	for _, content := range []string{"first", "second, which is longer", ""} {
		if err := Write(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		expectContent(t, path, content)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o640 {
			t.Errorf("permissions are %v, expected 0640", got)
		}
		expectAlone(t, path)
	}
}

func TestWriteInTheWorkingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := Write("model.json", []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	expectContent(t, "model.json", "{}")
	expectAlone(t, "model.json")
}

func TestWriteFollowsASymbolicLink(t *testing.T) {
	t.Parallel()
	folder, elsewhere := t.TempDir(), t.TempDir()
	target, link := filepath.Join(elsewhere, "target"), filepath.Join(folder, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	expectContent(t, target, "new")
	info, err := os.Lstat(link)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
}

func TestWriteSaysWhereItCannot(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(folder, "dangling")
	if err := os.Symlink(filepath.Join(folder, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, names string
		is                error
	}{
		{"a directory", folder, folder, syscall.EISDIR},
		{"in a folder that does not exist", filepath.Join(folder, "no", "model"), filepath.Join(folder, "no"), fs.ErrNotExist},
		{"in a file", filepath.Join(file, "model"), file, syscall.ENOTDIR},
		{"a device", os.DevNull, os.DevNull, nil},
		{"a link that leads nowhere", dangling, "nowhere", fs.ErrNotExist},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := Write(test.path, []byte("new"), 0o600)
			if err == nil {
				t.Fatal("no error")
			}
			if checked := Check(test.path); checked == nil {
				t.Error("Check finds nothing wrong")
			}
			if !strings.Contains(err.Error(), test.names) {
				t.Errorf("%q does not name %q", err, test.names)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%q is not %q", err, test.is)
			}
		})
	}
}

func TestCheckChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.binpb")
	if err := Check(path); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Check(path); err != nil {
		t.Fatal(err)
	}
	expectContent(t, path, "old")
	expectAlone(t, path)
}

func TestWriteToAnUnwritableFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("not run: root may write to every folder")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "model.binpb")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	err := Write(path, []byte("new"), 0o600)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), folder) {
		t.Errorf("error is %v, expected one of permissions that names %s", err, folder)
	}
	expectContent(t, path, "old")
}

func TestWriteThatFailsLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	good := steps{flush: (*os.File).Sync, rename: os.Rename, flushFolder: FlushFolder}
	tests := []struct {
		name  string
		steps steps
		want  string
	}{
		{"flushing the file", steps{flush: func(*os.File) error { return broken }, rename: good.rename, flushFolder: good.flushFolder}, "old"},
		{"renaming", steps{flush: good.flush, rename: func(string, string) error { return broken }, flushFolder: good.flushFolder}, "old"},
		{"flushing the folder", steps{flush: good.flush, rename: good.rename, flushFolder: func(string) error { return broken }}, "new"},
		{"nothing", good, "new"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "model.binpb")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := write(path, []byte("new"), 0o600, test.steps)
			if failed := test.name != "nothing"; failed != errors.Is(err, broken) {
				t.Errorf("error is %v", err)
			}
			expectContent(t, path, test.want)
			expectAlone(t, path)
		})
	}
}

func TestReadersSeeOneWriteOrAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "model.binpb")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<16), bytes.Repeat([]byte("b"), 1<<15)}
	if err := Write(path, contents[0], 0o600); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for _, content := range contents {
		writers.Go(func() {
			for range 10 {
				if err := Write(path, content, 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 100 {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
			t.Fatalf("read %d bytes that no one wrote", len(got))
		}
	}
	writers.Wait()
	expectAlone(t, path)
}

func expectContent(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("the file holds %q, expected %q", got, want)
	}
}

func expectAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("the folder holds %v, expected only %s", entries, filepath.Base(path))
	}
}
