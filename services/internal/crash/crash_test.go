package crash_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/crash/crashtest"
)

// secret stands in what may not leave the process.
const secret = "blood pressure 918273"

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

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func reporter(log *journal) *crash.Reporter {
	return crash.FromEnvironment(crash.Options{Logger: zerolog.New(log), Version: "(devel)"})
}

// caught returns the fault of a function that panics.
func caught(f func()) (fault crash.Fault) {
	defer func() {
		fault.Panic = recover()
		fault.Stack = stack()
	}()
	f()
	return fault
}

// stack is called by the function that recovers, as [crash.Stack] has it.
func stack() []uintptr { return crash.Stack() }

func index(list []int, i int) int { return list[i] }

func store(to *int) { *to = 1 }

// TestEvents sends a fault of each kind.
func TestEvents(t *testing.T) {
	const more = "the server's log has more under the request id"
	wrapped := fmt.Errorf("%s: %w", secret, &fs.PathError{Op: "open", Path: secret, Err: fs.ErrNotExist})
	tests := map[string]struct {
		fault       crash.Fault
		kind, value string
		innermost   string // function of the stack, empty: there is none
	}{
		"a panic with a text":    {caught(func() { panic(secret) }), "panic: string", more, "TestEvents.func1"},
		"a panic with an error":  {caught(func() { panic(errors.New(secret)) }), "panic: *errors.errorString", more, "TestEvents.func2"},
		"a panic of the runtime": {caught(func() { index(make([]int, 3), 918273) }), "panic: runtime.boundsError", "runtime error: index out of range [#] with length #; " + more, "index"},
		"a nil pointer":          {caught(func() { store(nil) }), "panic: runtime.errorString", "runtime error: invalid memory address or nil pointer dereference; " + more, "store"},
		"an error":               {crash.Fault{Err: errors.New(secret)}, "*errors.errorString", "*errors.errorString; " + more, ""},
		"an error with a chain":  {crash.Fault{Err: wrapped}, "*errors.errorString", "*fmt.wrapError of *fs.PathError of *errors.errorString; " + more, ""},
		"no error":               {crash.Fault{}, "error", "error; " + more, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := crashtest.Start(t)
			log := new(journal)
			r := reporter(log)
			r.Start()
			f := test.fault
			f.RPC, f.Protocol, f.Code = "a.v1.Service/Call", "grpc", "internal"
			f.RequestID, f.Model, f.ModelVersion = "id-1", "iris", "v1.2.3"
			f.TraceID, f.SpanID = strings.Repeat("1", 32), strings.Repeat("2", 16)
			r.Report(f)
			if err := r.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			events := s.Events()
			if len(events) != 1 {
				t.Fatalf("%d events, expected 1", len(events))
			}
			e := events[0]
			if strings.Contains(e.Raw, "918273") {
				t.Errorf("what is secret was sent: %s", e.Raw)
			}
			if e.Release != "sepal@devel" || e.Environment != "test" || e.Level != "error" || e.Transaction != f.RPC || time.Since(e.Timestamp).Abs() > time.Hour {
				t.Errorf("the event is %s", e.Raw)
			}
			if diff := cmp.Diff(map[string]string{
				"rpc": f.RPC, "protocol": "grpc", "code": "internal", "request_id": "id-1",
				"model": "iris", "model_version": "v1.2.3", "trace_id": f.TraceID,
			}, e.Tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if e.Contexts.Trace["trace_id"] != f.TraceID || e.Contexts.Trace["span_id"] != f.SpanID {
				t.Errorf("the trace is %v", e.Contexts.Trace)
			}
			x := e.Exception.Values[0]
			if x.Type != test.kind || x.Value != test.value {
				t.Errorf("the exception is %q: %q, expected %q: %q", x.Type, x.Value, test.kind, test.value)
			}
			requireStack(t, x, test.innermost)
			if log.String() != "" {
				t.Errorf("logged %s", log)
			}
		})
	}
}

// requireStack checks that the stack ends with the function that panicked.
func requireStack(t *testing.T, x crashtest.Exception, innermost string) {
	t.Helper()
	frames := x.Stacktrace.Frames
	if innermost == "" {
		if len(frames) > 0 {
			t.Errorf("there is a stack: %+v", frames)
		}
		return
	}
	if len(frames) < 3 {
		t.Fatalf("the stack is %+v", frames)
	}
	last := frames[len(frames)-1]
	const module = "github.com/sepal-ml/sepal/services/internal/crash_test"
	if last.Function != innermost || last.Module != module || last.Filename != module+"/crash_test.go" || last.Line == 0 || !last.InApp {
		t.Errorf("the innermost call is %+v, expected %s of %s", last, innermost, module)
	}
	if first := frames[0]; first.InApp {
		t.Errorf("the outermost call is %+v, expected one of Go's", first)
	}
}

