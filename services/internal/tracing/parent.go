package tracing

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// The headers of W3C Trace Context, as package http has them.
const (
	parentHeader = "Traceparent"
	stateHeader  = "Tracestate"
)

// parent is what the header traceparent says of who calls.
type parent struct {
	trace trace.TraceID
	span  trace.SpanID
	flags trace.TraceFlags
}

// parentOf returns the caller's span, and whether the header says which, in an order that W3C
// Trace Context knows. It allocates nothing.
func parentOf(header http.Header) (p parent, ok bool) {
	values := header[parentHeader]
	if len(values) != 1 {
		return parent{}, false
	}
	return parseParent(values[0])
}

// parseParent reads version-trace-span-flags, each in hexadecimal digits in lower case. A version
// above 0 may have more after it.
func parseParent(text string) (p parent, ok bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	var version, flags [1]byte
	if len(text) < length || text[2] != '-' || text[35] != '-' || text[52] != '-' ||
		!unhex(version[:], text[:2]) || !unhex(p.trace[:], text[3:35]) ||
		!unhex(p.span[:], text[36:52]) || !unhex(flags[:], text[53:55]) {
		return parent{}, false
	}
	switch {
	case version[0] == 0xff || !p.trace.IsValid() || !p.span.IsValid():
		return parent{}, false
	case version[0] == 0 && (len(text) > length || flags[0] > byte(knownFlags)):
		return parent{}, false
	case len(text) > length && text[length] != '-':
		return parent{}, false
	}
	p.flags = trace.TraceFlags(flags[0]) & knownFlags
	return p, true
}

const knownFlags = trace.FlagsSampled | trace.FlagsRandom

// unhex writes the bytes that the digits stand for, and reports whether they are such.
func unhex(dst []byte, digits string) bool {
	for i := range dst {
		high, low := digit(digits[2*i]), digit(digits[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// context returns the context in which the span of a request begins: that of the caller's, or of no
// span, but of the trace that was drawn for it.
func (p parent) context(header http.Header, isSpan bool) context.Context {
	if !isSpan {
		return context.WithValue(context.Background(), drawnKey{}, p.trace)
	}
	config := trace.SpanContextConfig{TraceID: p.trace, SpanID: p.span, TraceFlags: p.flags, Remote: true}
	// A state that cannot be read is none.
	config.TraceState, _ = trace.ParseTraceState(strings.Join(header[stateHeader], ","))
	return trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(config))
}

// CallersTraceID returns the id of the trace that the caller says the request is part of, whether or
// not it is recorded here; or "".
func CallersTraceID(header http.Header) string {
	p, ok := parentOf(header)
	if !ok {
		return ""
	}
	return p.trace.String()
}
