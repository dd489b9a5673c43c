package rpc

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
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

func TestGrownServesOnAnotherGoroutineAndAgain(t *testing.T) {
	t.Parallel()
	var served []string
	g := NewGrown(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served = append(served, goroutine())
		if _, err := io.WriteString(w, "well"); err != nil {
			t.Error(err)
		}
	}))
	defer g.Close()
	for range 3 {
		recorder := httptest.NewRecorder()
		g.ServeHTTP(recorder, http2Request(t))
		if recorder.Body.String() != "well" {
			t.Errorf("the answer is %q", recorder.Body)
		}
	}
	if served[0] == goroutine() || served[0] != served[1] || served[1] != served[2] {
		t.Errorf("served by %q, expected one goroutine, and not %s", served, goroutine())
	}
	g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if served[3] != goroutine() {
		t.Errorf("over HTTP/1.1 it is served by %s, expected that of the connection", served[3])
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

func TestGrownServesManyAtOnceAndEnds(t *testing.T) {
	t.Parallel()
	var arrived sync.WaitGroup
	arrived.Add(idleStacks + 10)
	g := NewGrown(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait() // all at once
	}))
	var served sync.WaitGroup
	for range idleStacks + 10 {
		served.Go(func() { g.ServeHTTP(httptest.NewRecorder(), http2Request(t)) })
	}
	served.Wait()
	if n := len(g.idle); n != idleStacks {
		t.Errorf("%d goroutines wait, expected %d", n, idleStacks)
	}
	g.Close()
	arrived.Add(1)
	g.ServeHTTP(httptest.NewRecorder(), http2Request(t))
	if n := len(g.idle); n != 0 {
		t.Errorf("%d goroutines wait after the end", n)
	}
}