func TestNothingIsSentWithoutADSN(t *testing.T) {
	t.Setenv("SENTRY_DSN", "")
	r := reporter(new(journal))
	if r != nil {
		t.Fatal("there is a reporter")
	}
	r.Start()
	r.Report(crash.Fault{})
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDSNThatCannotBeRead(t *testing.T) {
	for _, dsn := range []string{"x", "https://host/1", "https://key@/1", "https://key@host", "https://key@host/", "ftp://key@host/1", "https://a,b@host/1", "://"} {
		t.Setenv("SENTRY_DSN", dsn)
		log := new(journal)
		r := reporter(log)
		r.Start()
		r.Report(crash.Fault{})
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if text := log.String(); !strings.Contains(text, "SENTRY_DSN cannot be read, expected https://KEY@HOST/PROJECT") || strings.Contains(text, "key@") {
			t.Errorf("%q: logged %q", dsn, text)
		}
	}
}

// TestALoopOfFaultsIsBounded reports more than anybody could read.
func TestALoopOfFaultsIsBounded(t *testing.T) {
	s := crashtest.Start(t)
	ignored := goleak.IgnoreCurrent()
	r := reporter(new(journal))
	for range 1000 {
		r.Report(crash.Fault{Err: errors.New(secret)})
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Events()); n == 0 || n > 11 { // one more where it takes ten seconds
		t.Errorf("%d events, expected 1 to 11", n)
	}
	r.Report(crash.Fault{})
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // that of the double
	goleak.VerifyNone(t, ignored, goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
}

func TestWhatSentryAsksForIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		paused bool
	}{
		"too many": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		}, true},
		"too many, for how long is not said": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, true},
		"enough errors":                      {limits("60:transaction:key, 2700:default;error;security:project"), true},
		"enough of all":                      {limits("60::project"), true},
		"enough of something else":           {limits("60:transaction:key"), false},
		"a limit that is over":               {limits("0:error:key, x:error"), false},
		"broken":                             {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := crashtest.Start(t)
			s.Answer(test.answer)
			log := new(journal)
			r := reporter(log)
			for range 3 {
				r.Report(crash.Fault{})
				waitIdle(t, s, r)
			}
			if got := s.Requests() == 1; got != test.paused {
				t.Errorf("%d requests, expected a pause: %t", s.Requests(), test.paused)
			}
			if lines := strings.Count(log.String(), "a crash report was not sent"); lines > 1 {
				t.Errorf("logged %s, expected one line at most", log)
			}
		})
	}
}

func limits(header string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Sentry-Rate-Limits", header) }
}

// waitIdle waits until what was reported was sent, or dropped.
func waitIdle(t *testing.T, s *crashtest.Sentry, r *crash.Reporter) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !r.Idle(); {
		if time.Now().After(end) {
			t.Fatalf("after %d requests, reports still wait", s.Requests())
		}
		time.Sleep(time.Millisecond)
	}
}

// TestDroppedReportsAreCounted shows that an event says how many were not sent before it.
func TestDroppedReportsAreCounted(t *testing.T) {
	s := crashtest.Start(t)
	s.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	log := new(journal)
	r := reporter(log)
	for range 2 {
		r.Report(crash.Fault{})
		waitIdle(t, s, r)
	}
	s.Answer(nil)
	r.Report(crash.Fault{})
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if events := s.Events(); len(events) != 1 || events[0].Extra["reports_dropped_before"] != 2.0 {
		t.Errorf("the events are %+v, expected one after 2 that were dropped", events)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "502 Bad Gateway") {
		t.Errorf("logged %q, expected one line", text)
	}
}

// TestStopDoesNotWaitForEver has a Sentry that does not answer.
func TestStopDoesNotWaitForEver(t *testing.T) {
	s := crashtest.Start(t)
	s.Answer(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // from then on it is seen that the client goes
		<-r.Context().Done()
	})
	r := reporter(new(journal))
	for range 3 {
		r.Report(crash.Fault{})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopping ends with %v", err)
	}
	if !r.Idle() {
		t.Error("reports still wait")
	}
}
