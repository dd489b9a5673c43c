package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestWatchedServers shows that each server of the overhead is one that the program runs.
func TestWatchedServers(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	t.Setenv("SENTRY_DSN", "https://key@sentry.example/1")
	for _, watch := range []string{watchNothing, watchCounts, watchAll} {
		command := (&servers{self: "bench"}).watched(watch, "http://127.0.0.1:1")
		if len(command.Args) != 2 || command.Args[0] != watchedVerb {
			t.Fatalf("%s: the arguments are %q", watch, command.Args)
		}
		var parsed watchedCmd
		parser, err := kong.New(&parsed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(command.Args[1:]); err != nil || parsed.Watch != watch {
			t.Errorf("%s: parsed as %q, error %v", watch, parsed.Watch, err)
		}
		for _, variable := range []string{
			"OTEL_TRACES_EXPORTER=", "SENTRY_DSN=", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_TRACES_SAMPLER_ARG=0.01",
		} {
			if !slices.Contains(command.Env, variable) {
				t.Errorf("%s: %s is not in the environment", watch, variable)
			}
		}
	}
}

func TestCollectorCounts(t *testing.T) {
	t.Parallel()
	c := new(collector)
	response := httptest.NewRecorder()
	c.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/traces", strings.NewReader("spans")))
	if response.Code != http.StatusOK || response.Body.Len() != 0 || c.bytes.Load() != 5 {
		t.Errorf("%d bytes were counted, and the answer is %d %s", c.bytes.Load(), response.Code, response.Body)
	}
}
