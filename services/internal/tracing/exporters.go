package tracing

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// open returns the exporter of that name.
func (s settings) open(ctx context.Context, name string, logger zerolog.Logger) (sdk.SpanExporter, error) {
	switch {
	case name == console:
		return logExporter{logger: logger}, nil
	case s.grpc:
		return otlptracegrpc.New(ctx)
	default:
		return otlptracehttp.New(ctx)
	}
}

// complainEvery is how often it is said at most that spans are lost.
const complainEvery = time.Minute

// steadyExporter loses what the inner one cannot send, and says so, rather than to leave it to
// OpenTelemetry's global handler of errors. It stops to send when sending ends, so that nothing goes
// on after a tracer was stopped.
type steadyExporter struct {
	inner   sdk.SpanExporter
	sending context.Context //nolint:containedctx // it is the tracer's, and no call's
	logger  zerolog.Logger

	mu         sync.Mutex
	lost       int       // since it was said last
	complained time.Time // when that was; zero: all is well
}

func (e *steadyExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.sending, cancel)()
	e.note(len(spans), e.inner.ExportSpans(ctx, spans))
	return nil
}

// note says what became of spans, as far as it was not said lately.
func (e *steadyExporter) note(spans int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		if !e.complained.IsZero() {
			e.logger.Info().Int("spans_lost", e.lost).Msg("traces are sent again")
		}
		e.lost, e.complained = 0, time.Time{}
		return
	}
	e.lost += spans
	if time.Since(e.complained) < complainEvery {
		return
	}
	e.logger.Warn().Err(err).Int("spans_lost", e.lost).Msg("traces cannot be sent")
	e.lost, e.complained = 0, time.Now()
}

func (e *steadyExporter) Shutdown(ctx context.Context) error { return e.inner.Shutdown(ctx) }

// logExporter writes spans to the log, for who has no collector at hand.
type logExporter struct {
	logger zerolog.Logger
}

func (e logExporter) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	for _, s := range spans {
		event := e.logger.Info().
			Str("span", s.Name()).
			Str("trace_id", s.SpanContext().TraceID().String()).
			Str("span_id", s.SpanContext().SpanID().String())
		if s.Parent().HasSpanID() {
			event.Str("parent_id", s.Parent().SpanID().String())
		}
		attributes := zerolog.Dict()
		for _, a := range s.Attributes() {
			attributes.Interface(string(a.Key), a.Value.AsInterface())
		}
		event.Str("start", s.StartTime().UTC().Format(time.RFC3339Nano)).
			Dur("duration_ms", s.EndTime().Sub(s.StartTime())).
			Dict("attributes", attributes).
			Msg("span")
	}
	return nil
}

func (logExporter) Shutdown(context.Context) error { return nil }
