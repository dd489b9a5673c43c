package tracing

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	sampledParent   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampledParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// parents are headers, and whether they say which span calls.
var parents = map[string]bool{
	sampledParent:   true,
	unsampledParent: true,
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03":      true, // of random bits
	"42-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff":      true, // of a version to come
	"42-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more": true,

	"": false,
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more": false,
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-":        false,
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0":       false,
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-04":      false,
	"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01":      false,
	"00-00000000000000000000000000000000-b7ad6b7169203331-01":      false,
	"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01":      false,
	"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":      false,
	"42-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x":     false,
	"00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01":      false,
	"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":      false,
	"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01":      false,
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01":      false,
}

func TestParents(t *testing.T) {
	t.Parallel()
	for text, known := range parents {
		if _, got := parseParent(text); got != known {
			t.Errorf("%q is one: %t, expected %t", text, got, known)
		}
		requireLikeOpenTelemetry(t, text, "a=1,b=2")
	}
	if _, known := parentOf(http.Header{parentHeader: {sampledParent, unsampledParent}}); known {
		t.Error("one of two headers was taken")
	}
	if id := CallersTraceID(http.Header{parentHeader: {unsampledParent}}); id != unsampledParent[3:35] {
		t.Errorf("the id of the trace is %q", id)
	}
	if id := CallersTraceID(http.Header{parentHeader: {"x"}}); id != "" {
		t.Errorf("the id of no trace is %q", id)
	}
}

// requireLikeOpenTelemetry compares what is read of the headers with what its own code reads.
func requireLikeOpenTelemetry(t *testing.T, text, state string) {
	t.Helper()
	header := http.Header{parentHeader: {text}, stateHeader: {state}}
	want := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(header)))
	p, known := parentOf(header)
	var got trace.SpanContext
	if known {
		got = trace.SpanContextFromContext(p.context(header, true))
	}
	if !got.Equal(want) {
		t.Errorf("%q and %q give %v, expected %v", text, state, got, want)
	}
}

func FuzzParent(f *testing.F) {
	for text := range parents {
		f.Add(text, "vendor=1")
	}
	f.Add(strings.Repeat("-", 55), "")
	f.Add(sampledParent, "=,=")
	f.Fuzz(func(t *testing.T, text, state string) { requireLikeOpenTelemetry(t, text, state) })
}
