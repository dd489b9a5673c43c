package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"connectrpc.com/connect"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// limit sets a limit of the process, and returns what takes it back.
func (s *served) limit(t *testing.T, resource int, most uint64) (lift func()) {
	t.Helper()
	var before unix.Rlimit
	pid := s.command.Process.Pid
	if err := unix.Prlimit(pid, resource, nil, &before); err != nil {
		t.Skip(err)
	}
	if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: before.Max}, nil); err != nil {
		t.Skip(err)
	}
	return func() {
		if err := unix.Prlimit(pid, resource, &before, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoRoomToWrite lets the system refuse to write files of any size: what is published or rolled
// out fails with the reason and leaves nothing behind, and works when there is room again.
func TestNoRoomToWrite(t *testing.T) {
	t.Parallel()
	root := testenv.IrisRegistry(t, "v1.0.0")
	s := serve(t, "MODEL_PATH="+root)
	client := registryv1connect.NewRegistryServiceClient(testenv.HTTPClient(t, false), s.url)
	now, err := client.GetRollout(t.Context(), &registryv1.GetRolloutRequest{})
	if err != nil {
		t.Fatal(err)
	}
	file := testenv.IrisFile(t, "v1.1.0")
	publish := func() error {
		_, err := client.PublishVersion(t.Context(), &registryv1.PublishVersionRequest{File: file, RequestId: "p-1"})
		return err
	}
	setRollout := func() error {
		wanted := now.GetRollout()
		wanted.Seed = "another"
		_, err := client.SetRollout(t.Context(), &registryv1.SetRolloutRequest{Rollout: wanted, RequestId: "s-1"})
		return err
	}
	lift := s.limit(t, unix.RLIMIT_FSIZE, 0) // the log is a pipe, which has no size
	for name, change := range map[string]func() error{"publish": publish, "set": setRollout} {
		if err := change(); connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "file too large") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if status, body := s.get(t, predictPath); status != http.StatusOK || !strings.Contains(body, `"modelVersion":"v1.0.0"`) {
		t.Errorf("Predict: %d %s", status, body)
	}
	err = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasSuffix(path, filepath.Join("v1.0.0", "model.binpb")) && e.Name() != ".lock" {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	lift()
	if err := setRollout(); err != nil {
		t.Errorf("set: %v", err)
	}
	if err := publish(); err != nil {
		t.Errorf("publish: %v", err)
	}
	events, err := client.ListRolloutEvents(t.Context(), &registryv1.ListRolloutEventsRequest{})
	if err != nil || len(events.GetEvents()) != 2 {
		t.Errorf("on record are %v, %v, expected two changes", events, err)
	}
	s.signal(t, os.Interrupt)
	s.wait(t)
}

// TestNoDescriptors takes all descriptors that a process may have: who is connected is answered, who
// is not waits, and nothing needs to be started again.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	root := testenv.IrisRegistry(t, "v1.0.0")
	s := serve(t, "MODEL_PATH="+root, "SEPAL_POLL_INTERVAL=50ms")
	client := testenv.HTTPClient(t, false) // with one connection, which stays
	ask := func() {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+predictPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(response.Body); err != nil || !strings.Contains(body.String(), "setosa") {
			t.Errorf("got %d %s, %v", response.StatusCode, body.String(), err)
		}
		response.Body.Close()
	}
	ask()
	lift := s.limit(t, unix.RLIMIT_NOFILE, 4) // of which the process has more already
	host := strings.TrimPrefix(s.url, "http://")
	var waiting []net.Conn
	for range 5 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET /livez HTTP/1.1\r\nHost: sepal\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, conn)
	}
	if line := s.waitFor(t, "the registry cannot be followed; what was loaded serves on"); !strings.Contains(line.Error, "too many open files") {
		t.Errorf("the log says %+v", line)
	}
	for range 20 {
		ask()
	}
	lift()
	for _, conn := range waiting {
		answer := make([]byte, 15)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(answer); err != nil || string(answer[:n]) != "HTTP/1.1 200 OK" {
			t.Errorf("who waited gets %q, %v", answer[:n], err)
		}
	}
	published := filepath.Join(root, "iris", "v1.1.0")
	if err := os.Mkdir(published, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(published, "model.binpb"), testenv.IrisFile(t, "v1.1.0"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, "version loaded")
	ask()
	s.signal(t, os.Interrupt)
	s.wait(t)
}
