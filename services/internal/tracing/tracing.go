// Package tracing records requests as spans of OpenTelemetry and sends them to a collector, as the
// standard OTEL_* variables of the environment say. Without any of them there is no [Tracer], and
// nil is one that traces nothing.
//
// Whether a request is traced is settled by its headers and by lot, before anything is allocated
// for it: most are not. Spans wait in a queue that is bounded; what does not fit, or cannot be
// sent, is lost, and no request waits for it. Nothing of OpenTelemetry's global state is used, so
// that servers in one process do not share it; what it would write to standard error is silenced.
package tracing

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options set a tracer up.
type Options struct {
	// Logger is told what is wrong with the environment, and that spans are lost: once a minute
	// at most.
	Logger zerolog.Logger
	// Version is that of the program.
	Version string
}

// Tracer begins the traces of requests. Its methods may be called by any number of goroutines, and
// on nil, but for Start and Stop, which are for the one that it belongs to.
type Tracer struct {
	options  Options
	settings settings
	sampler  sampler

	// Set by Start.
	provider *sdk.TracerProvider
	spans    trace.Tracer
	cancel   context.CancelFunc // ends what is being sent
}

// FromEnvironment returns a tracer as the variables of the process say, or nil where they ask for
// none. It has to be started.
func FromEnvironment(o Options) *Tracer {
	settings := readSettings(os.Getenv)
	if len(settings.exporters) == 0 && len(settings.warnings) == 0 {
		return nil
	}
	return &Tracer{options: o, settings: settings, sampler: settings.sampler}
}

// Start begins to send. It opens no connection yet, and does not fail where the collector cannot be
// reached. What of the environment cannot be followed is warned of in the log.
func (t *Tracer) Start(ctx context.Context) {
	if t == nil || t.provider != nil {
		return
	}
	silence()
	for _, warning := range t.settings.warnings {
		t.options.Logger.Warn().Msg(warning)
	}
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var processors []sdk.TracerProviderOption
	for _, name := range t.settings.exporters {
		exporter, err := t.settings.open(ctx, name, t.options.Logger)
		if err != nil {
			t.options.Logger.Warn().Err(err).Msg("no traces are sent")
			continue
		}
		processors = append(processors, sdk.WithBatcher(&steadyExporter{inner: exporter, sending: sending, logger: t.options.Logger}))
	}
	if len(processors) == 0 {
		cancel()
		return
	}
	t.cancel = cancel
	t.provider = sdk.NewTracerProvider(append(processors,
		sdk.WithResource(t.resource(ctx)),
		sdk.WithSampler(sdk.AlwaysSample()), // Begin has settled it
		sdk.WithIDGenerator(ids{}),
	)...)
	t.spans = t.provider.Tracer(scope, trace.WithInstrumentationVersion(t.options.Version), trace.WithSchemaURL(schema))
}

// silence keeps OpenTelemetry from writing lines of its own to standard error: they are not the log's,
// and quote variables that may be secrets. What they say of those is in the warnings.
func silence() {
	discard(otel.SetLogger)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
}

// discard sets a logger that is its zero value, which writes nothing.
func discard[L any](set func(L)) {
	var none L
	set(none)
}

// resource says what the spans are of.
func (t *Tracer) resource(ctx context.Context) *resource.Resource {
	// The later ones prevail, so that the environment may name another service.
	r, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "sepal"), attribute.String("service.version", t.options.Version)),
		resource.WithFromEnv(),
	)
	if err != nil {
		t.options.Logger.Warn().Err(err).Msg("some of the attributes in OTEL_RESOURCE_ATTRIBUTES are left out")
	}
	return r
}

// Stop sends what is there, until ctx ends at the latest, and stops. What begins from then on is not
// recorded.
func (t *Tracer) Stop(ctx context.Context) error {
	if t == nil || t.provider == nil {
		return nil
	}
	defer t.cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return errors.Join(errors.New("some traces were not sent"), err)
	}
	return nil
}

// Begin returns the trace of a request with these headers, or nil where it is not to be traced. For
// those it allocates nothing.
func (t *Tracer) Begin(header http.Header, call Call) *Request {
	if t == nil || t.spans == nil {
		return nil
	}
	parent, hasParent := parentOf(header)
	switch {
	case !hasParent:
		if parent.trace = newTraceID(); !t.sampler.draw(parent.trace) {
			return nil
		}
	case t.sampler.parentBased:
		if !parent.flags.IsSampled() {
			return nil
		}
	case !t.sampler.draw(parent.trace):
		return nil
	}
	return t.begin(parent.context(header, hasParent), call)
}

// Call is a request whose trace begins.
type Call struct {
	// Procedure is the path of the RPC, such as "/sepal.prediction.v1.PredictionService/Predict";
	// empty: there is no such RPC.
	Procedure string
	// Protocol is what Connect calls the protocol, HTTPVersion that of HTTP, such as "2".
	Protocol, HTTPVersion string
	// Start is when the request came in.
	Start time.Time
}
