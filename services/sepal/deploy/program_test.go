package deploy_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// root is the path of a file of the repository.
func root(elem ...string) string {
	return testenv.Testdata(append([]string{".."}, elem...)...)
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// folder is where the binary is built, which TestMain removes.
var folder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "sepal-deploy") })

// build builds the binary, once for all tests: as `task build` does, so that most of it is in Go's cache.
var build = sync.OnceValues(func() (string, error) {
	dir, err := folder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sepal")
	command := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-tags=grpcnotrace", "-ldflags=-s -w", "-o", path, "./services/sepal")
	command.Dir = root()
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	m.Run() // what it returns is what the process ends with
	if dir, err := folder(); err == nil {
		_ = os.RemoveAll(dir)
	}
}

// sepal returns the path of the binary.
func sepal(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// help returns what the binary says about a verb.
func help(t *testing.T, verb string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), sepal(t), "help", verb).CombinedOutput()
	if err != nil {
		t.Fatalf("sepal help %s: %v\n%s", verb, err, out)
	}
	return string(out)
}

// elsewhere are the variables that the binary takes without a flag: those of its libraries.
var elsewhere = regexp.MustCompile(`^(OTEL_[A-Z_]+|SENTRY_(DSN|ENVIRONMENT|RELEASE)|AWS_[A-Z_]+|GOMEMLIMIT)$`)

// requireVariables fails for each variable that the verb does not know.
func requireVariables[V any](t *testing.T, verb string, variables map[string]V) {
	t.Helper()
	known := regexp.MustCompile(`\$[A-Z][A-Z0-9_]*`).FindAllString(help(t, verb), -1)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !slices.Contains(known, "$"+name) && !elsewhere.MatchString(name) {
			t.Errorf("sepal %s has no variable %s", verb, name)
		}
	}
}

// requireArguments fails where the first argument is no verb, or another no flag of it.
func requireArguments(t *testing.T, arguments []string) {
	t.Helper()
	if len(arguments) == 0 {
		t.Fatal("there is no verb")
	}
	text := help(t, arguments[0])
	for _, argument := range arguments[1:] {
		flag, _, _ := strings.Cut(argument, "=")
		if !regexp.MustCompile(`(?m)^ .*` + regexp.QuoteMeta(flag) + `\b`).MatchString(text) {
			t.Errorf("sepal %s has no flag %s", arguments[0], flag)
		}
	}
}

// installed returns the path of a program, and skips the test where it is not there: in CI, it is
// an error.
func installed(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("%v; install Debian's package %s", err, debian)
	default:
		t.Skipf("%v; install Debian's package %s", err, debian)
	}
	return path
}

// eventually waits until there is no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for err := try(); err != nil; err = try() {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
