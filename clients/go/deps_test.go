package sepal

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTheClientBuildsWithoutTheServer lists every package outside the standard library that
// the client is built from.
func TestTheClientBuildsWithoutTheServer(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	allowed := []string{
		"github.com/sepal-ml/sepal/clients/go",
		"github.com/sepal-ml/sepal/gen/go/",
		"connectrpc.com/connect",
		"google.golang.org/protobuf/",
		"google.golang.org/genproto/googleapis/rpc/errdetails",
	}
	packages := strings.Fields(string(out))
	if len(packages) < len(allowed) {
		t.Fatalf("go list names only %v", packages)
	}
	for _, path := range packages {
		known := false
		for _, prefix := range allowed {
			known = known || strings.HasPrefix(path, prefix)
		}
		if !known {
			t.Errorf("the client depends on %s: a thin client builds from connect, protobuf and gen/go alone", path)
		}
	}
}
