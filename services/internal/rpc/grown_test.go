package rpc

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func http2Request(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	r.ProtoMajor = 2
	return r
}

// goroutine names the goroutine that calls it.
func goroutine() string {
	var stack [64]byte
	name, _, _ := strings.Cut(string(stack[:runtime.Stack(stack[:], false)]), " [")
	return name
}

func TestGrownServesOnAnotherGoroutine(t *testing.T) {
	t.Parallel()
	var by string
	g := NewGrown(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		by = goroutine()
		if _, err := io.WriteString(w, "well"); err != nil {
			t.Error(err)
		}
	}))
	defer g.Close()
	recorder := httptest.NewRecorder()
	g.ServeHTTP(recorder, http2Request(t))
	if recorder.Body.String() != "well" {
		t.Errorf("the answer is %q", recorder.Body)
	}
	if by == goroutine() {
		t.Errorf("served by %s, which came with the request", by)
	}
	g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if by != goroutine() {
		t.Errorf("over HTTP/1.1 it is served by %s, expected that of the connection", by)
	}
}

func TestGrownPassesPanicsOn(t *testing.T) {
	t.Parallel()
	g := NewGrown(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer g.Close()
	for range 2 { // the goroutine that panicked serves on
		func() {
			defer func() {
				if got := recover(); got != http.ErrAbortHandler {
					t.Errorf("recovered %v, expected ErrAbortHandler itself", got)
				}
			}()
			g.ServeHTTP(httptest.NewRecorder(), http2Request(t))
		}()
	}
}
