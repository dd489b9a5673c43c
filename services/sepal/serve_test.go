package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestServeThatCannotStart must say why in one line, and nothing else.
func TestServeThatCannotStart(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(testenv.Testdata("models", "iris", "v1.0.0", "model.binpb"))
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.binpb")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if out, err := exec.CommandContext(t.Context(), "mkfifo", pipe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tests := []struct{ name, args, want string }{
		{"named pipe", "--port 0 --model-path " + pipe, "pipe: is no regular file, but a named pipe; write one"},
		{"missing path", "--port 0 --model-path /none/model.binpb", "/none/model.binpb: no such model file or registry folder"},
		{"truncated model", "--port 0 --model-path " + cut, cut + ": "},
		{"wrong file", "--port 0 --model-path $TESTDATA/datasets/iris.csv", "iris.csv: the file is no Sepal model"},
		{"folder without models", "--port 0 --model-path " + t.TempDir(), "holds no model"},
		{"several models", "--port 0 --model-path $TESTDATA/models", "holds several models (iris, loan); name the default one (SEPAL_DEFAULT_MODEL)"},
		{"port in use", "--port " + port, "127.0.0.1:" + port + ": bind: address already in use; set HOST and PORT"},
		{"no such host", "--port 0 --host 192.0.2.1", "listen tcp 192.0.2.1:0"},
	}
	for _, test := range tests {
		for _, format := range []string{"json", "pretty"} {
			t.Run(test.name+"/"+format, func(t *testing.T) {
				t.Parallel()
				got := sepalCommand(t, "", strings.Fields("serve --log-format "+format+" "+test.args)...)
				if got.code != exitFailure || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 ||
					!strings.HasPrefix(got.stderr, "sepal: ") || !strings.Contains(got.stderr, test.want) {
					t.Errorf("got %v", got)
				}
			})
		}
	}
}

// served is a process that runs sepal serve.
type served struct {
	command *exec.Cmd
	log     *bufio.Scanner
	url     string
}

// serve starts a process of the test binary and waits until it serves.
func serve(t *testing.T, env ...string) *served {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return serveBy(t, executable, env...)
}

// serveBy starts a process of any binary that is sepal, and waits until it serves.
func serveBy(t *testing.T, binary string, env ...string) *served {
	t.Helper()
	s := &served{command: exec.CommandContext(t.Context(), binary, "serve")}
	// However busy the machine of the tests is, nothing is refused for want of time.
	own := append([]string{"SEPAL_MAX_QUEUE_TIME=0s", asCommand + "=1", "PORT=0"}, env...)
	s.command.Env = append(os.Environ(), own...)
	stderr, err := s.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	s.log = bufio.NewScanner(stderr)
	s.url = "http://" + s.waitFor(t, "serving").Address
	return s
}

type logLine struct {
	Message, Address, Level, Error string
}

// waitFor reads the log as far as a message.
func (s *served) waitFor(t *testing.T, message string) logLine {
	t.Helper()
	for s.log.Scan() {
		var line logLine
		if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
			t.Fatalf("log line %q: %v", s.log.Text(), err)
		}
		if line.Message == message {
			return line
		}
	}
	t.Fatalf("the log ends without %q: %v", message, s.log.Err())
	return logLine{}
}

func (s *served) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := s.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// wait returns how the process ended, after the rest of its log.
func (s *served) wait(t *testing.T) syscall.WaitStatus {
	t.Helper()
	for s.log.Scan() {
	}
	_ = s.command.Wait() // the status says it all
	status, ok := s.command.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		t.Skip("no wait status on this system")
	}
	return status
}

