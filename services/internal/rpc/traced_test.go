package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/tracing"
	"github.com/sepal-ml/sepal/services/internal/tracing/tracingtest"
)

// tracedHandler is a unary call that ends so behind all layers, and its tracer; nil: without one.
func tracedHandler(tracer *tracing.Tracer, f end) http.Handler {
	options := HandlerOptions(Options{MaxMessageBytes: 1000, MaxRows: 1, Tracer: tracer})
	unary := connect.NewUnaryHandler(procedure,
		func(ctx context.Context, _ *connect.Request[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
			if err := f(ctx); err != nil {
				return nil, err
			}
			return connect.NewResponse(&predictionv1.HealthResponse{Status: "ok"}), nil
		}, options...)
	m := metrics.New([]metrics.Procedure{{Path: procedure}})
	return RequestID(Measured(m.Requests, Traced(tracer, Unheard(zerolog.Nop(), nil, unary))))
}

// startTracer returns a tracer that sends to the collector, and samples as it is told.
func startTracer(t *testing.T, sampler string) *tracing.Tracer {
	t.Helper()
	t.Setenv("OTEL_TRACES_SAMPLER", sampler)
	tracer := tracing.FromEnvironment(tracing.Options{Logger: zerolog.Nop()})
	tracer.Start(t.Context())
	t.Cleanup(func() { _ = tracer.Stop(context.Background()) })
	return tracer
}

// TestUntracedCallsAllocateNothingMore compares a handler without a tracer with one whose tracer does
// not draw the call.
func TestUntracedCallsAllocateNothingMore(t *testing.T) {
	c := tracingtest.Start(t, "http/protobuf")
	fine := func(context.Context) error { return nil }
	allocations := func(h http.Handler, header http.Header) float64 {
		body := []byte("\x00\x00\x00\x00\x00")
		reader := bytes.NewReader(body)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, procedure, nil)
		request.Body = io.NopCloser(reader)
		return testing.AllocsPerRun(500, func() {
			reader.Reset(body)
			request.Header = header.Clone()
			h.ServeHTTP(httptest.NewRecorder(), request)
		})
	}
	tracer := startTracer(t, "parentbased_always_off")
	for name, header := range map[string]http.Header{
		"no trace": {"Content-Type": {"application/grpc+proto"}},
		"a trace that is not sampled": {
			"Content-Type": {"application/grpc+proto"}, "Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"},
		},
	} {
		// What else the process does may add to either.
		without, with := math.Inf(1), math.Inf(1)
		for range 5 {
			without = min(without, allocations(tracedHandler(nil, fine), header))
			with = min(with, allocations(tracedHandler(tracer, fine), header))
		}
		if with != without || without < 10 {
			t.Errorf("%s: a call takes %v allocations, and %v without a tracer", name, with, without)
		}
	}
	if err := tracer.Stop(t.Context()); err != nil || len(c.Spans()) > 0 {
		t.Errorf("%d spans, error %v", len(c.Spans()), err)
	}
}

// TestAPanicIsTraced shows how a call that panicked is told of.
func TestAPanicIsTraced(t *testing.T) {
	for name, value := range map[string]any{"a panic": secret, "the connection is broken off": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			c := tracingtest.Start(t, "http/protobuf")
			tracer := startTracer(t, "always_on")
			h := tracedHandler(tracer, func(ctx context.Context) error {
				Assigned(ctx, "iris", "v4", "stable")
				panic(value)
			})
			func() {
				defer func() { _ = recover() }()
				serve(t, h, http.Header{"Content-Type": {"application/json"}}, "{}")
			}()
			if err := tracer.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			spans := c.Spans()
			want := map[string]string{"a panic": "internal", "the connection is broken off": "unknown"}[name]
			if len(spans) < 4 || spans[0].Attributes["error.type"] != want || !spans[0].Failed || spans[0].Attributes["sepal.model_version"] != "v4" {
				t.Fatalf("the spans are %+v, expected one that failed with %s, and its parts", spans, want)
			}
			var names []string
			for _, s := range spans[1:] {
				names = append(names, s.Name)
			}
			if got := strings.Join(names, " "); !strings.HasPrefix(got, "decode assign predict") {
				t.Errorf("the parts are %s", got)
			}
		})
	}
}

// TestDecodingBeginsWithTheLastByte reads messages in pieces, as networks bring them.
func TestDecodingBeginsWithTheLastByte(t *testing.T) {
	t.Parallel()
	const enveloped = "\x00\x00\x00\x00\x03abc"
	for _, test := range []struct {
		name, protocol, body string
		complete             int // after how many bytes the message is there; less than 0: at the end
	}{
		{"an envelope", connect.ProtocolGRPC, enveloped, 8},
		{"an envelope and more", connect.ProtocolGRPCWeb, enveloped + "more", 8},
		{"an empty envelope", connect.ProtocolGRPC, "\x00\x00\x00\x00\x00", 5},
		{"an envelope that is cut short", connect.ProtocolGRPC, enveloped[:6], -1},
		{"a body", connect.ProtocolConnect, enveloped, -1},
		{"no body", connect.ProtocolConnect, "", -1},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, procedure, io.NopCloser(iotest.OneByteReader(strings.NewReader(test.body))))
		trace := new(callTrace)
		trace.watch(request, test.protocol)
		for read := 0; ; {
			n, err := request.Body.Read(make([]byte, 10))
			read += n
			atEnd := errors.Is(err, io.EOF)
			if err != nil && !atEnd {
				t.Fatal(err)
			}
			if want := test.complete >= 0 && read >= test.complete || atEnd; want != !trace.received.IsZero() {
				t.Errorf("%s: after %d bytes the message is there: %t, expected %t", test.name, read, !want, want)
			}
			if atEnd {
				break
			}
		}
		// Connect looks for another message once it has decoded one that is enveloped.
		if got, want := !trace.decoded.IsZero(), test.complete >= 0; got != want {
			t.Errorf("%s: it is known when the message was decoded: %t, expected %t", test.name, got, want)
		}
	}
}
