package testenv

import (
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// Options are the options of a client that speaks the protocol.
func (p Protocol) Options() []connect.ClientOption { return p.options }

// Registry returns a client of RegistryService in that protocol.
func (e *Env) Registry(t testing.TB, p Protocol) registryv1connect.RegistryServiceClient {
	return registryv1connect.NewRegistryServiceClient(HTTPClient(t, p.http2), e.URL, p.options...)
}

// IrisFile returns a model file of the iris model, under another version. From one version to
// the next, the intercepts differ by a little, so that no two predict alike.
func IrisFile(t testing.TB, version string) []byte {
	t.Helper()
	data, err := os.ReadFile(Testdata("models", "iris", "v1.0.0", "model.binpb"))
	if err != nil {
		t.Fatal(err)
	}
	message, _, err := native.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	message.Version, message.GoldenRows = version, nil
	for _, c := range version {
		message.Intercepts[0] += float64(c) / 1e5
	}
	if data, err = native.Encode(message, native.Binary); err != nil {
		t.Fatal(err)
	}
	return data
}

// IrisRegistry returns a new registry folder with versions of the iris model.
func IrisRegistry(t testing.TB, versions ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, version := range versions {
		folder := filepath.Join(root, "iris", version)
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "model.binpb"), IrisFile(t, version), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
