// Package testenv starts real servers for tests and calls them in every protocol.
package testenv

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/server"
)

// Env is a running server.
type Env struct {
	// Server is the server, started, and Options are what it was made of.
	Server  *server.Server
	Options server.Options
	// Address is where it listens, such as "127.0.0.1:40123"; URL is the same as a URL.
	Address, URL string
	// Log is what it has logged, as JSON lines.
	Log *Log
}

// Options returns options of a server of the models in testdata/models, on a free port of the
// loopback interface, that stops without delay. However busy the machine of the tests is, it refuses
// nothing for want of time.
func Options() server.Options {
	o := server.DefaultOptions()
	o.Port = 0
	o.DrainDelay = 0
	o.MaxQueueTime = 0
	o.ModelPath = Testdata("models")
	o.DefaultModel = "iris"
	return o
}

// Start starts a server and stops it when the test ends.
func Start(t testing.TB, o server.Options) *Env {
	t.Helper()
	log := new(Log)
	o.Logger = zerolog.New(log).Level(zerolog.DebugLevel)
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	address := s.Addr().String()
	return &Env{Server: s, Options: o, Address: address, URL: "http://" + address, Log: log}
}

// Testdata returns the path of a file in the folder testdata at the top of the repository.
func Testdata(elem ...string) string {
	if top == "" {
		panic("testenv: there is no testdata/models above the folder that the test runs in")
	}
	return filepath.Join(append([]string{top, "testdata"}, elem...)...)
}

// top is the top of the repository, looked for before a test goes to another folder: what the compiler
// knows of paths may have been trimmed. Empty: it was not found.
var top = func() string {
	at, err := os.Getwd()
	for err == nil && at != filepath.Dir(at) {
		if _, missing := os.Stat(filepath.Join(at, "testdata", "models")); missing == nil {
			return at
		}
		at = filepath.Dir(at)
	}
	return ""
}()

// HTTPClient returns a client that speaks only HTTP/1.1, or only HTTP/2 in clear text, and
// closes its connections when the test ends.
func HTTPClient(t testing.TB, http2 bool) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetUnencryptedHTTP2(http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Log keeps what is written to it. Its zero value is empty; any number of goroutines may use
// one.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
