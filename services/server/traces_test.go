package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/internal/tracing/tracingtest"
)

// The trace and the span of the one who calls.
const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// traced starts a server that sends its traces where the environment says.
func traced(t *testing.T) *testenv.Env {
	t.Helper()
	o := testenv.Options()
	o.Telemetry = true
	return testenv.Start(t, o)
}

// received stops the server, which sends what it has, and returns that.
func received(t *testing.T, env *testenv.Env, c *tracingtest.Collector) []tracingtest.Span {
	t.Helper()
	if err := env.Server.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	return c.Spans()
}

// within returns a context whose calls say that they are part of a trace.
func within(t *testing.T, sampled bool) context.Context {
	ctx, call := connect.NewClientContext(t.Context())
	flags := "00"
	if sampled {
		flags = "01"
	}
	call.RequestHeader().Set("Traceparent", "00-"+callersTrace+"-"+callersSpan+"-"+flags)
	call.RequestHeader().Set("Tracestate", "vendor=1,other=2")
	return ctx
}

func predictRow(ctx context.Context, client predictionv1connect.PredictionServiceClient) error {
	_, err := client.Predict(ctx, &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	return err
}

func TestTracesInEveryProtocol(t *testing.T) {
	for _, export := range tracingtest.Protocols() {
		t.Run(strings.ReplaceAll(export, "/", "_"), func(t *testing.T) {
			c := tracingtest.Start(t, export)
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x")
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
			env := traced(t)
			for _, p := range testenv.Protocols() {
				if err := predictRow(within(t, true), env.Prediction(t, p)); err != nil {
					t.Fatalf("%s: %v", p.Name, err)
				}
			}
			spans := received(t, env, c)
			if got := c.Header("Authorization"); got != "Bearer x" {
				t.Errorf("the collector is shown %q, expected what the headers of the environment say", got)
			}
			var parents []tracingtest.Span
			for _, s := range spans {
				if s.Server {
					parents = append(parents, s)
				}
			}
			if len(parents) != len(testenv.Protocols()) {
				t.Fatalf("%d spans of requests, expected %d: %v", len(parents), len(testenv.Protocols()), spans)
			}
			for i, p := range testenv.Protocols() { // in the order of the calls
				t.Run(p.Name, func(t *testing.T) {
					requirePredict(t, parents[i], p)
					requireParts(t, parents[i], spans, "decode", "assign", "predict", "encode")
				})
			}
		})
	}
}

// requirePredict checks the span of a Predict that went well.
func requirePredict(t *testing.T, s tracingtest.Span, p testenv.Protocol) {
	t.Helper()
	if s.TraceID != callersTrace || s.ParentID != callersSpan || s.TraceState != "vendor=1,other=2" || !s.Sampled || s.Failed {
		t.Errorf("the span is not one of the caller's: %+v", s)
	}
	if s.Name != "sepal.prediction.v1.PredictionService/Predict" || s.InstrumentationLib != "github.com/sepal-ml/sepal" || s.Schema == "" {
		t.Errorf("the span is named %q, of %q by %q", s.Name, s.InstrumentationLib, s.Schema)
	}
	id, _ := s.Attributes["sepal.request_id"].(string)
	if delete(s.Attributes, "sepal.request_id"); len(id) != 26 {
		t.Errorf("the request id is %q", id)
	}
	want := map[string]any{
		"rpc.service": "sepal.prediction.v1.PredictionService", "rpc.method": "Predict", "rpc.system": "connect_rpc",
		"network.protocol.name": "http", "network.protocol.version": "1.1",
		"sepal.model": "iris", "sepal.model_version": "v1.1.0",
	}
	if p.HTTP2() {
		want["network.protocol.version"] = "2"
	}
	switch {
	case strings.HasPrefix(p.Name, "grpc_web"):
		want["rpc.system"], want["rpc.grpc.status_code"] = "grpc_web", 0
	case strings.HasPrefix(p.Name, "grpc"):
		want["rpc.system"], want["rpc.grpc.status_code"] = "grpc", 0
	}
	variant, _ := s.Attributes["sepal.variant"].(string)
	if delete(s.Attributes, "sepal.variant"); variant == "" {
		t.Errorf("no variant is told")
	}
	if diff := cmp.Diff(want, s.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	delete(s.Resource, "telemetry.sdk.version")
	delete(s.Resource, "service.version")
	if diff := cmp.Diff(map[string]any{
		"service.name": "sepal", "deployment.environment.name": "test",
		"telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "go",
	}, s.Resource); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
}

// requireParts checks that a span has just these children, in this order and within its time.
func requireParts(t *testing.T, parent tracingtest.Span, all []tracingtest.Span, names ...string) {
	t.Helper()
	var got []string
	at := parent.Start
	for _, s := range all {
		if s.ParentID != parent.SpanID {
			continue
		}
		got = append(got, s.Name)
		if s.TraceID != parent.TraceID || s.Start < at || s.End < s.Start || s.End > parent.End {
			t.Errorf("%s lasts from %d to %d, expected it after %d and before %d", s.Name, s.Start, s.End, at, parent.End)
		}
		at = s.End
	}
	if !slices.Equal(got, names) {
		t.Errorf("the span has the children %v, expected %v", got, names)
	}
}

func TestWhoDecidesWhatIsTraced(t *testing.T) {
	tests := []struct {
		sampler, arg             string
		unasked, asked, askedNot int  // spans of requests that came without a trace, of one that is sampled, of one that is not
		disabled, none           bool // OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER
	}{
		{sampler: "", unasked: 1, asked: 1},
		{sampler: "parentbased_always_on", unasked: 1, asked: 1},
		{sampler: "parentbased_always_off", asked: 1},
		{sampler: "parentbased_traceidratio", arg: "0", asked: 1},
		{sampler: "parentbased_traceidratio", arg: "1", unasked: 1, asked: 1},
		{sampler: "always_on", unasked: 1, asked: 1, askedNot: 1},
		{sampler: "traceidratio", arg: "0"},
		{sampler: "always_off"},
		{sampler: "always_on", disabled: true},
		{sampler: "always_on", none: true},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			c := tracingtest.Start(t, "http/protobuf")
			t.Setenv("OTEL_TRACES_SAMPLER", test.sampler)
			t.Setenv("OTEL_TRACES_SAMPLER_ARG", test.arg)
			if test.disabled {
				t.Setenv("OTEL_SDK_DISABLED", "true")
			}
			if test.none {
				t.Setenv("OTEL_TRACES_EXPORTER", "none")
			}
			env := traced(t)
			client := env.Prediction(t, testenv.Protocols()[0])
			if err := errors.Join(
				predictRow(t.Context(), client), predictRow(within(t, true), client), predictRow(within(t, false), client),
			); err != nil {
				t.Fatal(err)
			}
			var unasked, ofTrace int
			for _, s := range received(t, env, c) {
				switch {
				case !s.Server:
				case s.ParentID == "" && len(s.TraceID) == 32 && s.TraceID != callersTrace:
					unasked++
				case s.TraceID == callersTrace && s.ParentID == callersSpan:
					ofTrace++
				default:
					t.Errorf("a span of nobody's: %+v", s)
				}
			}
			if unasked != test.unasked || ofTrace != test.asked+test.askedNot {
				t.Errorf("%d spans without a caller's trace and %d with, expected %d and %d", unasked, ofTrace, test.unasked, test.asked+test.askedNot)
			}
		})
	}
}

