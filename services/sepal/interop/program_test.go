package interop_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/certs/certstest"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// folder is where the binary is built, which TestMain removes.
var folder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "sepal-interop") })

// build builds the binary, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	dir, err := folder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sepal")
	command := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-o", path, "./services/sepal")
	command.Dir = testenv.Testdata("..")
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

// installed returns the path of a program, and skips the test where it is not there: in CI, it is
// an error.
func installed(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		// That of a server need not be on the path of who is no administrator.
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			missing(t, err, debian)
		}
	}
	return path
}

func missing(t *testing.T, why error, debian string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%v; install Debian's package %s", why, debian)
	}
	t.Skipf("%v; install Debian's package %s", why, debian)
}

// onNative and onNetHTTP have a server of HTTP/2 called.
func onNative(t *testing.T, test func(*testing.T, *process)) {
	t.Helper()
	for name, secure := range map[string]bool{"clear text": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, serve(t, doors.Native, secure))
		})
	}
}

func onNetHTTP(t *testing.T, test func(*testing.T, *process)) {
	t.Helper()
	t.Run("nethttp", func(t *testing.T) {
		t.Parallel()
		test(t, serve(t, doors.NetHTTP, false))
	})
}

// process is a server that runs.
type process struct {
	address   string
	authority *certstest.Authority // of its certificate, nil without TLS
	ca        string               // a file of it
	command   *exec.Cmd
	log       strings.Builder // complete when ended is closed
	ended     chan struct{}
}

// serve starts the binary, and requires when the test ends that it ends well and never had to break
// a connection off.
func serve(t *testing.T, door string, secure bool) *process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{ended: make(chan struct{})}
	p.command = exec.Command(path, "serve")
	p.command.Env = append(os.Environ(), "HOST=127.0.0.1", "PORT=0", "SEPAL_HTTP2="+door, "SEPAL_LOG_FORMAT=json", "SEPAL_LOG_LEVEL=debug",
		"SEPAL_MAX_QUEUE_TIME=0s", "SEPAL_DRAIN_DELAY=0s")
	if secure {
		p.authority = certstest.New(t, "authority")
		certificates := t.TempDir()
		cert, key := certstest.WritePair(t, certificates, p.authority.Server(t))
		p.ca = certstest.Write(t, certificates, "ca.crt", p.authority.PEM())
		p.command.Env = append(p.command.Env, "SEPAL_TLS_CERT="+cert, "SEPAL_TLS_KEY="+key)
	}
	stderr, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan string, 1)
	go func() {
		defer close(p.ended)
		defer close(serving)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.log.WriteString(lines.Text() + "\n")
			var line struct{ Message, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "serving" {
				serving <- line.Address
			}
		}
		_ = p.command.Wait() // its state says how it ended
	}()
	t.Cleanup(func() { p.stop(t) })
	p.address = <-serving
	if p.address == "" {
		t.Fatalf("there is no server: %s", &p.log)
	}
	return p
}

// stop asks the process to end.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.command.Process.Signal(syscall.SIGTERM) // an error says that it has ended
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		_ = p.command.Process.Kill() // as above
		<-p.ended
		t.Error("the server does not stop")
	}
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ends with %d", code)
	}
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "connection error") || strings.Contains(line, `"level":"error"`) {
			t.Errorf("the log says %s", line)
		}
	}
}

func (p *process) url() string {
	if p.authority != nil {
		return "https://" + p.address
	}
	return "http://" + p.address
}

// trust is how a client speaks TLS with the process.
func (p *process) trust() *tls.Config { return &tls.Config{RootCAs: p.authority.Pool()} }

// run runs a program and returns what it prints.
func run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var stderr strings.Builder
	command := exec.CommandContext(ctx, name, arguments...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, arguments, err, out, &stderr)
	}
	return string(out)
}

// write writes a file that goes with the test.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
