package registry_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func TestBuiltInRegistryServesIris(t *testing.T) {
	t.Parallel()
	r := open(t, options{})
	v := r.Default()
	if v.Model != "iris" || v.File.GetName() != "iris" || v.File.GetVersion() != v.Version {
		t.Errorf("the default is %s %s, expected a version of iris", v.Model, v.Version)
	}
	if broken := r.Broken(); len(broken) > 0 {
		t.Errorf("there are broken versions: %v", broken)
	}
	probabilities := make([]float64, v.Compiled.NumClasses())
	class, err := v.Compiled.Predict(probabilities, []float64{5.1, 3.5, 1.4, 0.2})
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Compiled.Class(class); got != "setosa" {
		t.Errorf("the first row of the iris data is %q, expected \"setosa\"", got)
	}
	requireRefused(t, options{Version: "v99.0.0"}, "",
		`built-in: model "iris" has no version "v99.0.0" (MODEL_VERSION); it has: `+v.Version)
	requireRefused(t, options{DefaultModel: "rose"}, "",
		`built-in: holds no model "rose" (SEPAL_DEFAULT_MODEL); it holds: iris`)
}

func TestSingleFile(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]native.Format{"a.binpb": native.Binary, "b.json": native.JSON, "no extension": native.Binary} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := modelBytes(t, "iris", "v1.2.3", format)
			path := write(t, filepath.Join(t.TempDir(), name), data)
			r := open(t, options{Path: path, DefaultModel: "iris"})
			v := r.Default()
			requireVersion(t, v, "iris/v1.2.3")
			digest := sha256.Sum256(data)
			if want := hex.EncodeToString(digest[:]); v.Digest != want {
				t.Errorf("the digest is %s, expected %s", v.Digest, want)
			}

			renamed := open(t, options{Path: path, Version: "v9.0.0-rc.1"})
			requireVersion(t, renamed.Default(), "iris/v9.0.0-rc.1")
			if diff := cmp.Diff([]string{"iris/v9.0.0-rc.1"}, names(renamed.Versions()...)); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
			if _, err := renamed.Resolve("", "v1.2.3"); err == nil {
				t.Error("the version that the file states is served too")
			}
		})
	}
}

func TestSingleFileInTheWorkingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "m.binpb", modelBytes(t, "iris", "v1.0.0", native.Binary))
	requireVersion(t, open(t, options{Path: "m.binpb"}).Default(), "iris/v1.0.0")
	publish(t, "models", "iris/v2.0.0")
	requireVersion(t, open(t, options{Path: "models/"}).Default(), "iris/v2.0.0")
}

func TestWrongPathsAreRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := func(name string) string { return filepath.Join(root, name) }
	write(t, path("good.binpb"), modelBytes(t, "iris", "v1.0.0", native.Binary))
	write(t, path("model.pkl"), []byte("\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x07sklearn\x94."))
	write(t, path("empty.json"), nil)
	if err := os.Mkdir(path("nothing"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(path("hollow/iris"), 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, path("flat/model.binpb"), modelBytes(t, "iris", "v1.0.0", native.Binary))
	noModel := func(name string) string {
		return path(name) + ": holds no model; expected <model>/<version>/model.binpb (or model.json) in it, such as iris/v1.0.0/model.binpb: " +
			"publish one with `sepal models publish FILE --registry " + path(name) + "`, or give no model path (MODEL_PATH) for the built-in iris model"
	}
	tests := []struct {
		name    string
		options options
		err     string
	}{
		{"missing", options{Path: path("missing")}, "ROOT/missing: no such model file or registry folder; expected the path of one (MODEL_PATH), or none for the built-in iris model"},
		{"below a file", options{Path: path("good.binpb/x")}, "ROOT/good.binpb/x: the model file or registry folder cannot be read: not a directory; expected the path of one (MODEL_PATH), or none for the built-in iris model"},
		{"pickle", options{Path: path("model.pkl")}, "ROOT/model.pkl: byte 2, FRAME: the file is cut short: a frame of 26 bytes, at most 11 are left; write one with `sepal train`, or give no model path (MODEL_PATH) for the built-in iris model"},
		{"empty file", options{Path: path("empty.json")}, "ROOT/empty.json: the file is empty; write one with `sepal train`, or give no model path (MODEL_PATH) for the built-in iris model"},
		{"file of another model", options{Path: path("good.binpb"), DefaultModel: "rose"}, `ROOT/good.binpb: holds no model "rose" (SEPAL_DEFAULT_MODEL); it holds: iris`},
		{"version that is none", options{Path: path("good.binpb"), Version: "latest"}, `version: "latest" is not a semantic version such as "v1.0.0" (MODEL_VERSION)`},
		{"empty folder", options{Path: path("nothing")}, noModel("nothing")},
		{"model without versions", options{Path: path("hollow")}, noModel("hollow")},
		{"model file without folders", options{Path: path("flat")}, noModel("flat")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.options, root, test.err)
		})
	}
}

// TestFilesOfOtherToolsAreServed shows that a pickle is a drop-in, alone and in a folder.
func TestFilesOfOtherToolsAreServed(t *testing.T) {
	t.Parallel()
	pickle, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "models-elsewhere", "sklearn", "iris_lr_sk1.2.1_p4.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "flowers/v1.2.0/model.pkl"), pickle)
	requireVersion(t, open(t, options{Path: root}).Default(), "flowers/v1.2.0")
	alone := filepath.Join(t.TempDir(), "model.pkl")
	write(t, alone, pickle)
	requireVersion(t, open(t, options{Path: alone}).Default(), "model/v1.0.0")
	requireVersion(t, open(t, options{Path: alone, Version: "v7.0.0"}).Default(), "model/v7.0.0")
}
