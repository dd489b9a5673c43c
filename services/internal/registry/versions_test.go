package registry_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func TestTheNewestReleaseIsServed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		versions []string // the newest first
		served   int
	}{
		"numbers are no text":           {[]string{"iris/v1.10.0", "iris/v1.9.0", "iris/v1.2.0"}, 0},
		"a release after its candidate": {[]string{"iris/v2.0.0", "iris/v2.0.0-rc.10", "iris/v2.0.0-rc.9", "iris/v2.0.0-alpha", "iris/v1.9.9"}, 0},
		"a candidate of a newer one":    {[]string{"iris/v2.0.0-rc.1", "iris/v1.9.9"}, 1},
		"candidates only":               {[]string{"iris/v2.0.0-rc.2", "iris/v2.0.0-rc.1"}, 0},
		"builds of one version":         {[]string{"iris/v1.0.0+b", "iris/v1.0.0+a", "iris/v1.0.0"}, 0},
		"one":                           {[]string{"iris/v0.0.1"}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			versions := test.versions
			r := open(t, options{Path: folder(t, versions...)})
			requireVersion(t, r.Default(), versions[test.served])
			if diff := cmp.Diff(versions, names(r.Versions()...)); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
			for _, version := range versions {
				_, number := filepath.Split(version)
				v, err := r.Resolve("iris", number)
				if err != nil {
					t.Fatal(err)
				}
				requireVersion(t, v, version)
			}
		})
	}
}

func TestVersionIsPinned(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "iris/v2.0.0", "rose/v3.0.0", "rose/v1.0.0")
	r := open(t, options{Path: root, Version: "v1.0.0", DefaultModel: "iris"})
	requireVersion(t, r.Default(), "iris/v1.0.0")
	for _, test := range []struct{ model, version, want string }{
		{"", "", "iris/v1.0.0"},
		{"iris", "", "iris/v1.0.0"},
		{"iris", "v2.0.0", "iris/v2.0.0"},
		{"", "v2.0.0", "iris/v2.0.0"},
		{"rose", "", "rose/v3.0.0"}, // The pin is the default model's.
	} {
		v, err := r.Resolve(test.model, test.version)
		if err != nil {
			t.Fatal(err)
		}
		requireVersion(t, v, test.want)
	}
	requireRefused(t, options{Path: root, Version: "v3.0.0", DefaultModel: "iris"}, root,
		`ROOT: model "iris" has no version "v3.0.0" (MODEL_VERSION); it has: v2.0.0, v1.0.0`)
}

func TestDefaultModel(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "rose/v1.0.0")
	requireVersion(t, open(t, options{Path: root, DefaultModel: "rose"}).Default(), "rose/v1.0.0")
	requireVersion(t, open(t, options{Path: folder(t, "rose/v1.0.0")}).Default(), "rose/v1.0.0")
	requireRefused(t, options{Path: root}, root,
		"ROOT: holds several models (iris, rose); name the default one (SEPAL_DEFAULT_MODEL)")
	requireRefused(t, options{Path: root, DefaultModel: "lily"}, root,
		`ROOT: holds no model "lily" (SEPAL_DEFAULT_MODEL); it holds: iris, rose`)
}

func TestBrokenVersionsThatAreNotServedAreReported(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v2.0.0")
	write(t, filepath.Join(root, "iris/v1.0.0/model.json"), []byte("{"))
	write(t, filepath.Join(root, "iris/v1.1.0/model.binpb"), modelBytes(t, "iris", "v1.0.0", native.Binary))
	write(t, filepath.Join(root, "iris/v1.2.0/model.binpb"), modelBytes(t, "rose", "v1.2.0", native.Binary))
	write(t, filepath.Join(root, "iris/v1.4.0/README.md"), []byte("soon"))
	// Even the superuser cannot read a folder as a file.
	if err := os.MkdirAll(filepath.Join(root, "iris/v1.3.0/model.binpb"), 0o750); err != nil {
		t.Fatal(err)
	}
	r := open(t, options{Path: root})
	requireVersion(t, r.Default(), "iris/v2.0.0")
	want := []string{
		"ROOT/iris/v1.0.0/model.json: the file is not the JSON of a Sepal model, or is cut short: unexpected EOF",
		"ROOT/iris/v1.1.0/model.binpb: the file is iris v1.0.0 by its own account, but stands in the folder of iris v1.1.0",
		"ROOT/iris/v1.2.0/model.binpb: the file is rose v1.2.0 by its own account, but stands in the folder of iris v1.2.0",
		"ROOT/iris/v1.3.0/model.binpb: is no regular file, but a folder",
		"ROOT/iris/v1.4.0: the folder holds none of model.binpb, model.json, model.onnx, model.pkl, model.pickle, model.joblib",
	}
	broken := r.Broken()
	if len(broken) != len(want) {
		t.Fatalf("%d versions are broken, expected %d: %v", len(broken), len(want), broken)
	}
	for i, err := range broken {
		requireError(t, err, root, want[i])
	}
	if diff := cmp.Diff([]string{"iris/v2.0.0"}, names(r.Versions()...)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	_, err := r.Resolve("iris", "v1.1.0")
	requireUnavailable(t, err, `version "v1.1.0" of model "iris" could not be loaded; the server's log says why`)
}

func TestBrokenVersionsThatAreServedAreRefused(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0", "rose/v1.0.0")
	write(t, filepath.Join(root, "iris/v2.0.0/model.binpb"), []byte("PK\x03\x04"))
	const broken = "ROOT/iris/v2.0.0/model.binpb: the file is no Sepal model, or is damaged or cut short: it looks like a zip archive; repair or remove it"
	tests := []struct {
		name    string
		options options
		err     string // empty: it is opened
	}{
		{"the newest of the default model", options{DefaultModel: "iris"}, broken + ", or take another version (MODEL_VERSION)"},
		{"the one pinned", options{DefaultModel: "iris", Version: "v2.0.0"}, broken + ", or take another version (MODEL_VERSION)"},
		{"the newest of another model", options{DefaultModel: "rose"}, broken},
		{"not the one pinned", options{DefaultModel: "iris", Version: "v1.0.0"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Path = root
			if test.err == "" {
				requireVersion(t, open(t, test.options).Default(), "iris/v1.0.0")
				return
			}
			requireRefused(t, test.options, root, test.err)
		})
	}
}

// An unreadable file of a mounted volume is the commonest fault of all; see above for what
// holds for the superuser.
func TestFileWithoutPermissionIsRefused(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	path := filepath.Join(root, "iris/v1.0.0/model.binpb")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(path); err == nil {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		t.Skip("this user reads files without permission")
	}
	requireRefused(t, options{Path: root}, root,
		"ROOT/iris/v1.0.0/model.binpb: cannot be read: permission denied; repair or remove it, or take another version (MODEL_VERSION)")
}
