package registry_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func live(t *testing.T, o options) *registry.Live {
	t.Helper()
	l, err := openLive(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// reload fails the test unless the reload changes what it is expected to.
func reload(t *testing.T, l *registry.Live, changes bool) {
	t.Helper()
	changed, err := l.Reload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if changed != changes {
		t.Errorf("changed is %v, expected %v; problems: %q, broken: %v", changed, changes, l.Current().Problems(), l.Current().Broken())
	}
}

// requireProblem checks that exactly one problem is known, which ends in want.
func requireProblem(t *testing.T, l *registry.Live, root, want string) {
	t.Helper()
	problems := l.Current().Problems()
	if want = strings.ReplaceAll(want, "ROOT", root); len(problems) != 1 || problems[0] != want {
		t.Errorf("the problems are\n\t%s\nexpected\n\t%s", strings.Join(problems, "\n\t"), want)
	}
}

func TestReloadServesTheNewestRelease(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	before := l.Current()
	reload(t, l, false)
	if l.Current() != before {
		t.Error("there is another snapshot, though nothing has changed")
	}
	publish(t, root, "iris/v1.1.0", "rose/v1.0.0")
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v1.1.0")
	requireVersion(t, before.Default(), "iris/v1.0.0") // a snapshot never changes
	if _, err := l.Current().Resolve("rose", ""); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(filepath.Join(root, "iris/v1.0.0")); err != nil {
		t.Fatal(err)
	}
	reload(t, l, true)
	if v, err := l.Current().Resolve("iris", "v1.0.0"); err == nil {
		t.Errorf("%v is served, though nothing names it and its file is gone", v)
	}
}

func TestWhatIsBadNeverReplacesWhatServes(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	write(t, filepath.Join(root, "iris/v2.0.0/model.binpb"), []byte("PK\x03\x04"))
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v1.0.0")
	requireProblem(t, l, root, "ROOT/iris/v2.0.0/model.binpb: the file is no Sepal model, or is damaged or cut short: it looks like a zip archive")
	_, err := l.Current().Resolve("iris", "v2.0.0")
	requireUnavailable(t, err, `version "v2.0.0" of model "iris" could not be loaded; the server's log says why`)
	reload(t, l, false)

	write(t, filepath.Join(root, "iris/v2.0.0/model.binpb"), modelBytes(t, "iris", "v2.0.0", native.Binary))
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v2.0.0")
	if problems := l.Current().Problems(); len(problems) > 0 {
		t.Errorf("there are problems: %q", problems)
	}
}

func TestFilesOfVersionsThatServeMayGoOrChange(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v0.9.0")
	l := live(t, options{Path: root})
	path := filepath.Join(root, "iris/v1.0.0/model.binpb")
	whole := modelBytes(t, "iris", "v1.0.0", native.Binary)
	other := modelBytes(t, "iris", "v1.0.0", native.JSON)
	digest := l.Current().Default().Digest
	for name, test := range map[string]struct {
		spoil func() error
		want  string
	}{
		"gone":      {func() error { return os.RemoveAll(filepath.Dir(path)) }, "ROOT/iris/v1.0.0/model.binpb: the file is gone; what was loaded serves on"},
		"cut short": {func() error { return os.WriteFile(path, whole[:20], 0o600) }, "ROOT/iris/v1.0.0/model.binpb: "},
		"another": {
			func() error { return os.WriteFile(path, other, 0o600) },
			"ROOT/iris/v1.0.0/model.binpb: the file has other content by now",
		},
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := test.spoil(); err != nil {
			t.Fatal(err)
		}
		reload(t, l, true)
		v := l.Current().Default()
		requireVersion(t, v, "iris/v1.0.0")
		if want := strings.ReplaceAll(test.want, "ROOT", root); v.Digest != digest || !strings.HasPrefix(v.Problem, want) {
			t.Errorf("%s: digest %s, problem %q, expected %s and %q", name, v.Digest, v.Problem, digest, want)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		write(t, path, whole)
		reload(t, l, true)
		if problem := l.Current().Default().Problem; problem != "" {
			t.Errorf("%s, and mended: the problem is %q", name, problem)
		}
	}
}

func TestStrayFoldersStopNothingWhileServing(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	publish(t, root, "iris/v1.1.0")
	write(t, filepath.Join(root, "Backup/v1.0.0/model.binpb"), nil)
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v1.1.0")
	requireProblem(t, l, root, `folder Backup: name: "Backup" is not 1 to 64 of a-z, 0-9, "-", "_", "." with a letter or digit first`)
}

func TestVanishedRegistryServesOn(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	l := live(t, options{Path: root})
	if err := os.Rename(root, root+"-away"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Reload(t.Context()); err == nil {
		t.Log("the store takes a missing folder for an empty one")
	}
	requireVersion(t, l.Current().Default(), "iris/v1.0.0")
	if err := os.Rename(root+"-away", root); err != nil {
		t.Fatal(err)
	}
	publish(t, root, "iris/v1.1.0")
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "iris/v1.1.0")
	if problems := l.Current().Problems(); len(problems) > 0 {
		t.Errorf("there are problems: %q", problems)
	}
}

// record returns the content of the rollout file of the model iris, of which nobody changed
// anything since version was stable.
func record(t *testing.T, version string) []byte {
	t.Helper()
	data, err := rollout.Encode(rollout.NewRecord(rollout.Initial("iris", version)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFlatLayout(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "models")
	write(t, filepath.Join(root, "v1.0.0/model.binpb"), modelBytes(t, "iris", "v1.0.0", native.Binary))
	write(t, filepath.Join(root, "v1.1.0/model.json"), modelBytes(t, "iris", "v1.1.0", native.JSON))
	write(t, filepath.Join(root, "v1.2.0/model.json"), modelBytes(t, "rose", "v1.2.0", native.JSON))
	write(t, filepath.Join(root, "rollout.json"), record(t, "v1.0.0"))
	l := live(t, options{Path: root})
	requireVersion(t, l.Current().Default(), "iris/v1.0.0")
	broken := l.Current().Broken()
	if len(broken) != 1 {
		t.Fatalf("broken are %v, expected one", broken)
	}
	requireError(t, broken[0], root, "ROOT/v1.2.0/model.json: the file is rose v1.2.0 by its own account, but stands in the folder of v1.2.0 in a registry of iris")

	pickle, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "models-elsewhere", "sklearn", "iris_lr_sk1.2.1_p4.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "Flower Models")
	write(t, filepath.Join(foreign, "v1.0.0/model.pkl"), pickle)
	requireVersion(t, live(t, options{Path: foreign}).Current().Default(), "flower-models/v1.0.0")
}

func TestSingleFileThatIsReplaced(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "m.binpb"), modelBytes(t, "iris", "v1.0.0", native.Binary))
	l := live(t, options{Path: path})
	write(t, path, []byte("PK\x03\x04"))
	reload(t, l, true)
	v := l.Current().Default()
	requireVersion(t, v, "iris/v1.0.0")
	if want := path + ": the file is no Sepal model, or is damaged or cut short: it looks like a zip archive; what was loaded serves on"; v.Problem != want {
		t.Errorf("the problem is %q, expected %q", v.Problem, want)
	}
	write(t, path, modelBytes(t, "rose", "v2.0.0", native.JSON))
	reload(t, l, true)
	requireVersion(t, l.Current().Default(), "rose/v2.0.0")
	if got := names(l.Current().Versions()...); len(got) != 1 {
		t.Errorf("versions are %q, expected the one of the file", got)
	}
}

func TestRegistryInNeedOfRepair(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t, t.TempDir())
	l, err := registry.Open(t.Context(), store, registry.Options{Repair: true})
	if err != nil {
		t.Fatal(err)
	}
	if v := l.Current().Default(); v != nil {
		t.Errorf("%v is served from an empty folder", v)
	}
	_, err = l.Current().Resolve("", "")
	requireError(t, err, "", "there is no model here yet; publish one")

	root := folder(t, "iris/v1.0.0")
	write(t, filepath.Join(root, "iris/v2.0.0/model.binpb"), []byte("PK\x03\x04"))
	store, _ = openStore(t, root)
	if l, err = registry.Open(t.Context(), store, registry.Options{Repair: true}); err != nil {
		t.Fatal(err)
	}
	_, err = l.Current().Resolve("", "")
	requireUnavailable(t, err, "model \"iris\" has no version that could answer; `sepal models list` says why")
	if _, err := l.Current().Resolve("iris", "v1.0.0"); err != nil {
		t.Error(err)
	}
}

// TestFollow shows that servers of one folder take up each other's changes.
func TestFollow(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v1.1.0")
	a, b := live(t, options{Path: root}), live(t, options{Path: root})
	ctx, cancel := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		b.Follow(ctx, 0, func(err error) { t.Errorf("reported: %v", err) })
	}()
	// Watching begins at some moment; until then changes are made in vain.
	deadline := time.Now().Add(20 * time.Second)
	for stable := "v1.0.0"; b.Current().Default().Version != "v1.0.0" && time.Now().Before(deadline); {
		set(t, a, stable)
		time.Sleep(100 * time.Millisecond)
	}
	requireVersion(t, b.Current().Default(), "iris/v1.0.0")
	cancel()
	<-followed
}