func (s *served) get(t *testing.T, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := testenv.HTTPClient(t, false).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

const predictPath = `/sepal.prediction.v1.PredictionService/Predict?encoding=json&message=%7B%22features%22%3A%5B5.1,3.5,1.4,0.2%5D%7D`

func TestInterruptStopsServeAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, "SEPAL_DRAIN_DELAY=1h")
	if status, body := s.get(t, predictPath); status != http.StatusOK || !strings.Contains(body, "setosa") {
		t.Errorf("Predict: %d %s", status, body)
	}
	start := time.Now()
	s.signal(t, syscall.SIGINT)
	if status := s.wait(t); status.ExitStatus() != exitOK {
		t.Errorf("ended with %v", s.command.ProcessState)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestServeKeepsSecretsOutOfTheLog: every line is one of the log, and none quotes what is wrong with
// a secret.
func TestServeKeepsSecretsOutOfTheLog(t *testing.T) {
	t.Parallel()
	s := serve(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS=topsecret",
		"OTEL_TRACES_SAMPLER=none", "SENTRY_DSN=https://topsecret@/")
	s.signal(t, syscall.SIGINT)
	for s.log.Scan() {
		if line := s.log.Text(); strings.Contains(line, "topsecret") || !json.Valid([]byte(line)) {
			t.Errorf("the log says %s", line)
		}
	}
	if status := s.wait(t); status.ExitStatus() != exitOK {
		t.Errorf("ended with %v", s.command.ProcessState)
	}
}

func TestTermDrainsServe(t *testing.T) {
	t.Parallel()
	const delay = time.Second
	s := serve(t, "SEPAL_DRAIN_DELAY="+delay.String())
	if status, _ := s.get(t, "/readyz"); status != http.StatusOK {
		t.Errorf("before: readyz is %d", status)
	}
	start := time.Now()
	s.signal(t, syscall.SIGTERM)
	s.waitFor(t, "draining")
	if status, body := s.get(t, "/readyz"); status != http.StatusServiceUnavailable || body != "draining\n" {
		t.Errorf("readyz is %d %q", status, body)
	}
	if status, body := s.get(t, predictPath); status != http.StatusOK || !strings.Contains(body, "setosa") {
		t.Errorf("Predict: %d %s", status, body)
	}
	if status := s.wait(t); status.ExitStatus() != exitOK {
		t.Errorf("ended with %v", s.command.ProcessState)
	}
	if took := time.Since(start); took < delay {
		t.Errorf("served on for only %v", took)
	}
}

// TestSlowClientDoesNotFailServe stops in the middle of a request whose body does not come.
func TestSlowClientDoesNotFailServe(t *testing.T) {
	t.Parallel()
	s := serve(t, "SEPAL_DRAIN_DELAY=0s", "SEPAL_STOP_TIMEOUT=50ms")
	host := strings.TrimPrefix(s.url, "http://")
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	const request = "POST /sepal.prediction.v1.PredictionService/Predict HTTP/1.1\r\nHost: %s\r\n" +
		"Content-Type: application/json\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n"
	if _, err := fmt.Fprintf(connection, request, host); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("the server answers %q, %v", line, err) // else it reads the body now
	}
	s.signal(t, syscall.SIGTERM)
	if line := s.waitFor(t, "stopped"); line.Level != "warn" || !strings.Contains(line.Error, "requests were cut off") {
		t.Errorf("the log says %+v", line)
	}
	if status := s.wait(t); status.ExitStatus() != exitOK {
		t.Errorf("ended with %v", s.command.ProcessState)
	}
}

func TestHostMayStandInBrackets(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"[::1]": "::1", "::1": "::1", "127.0.0.1": "127.0.0.1", "[::1": "[::1"} {
		var c cli
		parser, err := newParser(&c, io.Discard, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(parser, []string{"serve", "--host", given}); err != nil || c.Serve.Host != want {
			t.Errorf("host %s is taken as %s (%v), expected %s", given, c.Serve.Host, err, want)
		}
	}
}

func TestSecondSignalKillsServe(t *testing.T) {
	t.Parallel()
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(strconv.Itoa(int(second)), func(t *testing.T) {
			t.Parallel()
			s := serve(t, "SEPAL_DRAIN_DELAY=1h")
			s.signal(t, syscall.SIGTERM)
			s.waitFor(t, "draining")
			s.signal(t, second)
			if status := s.wait(t); status.Signal() != second {
				t.Errorf("ended with %v", s.command.ProcessState)
			}
		})
	}
}
