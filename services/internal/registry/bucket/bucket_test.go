package bucket_test

import (
	"crypto/rand"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/bucket"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
)

func TestMain(m *testing.M) {
	if err := registrytest.S3Environment(); err != nil {
		panic(err)
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
				location := registrytest.S3(t, prefix)
				return open(t, location), open(t, location)
			})
		})
	}
}

func open(t *testing.T, location string) registry.Store {
	t.Helper()
	s, err := bucket.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
