package registry_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/registry"
)

// openBy fails the test if the registry is neither opened nor refused in time: the opening of a
// named pipe waits for a writer.
func openBy(t *testing.T, o options) (*registry.Registry, error) {
	t.Helper()
	type result struct {
		registry *registry.Registry
		err      error
	}
	done := make(chan result, 1)
	go func() {
		r, err := openRegistry(o)
		done <- result{r, err}
	}()
	select {
	case r := <-done:
		return r.registry, r.err
	case <-time.After(10 * time.Second):
		t.Fatalf("%s is still being opened", o.Path)
		return nil, nil
	}
}

// makePipe makes a named pipe, and the folders on the way to it.
func makePipe(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfifo", path).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v: %s", err, out)
	}
}

const fileRemedy = "; write one with `sepal train`, or give no model path (MODEL_PATH) for the built-in iris model"

func TestPipeForAModelIsRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "model.binpb")
	makePipe(t, path)
	_, err := openBy(t, options{Path: path})
	if err == nil {
		t.Fatal("a named pipe is read as a model")
	}
	requireError(t, err, root, "ROOT/model.binpb: is no regular file, but a named pipe"+fileRemedy)
}

func TestPipeForAVersionIsBroken(t *testing.T) {
	t.Parallel()
	root := folder(t, "iris/v1.0.0")
	makePipe(t, filepath.Join(root, "iris/v2.0.0/model.binpb"))
	r, err := openBy(t, options{Path: root, Version: "v1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	broken := r.Broken()
	if len(broken) != 1 {
		t.Fatalf("broken are %v, expected one version", broken)
	}
	if text := broken[0].Error(); !strings.Contains(text, "iris/v2.0.0/model.binpb: is no regular file, but a named pipe") {
		t.Errorf("the error is %s", text)
	}
	_, err = openBy(t, options{Path: root})
	if err == nil {
		t.Fatal("a named pipe is served")
	}
	requireError(t, err, root, "ROOT/iris/v2.0.0/model.binpb: is no regular file, but a named pipe"+servedRemedy)
}

func TestFilesOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	socket := filepath.Join(root, "socket")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	requireRefused(t, options{Path: socket}, root, "ROOT/socket: is no regular file, but a socket"+fileRemedy)
	requireRefused(t, options{Path: os.DevNull}, "", os.DevNull+": is no regular file, but a device"+fileRemedy)

	nested := t.TempDir()
	write(t, filepath.Join(nested, "iris/v1.0.0/model.binpb/x"), nil)
	requireRefused(t, options{Path: nested}, nested, "ROOT/iris/v1.0.0/model.binpb: is no regular file, but a folder"+servedRemedy)
}
