package crash

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"
)

// The fields that Sentry reads of an event, as far as there is something to tell.
type event struct {
	ID          string            `json:"event_id"`
	Timestamp   time.Time         `json:"timestamp"`
	Platform    string            `json:"platform"`
	Level       string            `json:"level"`
	SDK         sdk               `json:"sdk"`
	Release     string            `json:"release"`
	Environment string            `json:"environment,omitempty"`
	Transaction string            `json:"transaction,omitempty"`
	Tags        map[string]string `json:"tags"`
	Contexts    map[string]any    `json:"contexts,omitempty"`
	Extra       map[string]any    `json:"extra,omitempty"`
	Fingerprint []string          `json:"fingerprint,omitempty"`
	Exception   exceptions        `json:"exception"`
}

type sdk struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type exceptions struct {
	Values []exception `json:"values"`
}

type exception struct {
	Type       string      `json:"type"`
	Value      string      `json:"value"`
	Mechanism  mechanism   `json:"mechanism"`
	Stacktrace *stacktrace `json:"stacktrace,omitempty"`
}

// mechanism says how the error was met. The server lives on, so that it was handled.
type mechanism struct {
	Type    string `json:"type"`
	Handled bool   `json:"handled"`
}

// event returns the event of a fault, before which some were dropped.
func (r *Reporter) event(f Fault, dropped int, now time.Time) event {
	e := event{
		ID:          newID(),
		Timestamp:   now.UTC(),
		Platform:    "go",
		Level:       "error",
		SDK:         sdk{Name: "sepal.go", Version: plainVersion(r.options.Version)},
		Release:     r.release,
		Environment: r.environment,
		Transaction: f.RPC,
		Tags:        make(map[string]string),
		Exception:   exceptions{Values: []exception{exceptionOf(f)}},
	}
	for key, value := range map[string]string{
		"rpc": f.RPC, "protocol": f.Protocol, "code": f.Code, "request_id": f.RequestID,
		"trace_id": f.TraceID, "model": f.Model, "model_version": f.ModelVersion,
	} {
		if value != "" {
			e.Tags[key] = value
		}
	}
	if f.TraceID != "" && f.SpanID != "" {
		e.Contexts = map[string]any{"trace": map[string]string{
			"type": "trace", "trace_id": f.TraceID, "span_id": f.SpanID, "op": "rpc.server",
		}}
	}
	if dropped > 0 {
		e.Extra = map[string]any{"reports_dropped_before": dropped}
	}
	if f.Panic == nil { // nothing else tells one such error from another
		e.Fingerprint = []string{"internal error", f.RPC, e.Exception.Values[0].Value}
	}
	return e
}

func exceptionOf(f Fault) exception {
	const more = "the server's log has more under the request id"
	if f.Panic == nil {
		types := chain(f.Err)
		return exception{
			Type:      types[len(types)-1],
			Value:     strings.Join(types, " of ") + "; " + more,
			Mechanism: mechanism{Type: "error", Handled: true},
		}
	}
	e := exception{
		Type:       fmt.Sprintf("panic: %T", f.Panic),
		Value:      more,
		Mechanism:  mechanism{Type: "panic", Handled: true},
		Stacktrace: stacktraceOf(f.Stack),
	}
	if text := runtimeText(f.Panic); text != "" {
		e.Value = text + "; " + more
	}
	return e
}

// runtimeText returns the text of an error of Go's runtime, without its numbers, which may be those
// of a request. Of whatever else it returns "".
func runtimeText(panicked any) string {
	err, ok := panicked.(runtime.Error)
	// Anybody's type may say that it is one.
	if !ok || !strings.HasPrefix(strings.TrimPrefix(fmt.Sprintf("%T", panicked), "*"), "runtime.") {
		return ""
	}
	var text strings.Builder
	for _, c := range err.Error() {
		switch {
		case c < '0' || c > '9':
			text.WriteRune(c)
		case !strings.HasSuffix(text.String(), "#"):
			text.WriteByte('#')
		}
	}
	return text.String()
}

// chain returns the types of an error and of those that it wraps, the innermost last.
func chain(err error) []string {
	if err == nil {
		return []string{"error"}
	}
	const most = 10
	var types []string
	for ; err != nil && len(types) < most; err = errors.Unwrap(err) {
		types = append(types, fmt.Sprintf("%T", err))
	}
	return types
}

// newID returns 32 hexadecimal digits that no other event has.
func newID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return hex.EncodeToString(id[:])
}

// plainVersion returns the version as the name of a release may have it: "(devel)" is "devel".
func plainVersion(version string) string {
	return strings.Trim(version, "()")
}
