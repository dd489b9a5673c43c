package native_test

import (
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func TestNameOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"-": "model", "iris.csv": "iris", "/data/Fisher's Iris.v2.CSV": "fisher-s-iris.v2", "__x__.csv": "x", "データ.csv": "model",
		".csv": "model", "flowers": "flowers", strings.Repeat("a", 80) + ".csv": strings.Repeat("a", 64),
	} {
		got := native.NameOf(path)
		if err := native.CheckName(got); err != nil || got != want {
			t.Errorf("the name for %q is %q (%v), expected %q", path, got, err, want)
		}
	}
}
