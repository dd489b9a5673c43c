package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
	"github.com/sepal-ml/sepal/services/server"
)

// What watches the requests of a server.
const (
	watchNothing = "nothing"
	watchCounts  = "counts" // metrics and drift
	watchAll     = "all"    // and a share of them in the log and in traces
)

// sampledShare is the share of requests that are logged, and that are traced.
const sampledShare = 0.01

// watchedCmd serves as Sepal does, but for what watches.
type watchedCmd struct {
	Watch string `arg:"" enum:"nothing,counts,all" help:"What watches."`
}

// roomBytes is the part of the heap that `sepal serve` leaves unused, so that the collector runs as
// often here.
const roomBytes = 16 << 20

// Run serves until it is killed.
func (c *watchedCmd) Run(ctx context.Context) error {
	o := server.DefaultOptions()
	o.Port = 0
	o.Logger = zerolog.New(os.Stderr).Level(zerolog.InfoLevel).With().Timestamp().Logger()
	o.Unmonitored = c.Watch == watchNothing
	if c.Watch == watchAll {
		o.Telemetry, o.LogSampleRate = true, sampledShare
	}
	s, err := server.New(ctx, o)
	if err != nil {
		return err
	}
	room := make([]byte, roomBytes)
	defer runtime.KeepAlive(room)
	if err := s.Start(ctx); err != nil {
		return err
	}
	select {
	case err := <-s.Failed():
		return err
	case <-ctx.Done():
		return s.Stop(context.WithoutCancel(ctx))
	}
}

// watched returns how a server is run that is watched so, and sends its traces there.
func (s *servers) watched(watch, collector string) process.Command {
	return process.Command{
		Name: "sepal, watched: " + watch, Path: s.self, Args: []string{watchedVerb, watch}, CPU: s.cpu,
		Env: append(unset(os.Environ()), cores,
			"OTEL_EXPORTER_OTLP_ENDPOINT="+collector,
			"OTEL_TRACES_SAMPLER=parentbased_traceidratio",
			fmt.Sprintf("OTEL_TRACES_SAMPLER_ARG=%g", sampledShare),
			// Milliseconds; so that it is sent while it counts.
			"OTEL_BSP_SCHEDULE_DELAY=250"),
	}
}

func (s *suite) overheadNull(ctx context.Context) ([]report.Line, error) {
	return s.overhead(ctx, report.Line{
		Name: "CPU per gRPC Predict, watched, the same program twice", Peer: "the same again", Target: report.Between(0.93, 1.07),
	}, watchAll, watchAll)
}

func (s *suite) overheadAll(ctx context.Context) ([]report.Line, error) {
	return s.overhead(ctx, report.Line{
		Name: "CPU per gRPC Predict, with metrics, drift, and 1 % logged and traced", Peer: "Sepal without", Target: report.AtMost(1.15),
	}, watchAll, watchNothing)
}

func (s *suite) overheadCounts(ctx context.Context) ([]report.Line, error) {
	return s.overhead(ctx, report.Line{
		Name: "CPU per gRPC Predict, with metrics and drift", Peer: "Sepal without",
	}, watchCounts, watchNothing)
}

// overhead measures two servers of Sepal's at the same time that are watched differently.
func (s *suite) overhead(ctx context.Context, l report.Line, ours, theirs string) ([]report.Line, error) {
	collector, err := startCollector(ctx)
	if err != nil {
		return nil, err
	}
	defer collector.stop()
	rounds, err := compare.Together(ctx, s.options,
		compare.Contestant{Server: s.watched(ours, collector.url), Load: unary().Predict()},
		compare.Contestant{Server: s.watched(theirs, collector.url), Load: unary().Predict()})
	if err != nil {
		return nil, err
	}
	if ours == watchAll && collector.bytes.Load() == 0 {
		return nil, errors.New("no trace arrived, so that their cost is not in the figures")
	}
	return []report.Line{versus(l, rounds, 1, cpuPerUnit())}, nil
}

// collector takes traces and throws them away.
type collector struct {
	url   string
	bytes atomic.Int64
	stop  func()
}

func startCollector(ctx context.Context) (*collector, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &collector{url: "http://" + listener.Addr().String()}
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	c.stop = func() { _ = server.Close() }
	return c, nil
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	c.bytes.Add(n)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // of an empty message
}