func TestTracesOfWhatGoesWrong(t *testing.T) {
	c := tracingtest.Start(t, "http/protobuf")
	env := traced(t)
	for _, p := range testenv.Protocols() {
		_, err := env.Prediction(t, p).Predict(within(t, true), &predictionv1.PredictRequest{Features: []float64{1}})
		if connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Fatal(err)
		}
		unknown := connect.NewClient[predictionv1.HealthRequest, predictionv1.HealthResponse](testenv.HTTPClient(t, p.HTTP2()), env.URL+"/no.such.Service/Call", p.Options()...)
		if _, err := unknown.CallUnary(within(t, true), connect.NewRequest(&predictionv1.HealthRequest{})); connect.CodeOf(err) != connect.CodeUnimplemented {
			t.Fatal(err)
		}
	}
	// The log says which trace a request is of, whether or not it is recorded.
	if _, err := env.Prediction(t, testenv.Protocols()[0]).Predict(within(t, false), &predictionv1.PredictRequest{Features: []float64{1}}); err == nil {
		t.Fatal("a short row is taken")
	}
	spans := received(t, env, c)
	counts := map[string]int{}
	for _, s := range spans {
		if !s.Server {
			continue
		}
		code := fmt.Sprint(s.Attributes["rpc.grpc.status_code"], s.Attributes["rpc.connect_rpc.error_code"])
		counts[fmt.Sprintf("%s: %s, error type %v, failed %t", s.Name, code, s.Attributes["error.type"], s.Failed)]++
		if s.Name != "unknown" {
			requireParts(t, s, spans, slices.DeleteFunc([]string{"decode", "assign", "predict", "encode"}, func(name string) bool {
				return name == "encode" && s.Attributes["rpc.system"] != "connect_rpc" // nothing but headers
			})...)
		}
	}
	want := map[string]int{
		"sepal.prediction.v1.PredictionService/Predict: 3 <nil>, error type invalid_argument, failed false":               4,
		"sepal.prediction.v1.PredictionService/Predict: <nil>invalid_argument, error type invalid_argument, failed false": 6,
		"unknown: 12 <nil>, error type unimplemented, failed true":                                                        4,
		"unknown: <nil>unimplemented, error type unimplemented, failed true":                                              6,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("spans of requests (-want +got):\n%s", diff)
	}
	lines := strings.Split(strings.TrimSpace(env.Log.String()), "\n")
	n := 0
	for _, line := range lines {
		if strings.Contains(line, `"request_id"`) {
			if n++; !strings.Contains(line, `"trace_id":"`+callersTrace+`"`) {
				t.Errorf("a line without the trace of its request: %s", line)
			}
		}
	}
	if n != 2*len(testenv.Protocols())+1 {
		t.Errorf("%d lines about requests, expected %d", n, 2*len(testenv.Protocols())+1)
	}
}

