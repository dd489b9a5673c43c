package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"

	"github.com/rs/zerolog"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/peer"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
	"github.com/sepal-ml/sepal/services/server"
)

// allocations counts them in this process, where the servers are for it, and the client is not.
func (s *suite) allocations(ctx context.Context) ([]report.Line, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ours, stop, err := startHere(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	theirs, stopped, err := startPeerHere(ctx, peer.Wired)
	if err != nil {
		return nil, err
	}
	defer func() { cancel(); <-stopped }()

	var all [][2]float64
	for range s.options.Rounds {
		var counts [2]float64
		for i, address := range []string{ours, theirs} {
			if counts[i], err = s.allocationsPerCall(ctx, address); err != nil {
				return nil, err
			}
		}
		all = append(all, counts)
	}
	column := func(of func([2]float64) float64) float64 {
		var values []float64
		for _, counts := range all {
			values = append(values, of(counts))
		}
		return compare.Median(values)
	}
	more := column(func(c [2]float64) float64 { return c[0] - c[1] })
	l := absolute("allocations per gRPC Predict, above those of an empty Connect handler", "", more, report.AtMost(5))
	l.Note = fmt.Sprintf("%s, and %s of the empty handler, with all that net/http allocates",
		report.Number(column(func(c [2]float64) float64 { return c[0] })), report.Number(column(func(c [2]float64) float64 { return c[1] })))
	return []report.Line{l}, nil
}

// The calls of a short and of a long run: what the longer allocates more is that of calls alone,
// without connection and start.
const shortRun, longRun = 500, 2500

func (s *suite) allocationsPerCall(ctx context.Context, address string) (float64, error) {
	var counts [2]uint64
	for i, calls := range []int{shortRun, longRun} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		output, err := exec.CommandContext(ctx, s.self, askVerb, address, strconv.Itoa(calls)).CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("ask %s: %w: %s", address, err, output)
		}
		runtime.ReadMemStats(&after)
		counts[i] = after.Mallocs - before.Mallocs
	}
	return (float64(counts[1]) - float64(counts[0])) / (longRun - shortRun), nil
}

// startHere starts Sepal's server in this process, with a log as the binary has it.
func startHere(ctx context.Context) (address string, stop func(), err error) {
	o := server.DefaultOptions()
	o.Port = 0
	o.Logger = zerolog.New(io.Discard).Level(zerolog.InfoLevel).With().Timestamp().Logger()
	s, err := server.New(ctx, o)
	if err != nil {
		return "", nil, err
	}
	if err := s.Start(ctx); err != nil {
		return "", nil, err
	}
	// What Stop says is that clients were cut off, which have gone by then.
	return s.Addr().String(), func() { _ = s.Stop(context.WithoutCancel(ctx)) }, nil
}

// startPeerHere starts a peer in this process, until ctx ends; then stopped is closed.
func startPeerHere(ctx context.Context, kind string) (address string, stopped <-chan struct{}, err error) {
	told, failed, done := make(chan string, 1), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		if err := peer.Serve(ctx, kind, func(address string) { told <- address }); err != nil {
			failed <- err
		}
	}()
	select {
	case address := <-told:
		return address, done, nil
	case err := <-failed:
		return "", nil, err
	case <-ctx.Done():
		return "", nil, ctx.Err()
	}
}
