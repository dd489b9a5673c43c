// Package crashtest is a double of Sentry for tests: it takes envelopes, checks that they are such,
// and keeps their events.
package crashtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Sentry is a double that runs.
type Sentry struct {
	// DSN is what SENTRY_DSN has to be.
	DSN string

	t        *testing.T
	mu       sync.Mutex
	events   []Event
	refusal  http.HandlerFunc // answers in its place
	requests int
}

// Event is an event that was received.
type Event struct {
	ID          string            `json:"event_id"`
	Timestamp   time.Time         `json:"timestamp"`
	Platform    string            `json:"platform"`
	Level       string            `json:"level"`
	Release     string            `json:"release"`
	Environment string            `json:"environment"`
	Transaction string            `json:"transaction"`
	Tags        map[string]string `json:"tags"`
	Contexts    struct {
		Trace map[string]string `json:"trace"`
	} `json:"contexts"`
	Extra       map[string]any `json:"extra"`
	Fingerprint []string       `json:"fingerprint"`
	Exception   struct {
		Values []Exception `json:"values"`
	} `json:"exception"`

	// Raw is the whole envelope.
	Raw string `json:"-"`
}

// Exception is what an event is about.
type Exception struct {
	Type       string `json:"type"`
	Value      string `json:"value"`
	Stacktrace struct {
		Frames []struct {
			Function string `json:"function"`
			Module   string `json:"module"`
			Filename string `json:"filename"`
			Line     int    `json:"lineno"`
			InApp    bool   `json:"in_app"`
		} `json:"frames"`
	} `json:"stacktrace"`
}

const (
	key     = "0123456789abcdef0123456789abcdef"
	project = "42"
)

// Start starts a double and stops it when the test ends. The environment leads to it then.
func Start(t *testing.T) *Sentry {
	t.Helper()
	s := &Sentry{t: t}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.DSN = strings.Replace(server.URL, "://", "://"+key+"@", 1) + "/under/" + project
	t.Setenv("SENTRY_DSN", s.DSN)
	t.Setenv("SENTRY_ENVIRONMENT", "test")
	t.Setenv("SENTRY_RELEASE", "")
	return s
}

// Answer has the double answer so from now on. Nil: as Sentry does where all is well.
func (s *Sentry) Answer(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = f
}

// Events returns what was received so far.
func (s *Sentry) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Requests returns how many requests were made so far, however they were answered.
func (s *Sentry) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func (s *Sentry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	refusal := s.refusal
	s.mu.Unlock()
	if refusal != nil {
		refusal(w, r)
		return
	}
	event, err := read(r)
	if err != nil {
		s.t.Errorf("an envelope that Sentry would not take: %v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":%q}`, event.ID)
}

// read reads an envelope with one event.
func read(r *http.Request) (Event, error) {
	auth := r.Header.Get("X-Sentry-Auth")
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/under/api/"+project+"/envelope/":
		return Event{}, fmt.Errorf("%s %s", r.Method, r.URL.Path)
	case !strings.HasPrefix(auth, "Sentry sentry_version=7, ") || !strings.Contains(auth, "sentry_key="+key) || !strings.Contains(auth, "sentry_client=sepal.go/"):
		return Event{}, fmt.Errorf("the header X-Sentry-Auth is %q", auth)
	case r.Header.Get("Content-Type") != "application/x-sentry-envelope" || r.Header.Get("Content-Encoding") != "gzip":
		return Event{}, fmt.Errorf("the headers are %v", r.Header)
	}
	unzipped, err := gzip.NewReader(r.Body)
	if err != nil {
		return Event{}, err
	}
	raw, err := io.ReadAll(unzipped)
	if err != nil {
		return Event{}, err
	}
	parts := bytes.SplitN(raw, []byte("\n"), 3)
	if len(parts) != 3 {
		return Event{}, fmt.Errorf("the envelope has %d parts: %s", len(parts), raw)
	}
	var header struct {
		ID     string    `json:"event_id"`
		SentAt time.Time `json:"sent_at"`
	}
	var item struct {
		Type   string `json:"type"`
		Length int    `json:"length"`
	}
	e := Event{Raw: string(raw)}
	for i, into := range []any{&header, &item, &e} {
		if err := json.Unmarshal(parts[i], into); err != nil {
			return Event{}, err
		}
	}
	if payload := bytes.TrimSuffix(parts[2], []byte("\n")); item.Type != "event" || item.Length != len(payload) {
		return Event{}, fmt.Errorf("the item is a %s of %d bytes, and %d follow", item.Type, item.Length, len(payload))
	}
	if len(e.ID) != 32 || header.ID != e.ID || header.SentAt.IsZero() || e.Platform != "go" || len(e.Exception.Values) != 1 {
		return Event{}, fmt.Errorf("the envelope is %s", raw)
	}
	return e, nil
}
