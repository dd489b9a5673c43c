package folder_test

import (
	"testing"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/folder"
	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
)

func TestFolderIsAStore(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, func(t *testing.T) (a, b registry.Store) {
		root := t.TempDir()
		return open(t, root), open(t, root)
	})
}

func open(t *testing.T, root string) registry.Store {
	t.Helper()
	s, err := folder.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
