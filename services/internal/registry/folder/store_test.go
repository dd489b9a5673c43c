//go:build unix

package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
)

// linkless is how a file system without hard links answers.
func linklessStore(root string) registry.Store {
	return &store{root: root, link: func(string, []byte, fs.FileMode) error { return atomicfile.ErrNoLinks }}
}

func TestFolderWithoutHardLinksIsAStore(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, func(t *testing.T) (a, b registry.Store) {
		root := t.TempDir()
		return linklessStore(root), linklessStore(root)
	})
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	for _, reason := range []error{syscall.EROFS, syscall.EACCES, syscall.EPERM} {
		s := &store{root: t.TempDir(), link: func(path string, _ []byte, _ fs.FileMode) error {
			return &fs.PathError{Op: "open", Path: path, Err: reason}
		}}
		for _, err := range []error{
			s.Create(t.Context(), "file", nil),
			s.Replace(t.Context(), "file", nil, nil),
		} {
			if want := registry.ErrReadOnly.Error() + ": " + reason.Error(); err == nil || err.Error() != want || !errors.Is(err, registry.ErrReadOnly) {
				t.Errorf("error is %v, expected %s", err, want)
			}
		}
	}
}

func TestFolderWithoutPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("not run: root may write to every folder")
	}
	root := t.TempDir()
	s := openFolder(t, root)
	if err := s.Create(t.Context(), "iris/rollout.json", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{filepath.Join(root, "iris"), root} {
		setMode(t, folder, 0o500)
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	}
	for name, err := range map[string]error{
		"new file":   s.Create(t.Context(), "iris/file", nil),
		"new folder": s.Create(t.Context(), "iris/v1.0.0/file", nil),
		"new model":  s.Create(t.Context(), "other/v1.0.0/file", nil),
		"replace":    s.Replace(t.Context(), "iris/rollout.json", []byte("{}"), nil),
	} {
		if !errors.Is(err, registry.ErrReadOnly) || !strings.HasSuffix(err.Error(), ": permission denied") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	setMode(t, root, 0)
	if _, err := Open(root); err == nil || !strings.Contains(err.Error(), root+": the model file or registry folder cannot be read: permission denied; ") {
		t.Errorf("Open: error is %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		open func(string) (registry.Store, error)
		path string
		want string
	}{
		{Open, filepath.Join(root, "no"), ": no such model file or registry folder; " + remedy},
		{File, filepath.Join(root, "no"), ": no such model file or registry folder; " + remedy},
		{Open, filepath.Join(file, "x"), ": the model file or registry folder cannot be read: not a directory; " + remedy},
		{Open, file, ": is a file, not a registry folder; " + remedy},
		{File, root, ": is a folder, not a model file; " + remedy},
	}
	for _, test := range tests {
		s, err := test.open(test.path)
		if s != nil || err == nil || err.Error() != test.path+test.want {
			t.Errorf("got %v and error\n\t%v\nexpected\n\t%s%s", s, err, test.path, test.want)
		}
	}
}

func TestFolderThatIsGone(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	s := openFolder(t, root)
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	_, err := s.Files(t.Context())
	for _, err := range []error{err, s.Create(t.Context(), "a/b", nil), s.Replace(t.Context(), "a", nil, nil)} {
		if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), root) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestSingleFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "my model.onnx")
	for _, name := range []string{path, filepath.Join(root, "other")} {
		if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	view, err := s.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fs.Glob(view, "*"); err != nil || !slices.Equal(got, []string{"my model.onnx"}) {
		t.Errorf("the view shows %q, %v", got, err)
	}
	if got, err := fs.ReadFile(view, "my model.onnx"); err != nil || string(got) != "content" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if _, err := view.Open("other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file beside it: %v", err)
	}
	if err := s.Create(t.Context(), "x", nil); !errors.Is(err, registry.ErrReadOnly) {
		t.Errorf("Create: %v", err)
	}
	if err := s.Replace(t.Context(), "my model.onnx", []byte("content"), nil); !errors.Is(err, registry.ErrReadOnly) {
		t.Errorf("Replace: %v", err)
	}
}

