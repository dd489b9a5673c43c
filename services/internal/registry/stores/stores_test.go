package stores_test

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/registry/stores"
)

const known = "expected the path of a folder or a model file, file:///PATH, s3://BUCKET/PREFIX?region=REGION or mem://NAME (MODEL_PATH)"

func TestOpenFindsTheStore(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"model.binpb", "with space.onnx", "a:/b"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mem := "mem://" + rand.Text()
	tests := []struct {
		location, name, shows string
		single                bool
	}{
		{"", "built-in", "", false},
		{root, root, "model.binpb", false},
		{root + "/", root + "/", "model.binpb", false},
		{root + "/model.binpb", root + "/model.binpb", "model.binpb", true},
		{"file://" + root, root, "model.binpb", false},
		{"file://" + root + "/with%20space.onnx", root + "/with space.onnx", "with space.onnx", true},
		{root + "/a://b", root + "/a://b", "b", true},
		{mem + "/prefix", mem + "/prefix", "", false},
		{"s3://models/prefix?region=eu-central-1", "s3://models/prefix", "", false},
	}
	for _, test := range tests {
		s, single, err := stores.Open(t.Context(), test.location)
		if err != nil {
			t.Errorf("%s: %v", test.location, err)
			continue
		}
		if s.String() != test.name || single != test.single {
			t.Errorf("%s: got %v, single %v", test.location, s, single)
		}
		if test.shows == "" {
			continue
		}
		view, err := s.Files(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fs.ReadFile(view, test.shows); err != nil || string(got) != "x" {
			t.Errorf("%s: %q, %v", test.location, got, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ location, want string }{
		{"gs://models?hunter2", "gs://…: there are no registries of this kind; " + known},
		{"http://key:hunter2@models/x", "http://…: there are no registries of this kind; " + known},
		{"file://host/models", "file://host/models: is no URL of a file on this machine; expected file:///PATH"},
		{"file://models", "file://models: is no URL of a file on this machine; expected file:///PATH"},
		{"file:///no/such/folder", "/no/such/folder: no such model file or registry folder; expected the path of one (MODEL_PATH), or none for the built-in iris model"},
		{"no/such/folder", "no/such/folder: no such model file or registry folder; expected the path of one (MODEL_PATH), or none for the built-in iris model"},
		{"mem://models?hunter2", "mem://models: a bucket of memory has no parameters"},
	}
	for _, test := range tests {
		s, single, err := stores.Open(t.Context(), test.location)
		if s != nil || single || err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v and error\n\t%v\nexpected\n\t%s", test.location, s, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error gives a secret away: %v", test.location, err)
		}
	}
}
