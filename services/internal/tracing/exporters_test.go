package tracing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/sepal-ml/sepal/services/internal/tracing/tracingtest"
)

// journal keeps what is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Split(strings.TrimSpace(j.text.String()), "\n")
}

// TestSpansReachTheCollector sends a span with a part and a message over each protocol.
func TestSpansReachTheCollector(t *testing.T) {
	for _, protocol := range tracingtest.Protocols() {
		t.Run(strings.ReplaceAll(protocol, "/", "_"), func(t *testing.T) {
			c := tracingtest.Start(t, protocol)
			t.Setenv("OTEL_SERVICE_NAME", "another")
			t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
			log := new(journal)
			tracer := started(t, zerolog.New(log))
			r := begin(t, tracer)
			now := time.Now()
			r.Child("part", now, now.Add(time.Millisecond))
			r.Child("not begun", time.Time{}, now)
			r.Child("not ended", now, time.Time{})
			for i := range maxEvents + 10 {
				r.Message(true, i+1)
			}
			r.End(Outcome{RequestID: "id", Model: "iris", Version: "v1", Variant: "canary", Received: maxEvents + 10})
			if err := tracer.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			spans := c.Spans()
			if len(spans) != 2 {
				t.Fatalf("%d spans, expected 2: %+v", len(spans), spans)
			}
			server, part := spans[0], spans[1]
			if server.Name != "a.v1.Service/Call" || server.TraceID != r.TraceID() || server.SpanID != r.SpanID() || server.ParentID != sampledParent[36:52] {
				t.Errorf("the span of the server is %+v", server)
			}
			if server.Resource["service.name"] != "another" || server.Resource["service.version"] != "v1.2.3" || len(server.Events) != maxEvents {
				t.Errorf("the resource is %v, and there are %d events", server.Resource, len(server.Events))
			}
			if part.Name != "part" || part.ParentID != server.SpanID || part.End-part.Start != uint64(time.Millisecond) || part.Start != uint64(now.UnixNano()) {
				t.Errorf("the part is %+v", part)
			}
			if lines := log.lines(); len(lines[0]) > 0 {
				t.Errorf("logged %q", lines)
			}
			if tracer.Begin(nil, Call{}) != nil {
				r.Message(true, 1) // nobody listens, and nothing breaks
			}
		})
	}
}

// TestCollectorThatIsDown shows that one that does not answer costs a line of the log, and time only
// when stopping.
func TestCollectorThatIsDown(t *testing.T) {
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, address := range map[string]string{"down": "127.0.0.1:1", "silent": silent.Addr().String()} {
		for _, protocol := range tracingtest.Protocols() {
			t.Run(name+"/"+strings.ReplaceAll(protocol, "/", "_"), func(t *testing.T) {
				tracingtest.Clear(t)
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+address)
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
				t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
				requireLoss(t)
			})
		}
	}
}

// requireLoss begins more traces than can wait to be sent, and stops.
func requireLoss(t *testing.T) {
	t.Helper()
	ignored := goleak.IgnoreCurrent()
	log := new(journal)
	tracer := started(t, zerolog.New(log))
	for range 1000 {
		begin(t, tracer).End(Outcome{})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := tracer.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	// What was under way has ended, but that the exporters share a pool of connections over HTTP.
	goleak.VerifyNone(t, ignored,
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
	lines := log.lines()
	if len(lines) != 1 || !strings.Contains(lines[0], `"level":"warn"`) || !strings.Contains(lines[0], `"message":"traces cannot be sent"`) {
		t.Errorf("logged %q, expected one line that traces cannot be sent", lines)
	}
}

// failing is an exporter that fails while it is broken.
type failing struct {
	broken bool
}

func (f *failing) ExportSpans(context.Context, []trace.ReadOnlySpan) error {
	if f.broken {
		return errors.New("it is down")
	}
	return nil
}

func (*failing) Shutdown(context.Context) error { return nil }

func TestLossesAreToldOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // Time stands still.
		log := new(journal)
		inner := &failing{broken: true}
		e := &steadyExporter{inner: inner, sending: t.Context(), logger: zerolog.New(log)}
		export := func() {
			if err := e.ExportSpans(t.Context(), make([]trace.ReadOnlySpan, 3)); err != nil {
				t.Errorf("the exporter fails with %v, which would reach a global handler", err)
			}
		}
		for range 10 { // the last after 90 s
			export()
			time.Sleep(10 * time.Second)
		}
		inner.broken = false
		export()
		export()
		var got []string
		for _, line := range log.lines() {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(fields["level"], ": ", fields["message"], ", ", fields["spans_lost"]))
		}
		want := []string{"warn: traces cannot be sent, 3", "warn: traces cannot be sent, 18", "info: traces are sent again, 9"}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("logged %q, expected %q", got, want)
		}
	})
}

// TestSpansInTheLog has the console for an exporter.
func TestSpansInTheLog(t *testing.T) {
	tracingtest.Clear(t)
	t.Setenv("OTEL_TRACES_EXPORTER", "console")
	log := new(journal)
	tracer := started(t, zerolog.New(log))
	r := begin(t, tracer)
	now := time.Now()
	r.Child("part", now, now.Add(3*time.Millisecond))
	r.End(Outcome{RequestID: "id-1"})
	if err := tracer.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := log.lines()
	if len(lines) != 2 {
		t.Fatalf("logged %q, expected two spans", lines)
	}
	for i, want := range []string{`"duration_ms":3,`, `"attributes":{"rpc.system":"connect_rpc",`} {
		var line struct {
			Span, Message string
			TraceID       string `json:"trace_id"`
			ParentID      string `json:"parent_id"`
		}
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		if line.TraceID != r.TraceID() || line.ParentID == "" || line.Message != "span" || !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %s, expected %s in it", i, lines[i], want)
		}
	}
}

// TestWhatIsWrongIsWarnedOf shows that a tracer that cannot send says why, and serves as none.
func TestWhatIsWrongIsWarnedOf(t *testing.T) {
	tracingtest.Clear(t)
	t.Setenv("OTEL_TRACES_EXPORTER", "zipkin")
	log := new(journal)
	tracer := started(t, zerolog.New(log))
	if tracer.Begin(nil, Call{}) != nil {
		t.Error("a request is traced")
	}
	if lines := log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "OTEL_TRACES_EXPORTER is") {
		t.Errorf("logged %q", lines)
	}
	if err := tracer.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