func TestLeftoversAreRemovedInTime(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := openFolder(t, root)
	if err := s.Create(t.Context(), "iris/v1.0.0/model.binpb", nil); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{
		".iris.1.tmp/v1/model.binpb", ".iris.2.tmp/v1/model.binpb", "iris/.v2.3.tmp/model.binpb", "iris/v1.0.0/.model.binpb.4.tmp",
		"iris/v1.0.0/.model.binpb.5.tmp", "iris/v1.0.0/.gitignore", "iris/v1.0.0/notes.6.tmp",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		".iris.1.tmp", "iris/.v2.3.tmp", "iris/v1.0.0/.model.binpb.4.tmp", "iris/v1.0.0/.gitignore", "iris/v1.0.0/notes.6.tmp",
	} {
		if err := os.Chtimes(filepath.Join(root, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	view, err := s.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	requirePaths(t, view, "iris/v1.0.0/model.binpb", "iris/v1.0.0/notes.6.tmp")
	if err := s.Create(t.Context(), "iris/v1.0.0/new", nil); err != nil {
		t.Fatal(err)
	}
	requirePaths(t, os.DirFS(root), ".iris.2.tmp/v1/model.binpb", "iris/v1.0.0/.gitignore", "iris/v1.0.0/.model.binpb.5.tmp",
		"iris/v1.0.0/model.binpb", "iris/v1.0.0/new", "iris/v1.0.0/notes.6.tmp")
}

func TestPermissionsAreThoseOfTheFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := openFolder(t, root)
	setMode(t, root, 0o770)
	if err := s.Create(t.Context(), "iris/v1.0.0/model.binpb", []byte("1")); err != nil {
		t.Fatal(err)
	}
	requireMode(t, filepath.Join(root, "iris"), fs.ModeDir|0o770)
	requireMode(t, filepath.Join(root, "iris/v1.0.0"), fs.ModeDir|0o770)
	path := filepath.Join(root, "iris/v1.0.0/model.binpb")
	requireMode(t, path, 0o660)
	setMode(t, path, 0o604)
	if err := s.Replace(t.Context(), "iris/v1.0.0/model.binpb", []byte("1"), []byte("2")); err != nil {
		t.Fatal(err)
	}
	requireMode(t, path, 0o604)
}

func TestReplaceGivesUpWaiting(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := openFolder(t, root)
	if err := s.Create(t.Context(), "rollout.json", []byte("1")); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(t.Context(), root, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Replace(ctx, "rollout.json", []byte("1"), []byte("2")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	unlock()
	if err := s.Replace(t.Context(), "rollout.json", []byte("1"), []byte("2")); err != nil {
		t.Error(err)
	}
}

func TestWhatStandsInTheWay(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := openFolder(t, root)
	if err := os.MkdirAll(filepath.Join(root, "iris/v1.0.0"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "iris", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder: %v", err)
	}
	if err := s.Create(t.Context(), "iris/v1.0.0/model.binpb", nil); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	if err := s.Create(t.Context(), "iris/v1.0.0/model.binpb/x", nil); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "link/x", nil); err == nil {
		t.Error("a link that leads nowhere is replaced")
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(t.Context(), "pipe", []byte("x"), nil); err == nil || err.Error() != "is no regular file" {
		t.Errorf("a pipe: %v", err)
	}
	requirePaths(t, os.DirFS(root), "iris/v1.0.0/model.binpb", "link", "pipe")
}

func TestInfoOfAnotherFileOfTheSameSizeAndTime(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	then := time.Now().Add(-time.Hour)
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(root, name), then, then); err != nil {
			t.Fatal(err)
		}
	}
	view, err := openFolder(t, root).Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, err := fs.Stat(view, "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(root, "b"), filepath.Join(root, "a")); err != nil {
		t.Fatal(err)
	}
	second, err := fs.Stat(view, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := first.Sys().(string); !ok || first.Sys() == second.Sys() {
		t.Errorf("infos are %v and %v", first.Sys(), second.Sys())
	}
}

func openFolder(t *testing.T, root string) registry.Store {
	t.Helper()
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func setMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func requireMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode() != want {
		t.Errorf("%s has the mode %v, expected %v", path, stat.Mode(), want)
	}
}

// requirePaths checks which files there are, hidden ones too.
func requirePaths(t *testing.T, view fs.FS, want ...string) {
	t.Helper()
	var got []string
	err := fs.WalkDir(view, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-expected +got):\n%s", diff)
	}
}
