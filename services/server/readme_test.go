package server_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// example is a command of the README that sends JSON, and the output shown below it.
var example = regexp.MustCompile("(?s)```sh\n[^`]*?-d '([^']*)'[^`]*```\n\n```json\n(.*?)\n```")

// TestReadme sends what the README sends and expects what it shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(testenv.Testdata("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := example.FindAllSubmatch(readme, -1)
	if len(examples) != 3 {
		t.Fatalf("found %d examples, expected 3", len(examples))
	}
	o := testenv.Options()
	o.ModelPath, o.DefaultModel = "", ""
	env := testenv.Start(t, o)
	client := testenv.HTTPClient(t, false)
	for _, e := range examples {
		_, got := send(t, client, env.URL, "", "", "", string(e[1]))
		if diff := cmp.Diff(decode(t, e[2]), decode(t, json.RawMessage(got)), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%s (-README +server):\n%s", e[1], diff)
		}
	}
}
