package conformance_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/modfile"
)

// TestModules keeps the judges from judging what is built of other modules than the product is. What
// those need in turn may be newer, as the judges need it to be.
func TestModules(t *testing.T) {
	t.Parallel()
	product, here := required(t, "../../../go.mod", false), required(t, "go.mod", true)
	shared := 0
	for module, version := range product {
		if got, needed := here[module]; needed {
			shared++
			if got != version {
				t.Errorf("%s is %s here and %s in the product; make go.mod here say %s", module, got, version, version)
			}
		}
	}
	if shared == 0 {
		t.Error("no module is shared with the product")
	}
}

// required returns the modules that a go.mod needs, with their versions; indirectly too, if asked.
func required(t *testing.T, path string, indirectly bool) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse(path, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]string)
	for _, r := range file.Require {
		if !r.Indirect || indirectly {
			versions[r.Mod.Path] = r.Mod.Version
		}
	}
	return versions
}
