package bucket_test

import (
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/bucket"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID":           "key",
		"AWS_SECRET_ACCESS_KEY":       "secret",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	m.Run()
}

func TestMemoryIsAStore(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/models/of/mine"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			t.Parallel()
			registrytest.Run(t, func(t *testing.T) (a, b registry.Store) {
				name := "mem://" + rand.Text() + prefix
				return open(t, name), open(t, name)
			})
		})
	}
}

func TestS3IsAStore(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/models/of/mine/"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			t.Parallel()
			registrytest.Run(t, func(t *testing.T) (a, b registry.Store) {
				location := serve(t, prefix)
				return open(t, location), open(t, location)
			})
		})
	}
}

// serve returns the URL of an empty bucket of S3.
func serve(t *testing.T, prefix string) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("models"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return fmt.Sprintf("s3://models%s?region=eu-central-1&use_path_style=true&endpoint=%s", prefix, server.URL)
}

func open(t *testing.T, location string) registry.Store {
	t.Helper()
	s, err := bucket.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
