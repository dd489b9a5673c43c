package deploy_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// names answers questions for addresses, as Docker's own server of names does for the name of a
// service: with those of all that run.
func names(t *testing.T, addresses ...string) string {
	t.Helper()
	socket, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { socket.Close() })
	serving.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply, err := answer(buffer[:n], addresses); err == nil {
				_, _ = socket.WriteTo(reply, from)
			}
		}
	})
	return socket.LocalAddr().String()
}

func answer(question []byte, addresses []string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	for _, q := range m.Questions {
		if q.Type != dnsmessage.TypeA {
			continue
		}
		for _, address := range addresses {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte(net.ParseIP(address).To4())},
			})
		}
	}
	return m.Pack()
}

// replaced puts what a test has in the place of what a composition has.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(text, pairs[i]) != 1 {
			t.Fatalf("haproxy.cfg has %q %d times, expected once", pairs[i], strings.Count(text, pairs[i]))
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// TestBalancerConfiguration has haproxy check the file as it is.
func TestBalancerConfiguration(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), installed(t, "haproxy", "haproxy"), "-c", "-dW", "-f", "compose/haproxy.cfg").CombinedOutput()
	if err != nil {
		t.Errorf("haproxy: %v\n%s", err, out)
	}
}

// balance starts haproxy with the configuration of docker-compose.yml, in front of servers that
// listen at a port of those addresses, and returns its URL.
func balance(t *testing.T, port string, addresses ...string) string {
	t.Helper()
	haproxy := installed(t, "haproxy", "haproxy")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	content := replaced(t, read(t, "compose/haproxy.cfg"), "127.0.0.11:53", names(t, addresses...),
		"bind :50051\n", "bind fd@3\n", "sepal:50051", "sepal:"+port)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	log := new(testenv.Log)
	command := exec.CommandContext(t.Context(), haproxy, "-db", "-f", config)
	command.ExtraFiles = []*os.File{socket}
	command.Stdout, command.Stderr = log, log
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		<-ended // the test's context has
		if t.Failed() {
			t.Logf("haproxy:\n%s", log)
		}
	})
	return "http://" + listener.Addr().String()
}

// replica is a process that serves.
type replica struct {
	address, port string
	environment   []string // beside what all have
	command       *exec.Cmd
	ended         chan struct{}
}

// replicas starts a server at each address, all at the same port, as containers do, and with the
// same variables.
func replicas(t *testing.T, environment []string, addresses ...string) []*replica {
	t.Helper()
	for range 20 {
		// One that is free at the first address is mostly free at the others.
		first, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addresses[0]+":0")
		if err != nil {
			t.Fatal(err)
		}
		port := strconv.Itoa(first.Addr().(*net.TCPAddr).Port)
		first.Close()
		var all []*replica
		for _, address := range addresses {
			r := &replica{address: address, port: port, environment: environment}
			if err := r.start(t); err != nil {
				t.Log(err)
				break
			}
			all = append(all, r)
		}
		if len(all) == len(addresses) {
			return all
		}
		for _, r := range all {
			r.kill(t)
		}
	}
	t.Fatalf("no port is free at %q", addresses)
	return nil
}

// start starts the process and waits until it serves. Its drain delay is longer than any test, so
// that nothing hangs on who is faster.
func (r *replica) start(t *testing.T) error {
	t.Helper()
	r.command = exec.CommandContext(t.Context(), sepal(t), "serve")
	r.command.Env = append(os.Environ(), "HOST="+r.address, "PORT="+r.port, "SEPAL_LOG_FORMAT=json")
	r.command.Env = append(append(r.command.Env, r.environment...), "SEPAL_DRAIN_DELAY=1h")
	stderr, err := r.command.StderrPipe()
	if err != nil {
		return err
	}
	if err := r.command.Start(); err != nil {
		return err
	}
	r.ended = make(chan struct{})
	serving, last := make(chan bool, 1), ""
	go func() {
		defer close(r.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			last = lines.Text()
			var line struct{ Message string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "serving" {
				serving <- true
			}
		}
		_ = r.command.Wait()
		close(serving)
	}()
	t.Cleanup(func() { <-r.ended })
	if !<-serving {
		return fmt.Errorf("no server at %s:%s: %s", r.address, r.port, last)
	}
	return nil
}

func (r *replica) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := r.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

func (r *replica) kill(t *testing.T) {
	t.Helper()
	r.signal(t, syscall.SIGKILL)
	<-r.ended
}

var answered = regexp.MustCompile(`(?m)^sepal_requests_total\{[^}]*PredictionService[^}]*\} (\S+)$`)

// requests returns how many predictions the server has been asked for.
func (r *replica) requests(ctx context.Context, client *http.Client) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(r.address, r.port)+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, line := range answered.FindAllSubmatch(text, -1) {
		n, err := strconv.ParseFloat(string(line[1]), 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
