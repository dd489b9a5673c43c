package interop_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestBufCurl has buf, of which the build has one, ask a server what it can be asked, and then ask it.
func TestBufCurl(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), "go", "tool", "-n", "-modfile=go.tool.mod", "buf") // builds it where it is not in the cache
	command.Dir = testenv.Testdata("..")
	found, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	buf := strings.TrimSpace(string(found))
	onNative(t, func(t *testing.T, p *process) {
		how := []string{"curl", "--http2-prior-knowledge"}
		if p.ca != "" {
			how = []string{"curl", "--cacert", p.ca}
		}
		out := run(t, buf, append(how, "--list-methods", p.url())...)
		for _, path := range []string{predictPath, batchPath, streamPath} {
			if !strings.Contains(out, path[1:]) {
				t.Errorf("there is no %s in\n%s", path, out)
			}
		}
		for _, protocol := range []string{"grpc", "grpcweb"} {
			out := run(t, buf, append(how, "--protocol", protocol, "-d", row, p.url()+predictPath)...)
			if !strings.Contains(strings.ReplaceAll(out, " ", ""), `"prediction":"setosa"`) {
				t.Errorf("%s: got %s", protocol, out)
			}
		}
	})
}
