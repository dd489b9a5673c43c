package contracttest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the top of the repository, seen from this folder.
const root = "../../.."

// frozenImage is the contract that users have, seen from this folder.
const frozenImage = root + "/testdata/contract/sepal.binpb"

// allowed stands in want.txt for a change that the gate lets pass.
const allowed = "allowed"

// bufPath returns the buf that go.tool.mod pins, building it if it is not in the build cache
// yet (minutes). SEPAL_BUF names another one.
var bufPath = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SEPAL_BUF"); path != "" {
		return path, nil
	}
	cmd := exec.Command("go", "tool", "-n", "-modfile=go.tool.mod", "buf")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", cmd, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
})

// finding is one line of buf's report in JSON.
type finding struct {
	Path    string `json:"path"`
	Rule    string `json:"type"`
	Message string `json:"message"`
}

// breaking compares the workspace in folder current with against, a workspace or an image, and
// returns what buf refuses.
func breaking(t *testing.T, current, against string) []finding {
	t.Helper()
	buf, err := bufPath()
	if err != nil {
		t.Fatalf("no buf: %v", err)
	}
	const refused = 100 // buf's exit code when it has something to report
	cmd := exec.CommandContext(t.Context(), buf,
		"breaking", current, "--against", against, "--exclude-imports", "--error-format", "json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case err == nil && len(out) == 0:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == refused && len(out) > 0:
	default:
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, stderr.Bytes())
	}
	var findings []finding
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var f finding
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatalf("%s: %v in %q", cmd, err, lines.Text())
		}
		findings = append(findings, f)
	}
	return findings
}

// workspace copies the folder protos and the repository's buf.yaml into a new workspace, so that
// the rules applied are the repository's.
func workspace(t *testing.T, protos string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "proto"), os.DirFS(protos)); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(root, "buf.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "buf.yaml"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// requireRules fails the test unless the findings are of exactly the rules wanted, or there are
// none where the change is allowed.
func requireRules(t *testing.T, findings []finding, want []string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		got = append(got, f.Rule)
	}
	if len(got) == 0 {
		got = []string{allowed}
	}
	slices.Sort(got)
	got = slices.Compact(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("the gate says %q, expected %q", got, want)
		for _, f := range findings {
			t.Logf("%s: %s: %s", filepath.Base(f.Path), f.Rule, f.Message)
		}
	}
}
