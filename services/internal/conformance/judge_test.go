package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// patience bounds one run of a judge, which takes some ten seconds where nothing else runs.
const patience = 4 * time.Minute

// judges are the programs of the judges by name, built when they are asked for first.
var judges = map[string]func() (string, error){
	"h2spec":             sync.OnceValues(func() (string, error) { return build("h2spec") }),
	"connectconformance": sync.OnceValues(func() (string, error) { return build("connectconformance") }),
}

// build returns the path of a tool of go.mod in the build cache.
func build(tool string) (string, error) {
	cmd := exec.Command("go", "tool", "-n", tool)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", cmd, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

// judge runs a judge and returns what it prints. That it finds fault is no error.
func judge(t *testing.T, name string, environment []string, args ...string) string {
	t.Helper()
	path, err := judges[name]()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.WaitDelay = time.Second // for servers that it has left behind
	out, err := cmd.CombinedOutput()
	var refused *exec.ExitError
	if err != nil && (ctx.Err() != nil || !errors.As(err, &refused)) {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// result is what a run of a judge came to.
type result struct {
	name                           string
	cases, passed, excused, failed int
	took                           time.Duration
}

// results are those of all runs, for the table at the end.
var results struct {
	sync.Mutex
	all []result
}

// as returns the result under a name.
func (r result) as(name string) result {
	r.name = name
	return r
}

func (r result) add() {
	results.Lock()
	defer results.Unlock()
	results.all = append(results.all, r)
}

// printResults prints a line for each run.
func printResults(w io.Writer) {
	results.Lock()
	defer results.Unlock()
	slices.SortFunc(results.all, func(a, b result) int { return strings.Compare(a.name, b.name) })
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results.all {
		fmt.Fprintf(table, "%s:\t%d cases,\t%d passed,\t%d failed,\t%d as they may\t(%.1f s)\n", r.name, r.cases, r.passed, r.failed, r.excused, r.took.Seconds())
	}
	_ = table.Flush() // who reads it may have gone
}
