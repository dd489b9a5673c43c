// Package tracingtest is a collector of OpenTelemetry for tests: it takes spans over HTTP and over
// gRPC, and keeps them.
package tracingtest

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Collector is a collector that runs.
type Collector struct {
	collectorv1.UnimplementedTraceServiceServer

	// Endpoint is what OTEL_EXPORTER_OTLP_ENDPOINT has to be, Protocol what
	// OTEL_EXPORTER_OTLP_PROTOCOL.
	Endpoint, Protocol string

	mu      sync.Mutex
	spans   []Span
	headers http.Header // of the last export
}

// Span is a span that was received. Its ids are in hexadecimal digits; ParentID is empty where it
// has no parent.
type Span struct {
	Name                       string
	TraceID, SpanID, ParentID  string
	TraceState                 string
	Start, End                 uint64 // in nanoseconds
	Server, Failed             bool
	Resource, Attributes       map[string]any
	Events                     []map[string]any // their attributes
	Sampled                    bool
	Schema, InstrumentationLib string
}

// Protocols are the protocols that a collector speaks.
func Protocols() []string { return []string{"http/protobuf", "grpc"} }

// Clear takes the variables of OpenTelemetry from the environment, until the test ends.
func Clear(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

// Start starts a collector of the protocol and stops it when the test ends. The environment leads to
// it then, and says nothing else of traces.
func Start(t *testing.T, protocol string) *Collector {
	t.Helper()
	Clear(t)
	c := &Collector{Protocol: protocol}
	if protocol == "grpc" {
		c.startGRPC(t)
	} else {
		server := httptest.NewServer(http.HandlerFunc(c.serve))
		t.Cleanup(server.Close)
		c.Endpoint = server.URL
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.Endpoint)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	return c
}

func (c *Collector) startGRPC(t *testing.T) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	c.Endpoint = "http://" + listener.Addr().String()
}

// serve answers an export over HTTP.
func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/traces" {
		http.NotFound(w, r)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	request := new(collectorv1.ExportTraceServiceRequest)
	if err == nil {
		err = proto.Unmarshal(data, request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.take(request, r.Header)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Export answers an export over gRPC.
func (c *Collector) Export(ctx context.Context, request *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	header := make(http.Header)
	if incoming, ok := metadata.FromIncomingContext(ctx); ok {
		for name, values := range incoming {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	c.take(request, header)
	return new(collectorv1.ExportTraceServiceResponse), nil
}

func (c *Collector) take(request *collectorv1.ExportTraceServiceRequest, header http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = header.Clone()
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				span := spanOf(s)
				span.Resource = attributes(resource.GetResource().GetAttributes())
				span.Schema, span.InstrumentationLib = scope.GetSchemaUrl(), scope.GetScope().GetName()
				c.spans = append(c.spans, span)
			}
		}
	}
}

func spanOf(s *tracev1.Span) Span {
	span := Span{
		Name:       s.GetName(),
		TraceID:    hex.EncodeToString(s.GetTraceId()),
		SpanID:     hex.EncodeToString(s.GetSpanId()),
		ParentID:   hex.EncodeToString(s.GetParentSpanId()),
		TraceState: s.GetTraceState(),
		Start:      s.GetStartTimeUnixNano(),
		End:        s.GetEndTimeUnixNano(),
		Server:     s.GetKind() == tracev1.Span_SPAN_KIND_SERVER,
		Failed:     s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR,
		Sampled:    s.GetFlags()&1 == 1,
		Attributes: attributes(s.GetAttributes()),
	}
	for _, e := range s.GetEvents() {
		span.Events = append(span.Events, attributes(e.GetAttributes()))
	}
	return span
}

// attributes returns the attributes that are text or whole numbers, which is what there is.
func attributes(list []*commonv1.KeyValue) map[string]any {
	values := make(map[string]any)
	for _, kv := range list {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonv1.AnyValue_StringValue:
			values[kv.GetKey()] = v.StringValue
		case *commonv1.AnyValue_IntValue:
			values[kv.GetKey()] = int(v.IntValue)
		}
	}
	return values
}

// Spans returns what was received so far, by the times at which it began, parents first.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := slices.Clone(c.spans)
	slices.SortStableFunc(spans, func(a, b Span) int {
		switch {
		case a.Start != b.Start:
			return int(int64(a.Start - b.Start))
		case a.Server != b.Server && a.Server:
			return -1
		case a.Server != b.Server:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return spans
}

// Header returns a header of the last export.
func (c *Collector) Header(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers.Get(name)
}
