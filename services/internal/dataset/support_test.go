package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func signature(t *testing.T, features ...softmax.Feature) *softmax.Signature {
	t.Helper()
	s, err := softmax.NewSignature(features)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expectOwnError checks that a refusal is an *Error alone.
func expectOwnError(t *testing.T, table *Table, err error) {
	t.Helper()
	var own *Error
	if !errors.As(err, &own) || table != nil {
		t.Fatalf("got %v and the error %#v, expected an *Error alone", table, err)
	}
}

func expectRefusal(t *testing.T, table *Table, err error, want string) {
	t.Helper()
	expectOwnError(t, table, err)
	if err.Error() != want {
		t.Errorf("error is\n%s, expected\n%s", err, want)
	}
}

func typicalOf(t *testing.T, table *Table) []float64 {
	t.Helper()
	row, err := table.Typical(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// fileOf writes a file of that name to a folder of its own and returns its path.
func fileOf(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
