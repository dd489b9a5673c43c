package registry_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/stores"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// modelBytes returns a model file of that name and version.
func modelBytes(t *testing.T, name, version string, f native.Format) []byte {
	t.Helper()
	data, err := native.Encode(&modelv1.Model{
		FormatVersion: native.FormatVersion,
		Name:          name,
		Version:       version,
		Signature: &modelv1.Signature{Features: []*modelv1.Feature{{
			Name: "x",
			Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{Impute: proto.Float64(1)}},
		}}},
		Classes:    []string{"no", "yes"},
		Weights:    []float64{-1, 1},
		Intercepts: []float64{0, 0.5},
	}, f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// write writes a file, and the folders on the way to it, and returns its path.
func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// publish puts versions, such as "iris/v1.0.0", into the registry folder root.
func publish(t *testing.T, root string, versions ...string) {
	t.Helper()
	for _, v := range versions {
		name, version, _ := strings.Cut(v, "/")
		write(t, filepath.Join(root, name, version, "model.binpb"), modelBytes(t, name, version, native.Binary))
	}
}

// folder returns a new registry folder with the versions.
func folder(t *testing.T, versions ...string) string {
	t.Helper()
	root := t.TempDir()
	publish(t, root, versions...)
	return root
}

// options are where a registry is, and what of it is served.
type options struct{ Path, Version, DefaultModel string }

func openLive(o options) (*registry.Live, error) {
	store, single, err := stores.Open(context.Background(), o.Path)
	if err != nil {
		return nil, err
	}
	return registry.Open(context.Background(), store, registry.Options{SingleFile: single, Version: o.Version, DefaultModel: o.DefaultModel})
}

func openRegistry(o options) (*registry.Registry, error) {
	live, err := openLive(o)
	if err != nil {
		return nil, err
	}
	return live.Current(), nil
}

func open(t *testing.T, o options) *registry.Registry {
	t.Helper()
	r, err := openRegistry(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// requireRefused checks that nothing is opened. In want, ROOT stands for the folder.
func requireRefused(t *testing.T, o options, root, want string) {
	t.Helper()
	r, err := openRegistry(o)
	if err == nil {
		t.Fatalf("the registry is opened, expected the error %s", want)
	}
	if r != nil {
		t.Error("a registry came with the error")
	}
	requireError(t, err, root, want)
}

func requireError(t *testing.T, err error, root, want string) {
	t.Helper()
	if want = strings.ReplaceAll(want, "ROOT", root); err.Error() != want {
		t.Errorf("got error\n\t%s\nexpected\n\t%s", err, want)
	}
}

func requireVersion(t *testing.T, v *registry.Version, want string) {
	t.Helper()
	if got := names(v)[0]; got != want {
		t.Errorf("got %s, expected %s", got, want)
	}
}

// names returns the versions as "model/version".
func names(versions ...*registry.Version) []string {
	out := make([]string, len(versions))
	for i, v := range versions {
		out[i] = "nil"
		if v != nil {
			out[i] = v.Model + "/" + v.Version
		}
	}
	return out
}

func requireUnavailable(t *testing.T, err error, want string) {
	t.Helper()
	var unavailable *registry.UnavailableError
	if !errors.As(err, &unavailable) || err.Error() != want {
		t.Errorf("got error %v, expected the *UnavailableError %s", err, want)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
