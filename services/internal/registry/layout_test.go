package registry_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// layoutRemedy ends the error of a folder that is laid out in another way.
const layoutRemedy = "; a model path (MODEL_PATH) is a model file, or a folder that holds <model>/<version>/model.binpb (or model.json)"

// servedRemedy ends the error of a version that the default model would serve.
const servedRemedy = "; repair or remove it, or take another version (MODEL_VERSION)"

func TestWrongLayoutsAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, err string
	}{
		{"no model file", "iris/v2.0.0/README.md", "ROOT/iris/v2.0.0: the folder holds none of model.binpb, model.json, model.onnx, model.pkl, model.pickle, model.joblib" + servedRemedy},
		{"model file of another tool", "iris/v2.0.0/model.h5", "ROOT/iris/v2.0.0: the folder holds none of model.binpb, model.json, model.onnx, model.pkl, model.pickle, model.joblib" + servedRemedy},
		{"two model files", "iris/v1.0.0/model.json", "ROOT/iris/v1.0.0: the folder holds several model files (model.binpb, model.json); leave one" + servedRemedy},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := folder(t, "iris/v1.0.0")
			write(t, filepath.Join(root, test.file), modelBytes(t, "iris", "v1.0.0", native.JSON))
			requireRefused(t, options{Path: root}, root, test.err)
		})
	}
}

// What is in the wrong place is told, and stops nothing: a server that served yesterday with a
// folder too many must serve tomorrow.
func TestWrongFoldersAreProblems(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(root string) error
		want  string
	}{
		"model with a capital": {
			func(root string) error { return os.MkdirAll(filepath.Join(root, "Iris/v1.0.0"), 0o750) },
			`folder Iris: name: "Iris" is not 1 to 64 of a-z, 0-9, "-", "_", "." with a letter or digit first`,
		},
		"version without v": {
			func(root string) error { return os.MkdirAll(filepath.Join(root, "iris/1.0.0"), 0o750) },
			`folder iris/1.0.0: version: "1.0.0" is not a semantic version such as "v1.0.0"`,
		},
		"name for a version": {
			func(root string) error { return os.MkdirAll(filepath.Join(root, "iris/latest"), 0o750) },
			`folder iris/latest: version: "latest" is not a semantic version such as "v1.0.0"`,
		},
		"link that leads nowhere": {
			func(root string) error { return os.Symlink("gone", filepath.Join(root, "iris", "v1.1.0")) },
			"stat iris/v1.1.0: no such file or directory",
		},
		"link at the top": {
			func(root string) error { return os.Symlink("gone", filepath.Join(root, "rose")) },
			"stat rose: no such file or directory",
		},
		"two layouts in one": {
			func(root string) error {
				if err := os.MkdirAll(filepath.Join(root, "v1.0.0"), 0o750); err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(root, "v1.0.0/model.binpb"), nil, 0o600)
			},
			"folder v1.0.0 is a version, and folder iris a model; a registry has one of them at its top",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := folder(t, "iris/v1.0.0")
			if err := test.spoil(root); err != nil {
				t.Fatal(err)
			}
			l := live(t, options{Path: root})
			requireVersion(t, l.Current().Default(), "iris/v1.0.0")
			requireProblem(t, l, root, test.want)
			m, err := l.Current().Model("iris")
			if err != nil || len(m.Problems) != 1 || m.Problems[0] != test.want {
				t.Errorf("the model tells of %q (%v), expected the same", m.Problems, err)
			}
			set(t, l, "v1.0.0") // and changes nothing about changes
		})
	}
}

func TestOtherFilesArePassedOver(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	for _, name := range []string{
		"README.md", ".gitkeep", "lost+found/x", ".trash/iris/v1.0.0/model.binpb", "iris/.v2.0.0.partial/model.binpb", "iris/CHANGELOG.md", "iris/.DS_Store",
		"iris/v1.0.0/README.md", "iris/v1.0.0/.model.binpb.123.tmp", "iris/v1.0.0/model.binpb~", "iris/v1.0.0/model.sha256",
	} {
		write(t, filepath.Join(root, name), []byte("not a model"))
	}
	r := open(t, options{Path: root})
	if diff := cmp.Diff([]string{"iris/v1.0.0"}, names(r.Versions()...)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if broken := r.Broken(); len(broken) > 0 {
		t.Errorf("there are broken versions: %v", broken)
	}
}

func TestLoopsOfLinksAreRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	loop := filepath.Join(root, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	requireRefused(t, options{Path: loop}, root, "ROOT/loop: the model file or registry folder cannot be read: too many levels of symbolic links; "+
		"expected the path of one (MODEL_PATH), or none for the built-in iris model")
	requireRefused(t, options{Path: root}, root, "ROOT: stat loop: too many levels of symbolic links"+layoutRemedy)
}

// The root of a file system is a folder of folders, as a registry is.
func TestTheRootOfAFileSystemIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := openRegistry(options{Path: "/"}); err == nil || !strings.HasSuffix(err.Error(), layoutRemedy) {
		t.Errorf("got error %v, expected one that ends in %q", err, layoutRemedy)
	}
}

// Kubernetes mounts a ConfigMap as links to ..data, itself a link to a folder with a date.
func TestMountedConfiguration(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	link := func(target, name string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	// A version's folder is the mount.
	write(t, filepath.Join(root, "iris/v1.0.0/..2026_11_23/model.json"), modelBytes(t, "iris", "v1.0.0", native.JSON))
	link("..2026_11_23", "iris/v1.0.0/..data")
	link("..data/model.json", "iris/v1.0.0/model.json")
	// The version's folder, and all of a model, are links.
	publish(t, filepath.Join(root, "..2026_11_24"), "iris/v2.0.0", "rose/v1.0.0")
	link("..2026_11_24", "..data")
	link("../..data/iris/v2.0.0", "iris/v2.0.0")
	link("..data/rose", "rose")

	r := open(t, options{Path: root, DefaultModel: "iris"})
	if diff := cmp.Diff([]string{"iris/v2.0.0", "iris/v1.0.0", "rose/v1.0.0"}, names(r.Versions()...)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}

	// The registry itself may be a link, and so may a single file.
	link(".", "..models")
	open(t, options{Path: filepath.Join(root, "..models"), DefaultModel: "iris"})
	requireVersion(t, open(t, options{Path: filepath.Join(root, "iris/v1.0.0/model.json")}).Default(), "iris/v1.0.0")
}
