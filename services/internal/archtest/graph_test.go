package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const (
	// root is the top of the repository, seen from this folder.
	root = "../../.."
	// module is the path of the repository's module.
	module = "github.com/sepal-ml/sepal"
)

// pkg is a package as `go list -json` describes it, without its tests.
type pkg struct {
	ImportPath string
	Name       string
	Standard   bool
	Imports    []string
}

// graph holds packages by import path.
type graph map[string]pkg

// listed returns the packages of the module and all they need.
func listed(t *testing.T) graph {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Name,Standard,Imports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, stderr.Bytes())
	}
	g := make(graph)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g
		}
		if err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
		g[p.ImportPath] = p
	}
}

// ours reports whether the import path is of this module.
func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// matches reports whether the pattern covers the package. "p" is the package p and "p/..." all
// at and below it; "./p" stands for p in this module. "third-party" is every package that is
// neither ours nor of the standard library.
func (p pkg) matches(pattern string) bool {
	if pattern == "third-party" {
		return !p.Standard && !ours(p.ImportPath)
	}
	if local, ok := strings.CutPrefix(pattern, "./"); ok {
		pattern = module + "/" + local
	}
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return p.ImportPath == parent || strings.HasPrefix(p.ImportPath, parent+"/")
	}
	return p.ImportPath == pattern
}

func (p pkg) matchesAny(patterns []string) bool {
	for _, pattern := range patterns {
		if p.matches(pattern) {
			return true
		}
	}
	return false
}
