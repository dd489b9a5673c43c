package tracing

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// sampler settles which requests are traced.
type sampler struct {
	// parentBased lets the caller decide, where it says that it has.
	parentBased bool
	// below is what the last 63 bits of a trace's id must be less than. All that sample by these
	// bits agree on a trace.
	below uint64
}

// ratioSampler returns the sampler of a share of the traces, 0 to 1.
func ratioSampler(parentBased bool, share float64) sampler {
	return sampler{parentBased: parentBased, below: uint64(share * (1 << 63))}
}

// draw reports whether a trace is sampled that nobody has decided on.
func (s sampler) draw(id trace.TraceID) bool {
	return binary.BigEndian.Uint64(id[8:])>>1 < s.below
}

// newTraceID returns an id that no other trace has. Ids are names, not secrets.
func newTraceID() (id trace.TraceID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

// drawnKey is the key of the id that was drawn for a trace.
type drawnKey struct{}

// ids gives spans their ids, and a trace the one that was drawn for it.
type ids struct{}

// NewIDs returns the ids of the first span of a trace.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, drawn := ctx.Value(drawnKey{}).(trace.TraceID)
	if !drawn {
		id = newTraceID()
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID returns the id of another.
func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