func TestTracesOfStreams(t *testing.T) {
	const messages = 100
	c := tracingtest.Start(t, "http/protobuf")
	env := traced(t)
	protocols := slices.DeleteFunc(testenv.Protocols(), func(p testenv.Protocol) bool { return !p.HTTP2() })
	for _, p := range protocols {
		if err := errors.Join(streamRows(t, env, p, messages), chunks(t, env, p)); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
	}
	spans := received(t, env, c)
	if len(spans) != 2*len(protocols) {
		t.Fatalf("%d spans, expected one for each stream: %+v", len(spans), spans)
	}
	for i, s := range spans { // in the order of the calls
		want := struct {
			name                   string
			received, sent, events int
		}{"PredictStream", messages, messages, 64}
		if i%2 == 1 {
			want.name, want.received, want.sent, want.events = "BatchPredictStream", 1, 3, 4
		}
		if s.Attributes["rpc.method"] != want.name || s.Attributes["sepal.messages_received"] != want.received ||
			s.Attributes["sepal.messages_sent"] != want.sent || s.Attributes["sepal.model_version"] != "v1.1.0" || s.Attributes["error.type"] != nil {
			t.Errorf("%s: attributes of %s: %v", protocols[i/2].Name, want.name, s.Attributes)
		}
		if len(s.Events) != want.events || s.Events[0]["rpc.message.type"] != "RECEIVED" || s.Events[1]["rpc.message.type"] != "SENT" {
			t.Errorf("%s: %d events of %s, expected %d, from one received on: %v", protocols[i/2].Name, len(s.Events), want.name, want.events, s.Events)
		}
	}
}

func streamRows(t *testing.T, env *testenv.Env, p testenv.Protocol, n int) error {
	stream, err := env.Prediction(t, p).PredictStream(t.Context())
	if err != nil {
		return err
	}
	row := &predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}}
	for range n {
		if err := stream.Send(row); err != nil {
			return err
		}
		if _, err := stream.Receive(); err != nil {
			return err
		}
	}
	if err := stream.CloseRequest(); err != nil {
		return err
	}
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		return err
	}
	return stream.CloseResponse()
}

func chunks(t *testing.T, env *testenv.Env, p testenv.Protocol) error {
	rows := &predictionv1.BatchPredictRequest{}
	for range 5 {
		rows.Rows = append(rows.Rows, &predictionv1.Row{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	}
	stream, err := env.Prediction(t, p).BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{Batch: rows, ChunkRows: 2})
	if err != nil {
		return err
	}
	for stream.Receive() {
	}
	return errors.Join(stream.Err(), stream.Close())
}

// TestTraceOfACancelledStream shows that a stream whose client has gone is told as that.
func TestTraceOfACancelledStream(t *testing.T) {
	c := tracingtest.Start(t, "http/protobuf")
	env := traced(t)
	i := slices.IndexFunc(testenv.Protocols(), func(p testenv.Protocol) bool { return p.Name == "grpc" })
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := env.Prediction(t, testenv.Protocols()[i]).PredictStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	row := &predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}}
	if err := stream.Send(row); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Receive(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeCanceled {
		t.Fatal(err)
	}
	// A server that stops first tells the stream so.
	for end := time.Now().Add(10 * time.Second); !strings.Contains(env.Log.String(), `"code":"canceled"`); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the server has not heard that the client is gone: %s", env.Log)
		}
	}
	spans := received(t, env, c)
	if len(spans) != 1 || spans[0].Attributes["rpc.grpc.status_code"] != 1 || spans[0].Failed || spans[0].Attributes["sepal.messages_sent"] != 1 {
		t.Errorf("expected one span of a stream that was cancelled, got %+v", spans)
	}
}

// TestOtherRequestsAreNotTraced shows that pages and probes of health over HTTP are none of it.
func TestOtherRequestsAreNotTraced(t *testing.T) {
	c := tracingtest.Start(t, "http/protobuf")
	env := traced(t)
	for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/nothing"} {
		response, err := testenv.HTTPClient(t, false).Get(env.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if spans := received(t, env, c); len(spans) > 0 {
		t.Errorf("traced %+v", spans)
	}
}
