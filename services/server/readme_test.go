package server_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/internal/identity/mint"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// example is a command of the README that sends JSON, and the output shown below it.
var example = regexp.MustCompile("(?s)```sh\n([^`]*?-d '([^']*)'[^`]*)```\n\n```json\n(.*?)\n```")

// called is the RPC that a command calls.
var called = regexp.MustCompile(`localhost:50051/?[ /](sepal[.\w]+/\w+)`)

// TestReadme sends what the README sends and expects what it shows: without authentication, but for
// the command that has a token.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(testenv.Testdata("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := example.FindAllSubmatch(readme, -1)
	if len(examples) != 4 {
		t.Fatalf("found %d examples, expected 4", len(examples))
	}
	o := testenv.Options()
	o.ModelPath, o.DefaultModel = "", ""
	open := testenv.Start(t, o)
	token := mint.NewToken()
	o.Identity.PrincipalsFile = filepath.Join(t.TempDir(), "principals.txt")
	if err := os.WriteFile(o.Identity.PrincipalsFile, []byte("web predict,read "+mint.Credential(token)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed := testenv.Start(t, o)
	client := testenv.HTTPClient(t, false)
	for _, e := range examples {
		server, bearer := open, ""
		if strings.Contains(string(e[1]), "Bearer $TOKEN") {
			server, bearer = closed, "Bearer "+token
		}
		got := post(t, client, server.URL+"/"+string(called.FindSubmatch(e[1])[1]), bearer, e[2])
		if diff := cmp.Diff(decode(t, e[3]), decode(t, got), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%s (-README +server):\n%s", e[2], diff)
		}
	}
}

// post sends JSON and returns what is answered.
func post(t *testing.T, client *http.Client, url, authorization string, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
