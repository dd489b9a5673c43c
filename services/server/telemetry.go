package server

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/tracing"
)

// telemetry is what a server sends of itself. Nil parts send nothing.
type telemetry struct {
	tracer  *tracing.Tracer
	crashes *crash.Reporter
}

func newTelemetry(o Options) telemetry {
	if !o.Telemetry || o.Unmonitored {
		return telemetry{}
	}
	version := "(devel)"
	if info, known := debug.ReadBuildInfo(); known && info.Main.Version != "" {
		version = info.Main.Version
	}
	return telemetry{
		tracer:  tracing.FromEnvironment(tracing.Options{Logger: o.Logger, Version: version}),
		crashes: crash.FromEnvironment(crash.Options{Logger: o.Logger, Version: version}),
	}
}

// listens reports whether anything wants to know what answers a request.
func (t telemetry) listens() bool { return t.tracer != nil || t.crashes != nil }

func (t telemetry) start() {
	t.tracer.Start(context.Background())
	t.crashes.Start()
}

const (
	// flushMost is how long what is left to send may take, as far as the stop timeout allows.
	flushMost = 5 * time.Second
	// flushLeast is how long it may take where requests have used that up: what was cut off is
	// what somebody will look for.
	flushLeast = 500 * time.Millisecond
)

// stop sends what there is to send, for a bounded time.
func (t telemetry) stop(ctx context.Context) error {
	limit := flushMost
	if end, bounded := ctx.Deadline(); bounded {
		limit = min(limit, max(flushLeast, time.Until(end)))
	}
	if ctx.Err() != nil {
		limit = flushLeast
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- t.crashes.Stop(ctx) }()
	return errors.Join(t.tracer.Stop(ctx), <-sent)
}
