package tracing

import (
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestDrawsAreThoseOfOpenTelemetry shows that who samples the same share by the id decides alike.
func TestDrawsAreThoseOfOpenTelemetry(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0, 1e-9, 0.01, 0.25, 0.5, 0.999, 1} {
		ours, theirs := ratioSampler(true, share), sdk.TraceIDRatioBased(share)
		drawn := 0
		const draws = 20_000
		for range draws {
			id := newTraceID()
			want := theirs.ShouldSample(sdk.SamplingParameters{ParentContext: t.Context(), TraceID: id}).Decision == sdk.RecordAndSample
			if got := ours.draw(id); got != want {
				t.Fatalf("of a share of %v, %v is sampled: %t, expected %t", share, id, got, want)
			}
			if want {
				drawn++
			}
		}
		// Six standard deviations at the widest.
		if got := float64(drawn) / draws; got < share-0.022 || got > share+0.022 {
			t.Errorf("of a share of %v, %v is sampled", share, got)
		}
	}
}

// recorder returns a tracer of the sampler whose spans are kept in memory.
func recorder(s sampler) (*Tracer, *tracetest.InMemoryExporter) {
	kept := tracetest.NewInMemoryExporter()
	t := &Tracer{sampler: s}
	t.provider = sdk.NewTracerProvider(sdk.WithSyncer(kept), sdk.WithSampler(sdk.AlwaysSample()), sdk.WithIDGenerator(ids{}))
	t.spans = t.provider.Tracer(scope)
	return t, kept
}

// TestUntracedRequestsCostNothing counts what is allocated before it is settled that a request is not
// traced.
func TestUntracedRequestsCostNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	never, _ := recorder(ratioSampler(true, 0))
	half, kept := recorder(ratioSampler(false, 0))
	call := Call{Procedure: "/a.v1.Service/Call", Protocol: "grpc", HTTPVersion: "2", Start: time.Now()}
	for name, test := range map[string]struct {
		tracer *Tracer
		header http.Header
	}{
		"no tracer":                     {nil, http.Header{parentHeader: {sampledParent}}},
		"not started":                   {&Tracer{sampler: ratioSampler(false, 1)}, http.Header{}},
		"not drawn":                     {never, http.Header{}},
		"the caller does not":           {never, http.Header{parentHeader: {unsampledParent}, stateHeader: {"a=1"}}},
		"the caller's id is not drawn":  {half, http.Header{parentHeader: {sampledParent}}},
		"what the caller says is wrong": {never, http.Header{parentHeader: {"00-x"}}},
	} {
		if got := testing.AllocsPerRun(100, func() {
			if test.tracer.Begin(test.header, call) != nil {
				t.Errorf("%s: the request is traced", name)
			}
		}); got > 0 {
			t.Errorf("%s: %v allocations, expected none", name, got)
		}
	}
	if n := len(kept.GetSpans()); n > 0 {
		t.Errorf("%d spans", n)
	}
}

// TestDrawnTracesKeepTheirID shows that a trace that begins here has the id by which it was drawn.
func TestDrawnTracesKeepTheirID(t *testing.T) {
	t.Parallel()
	tracer, kept := recorder(ratioSampler(true, 0.5))
	begun := 0
	for range 200 {
		if r := tracer.Begin(http.Header{}, Call{Start: time.Now()}); r != nil {
			begun++
			r.End(Outcome{})
		}
	}
	spans := kept.GetSpans()
	if len(spans) != begun || begun == 0 || begun == 200 { // by chance once in 10⁵⁹ runs
		t.Fatalf("%d spans of %d traces that were begun of 200", len(spans), begun)
	}
	for _, s := range spans {
		if !tracer.sampler.draw(s.SpanContext.TraceID()) {
			t.Errorf("the trace %v is none that would be drawn", s.SpanContext.TraceID())
		}
	}
}

// begin begins the trace of a request that says that it is part of one.
func begin(t *testing.T, tracer *Tracer) *Request {
	t.Helper()
	r := tracer.Begin(http.Header{parentHeader: {sampledParent}}, Call{Procedure: "/a.v1.Service/Call", Protocol: "connect", HTTPVersion: "2", Start: time.Now()})
	if r == nil {
		t.Fatal("the request is not traced")
	}
	return r
}

// started returns a tracer as the environment says, that is started.
func started(t *testing.T, logger zerolog.Logger) *Tracer {
	t.Helper()
	tracer := FromEnvironment(Options{Logger: logger, Version: "v1.2.3"})
	tracer.Start(t.Context())
	return tracer
}
