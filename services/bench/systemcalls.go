package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/peer"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// systemCalls counts reads and writes with 16 calls in flight on one connection.
func (s *suite) systemCalls(ctx context.Context) ([]report.Line, error) {
	ours, err := s.callsPerAnswer(ctx, s.ours())
	if err != nil {
		return nil, err
	}
	theirs, err := s.callsPerAnswer(ctx, s.peer(peer.Connect))
	if err != nil {
		return nil, err
	}
	return []report.Line{{
		Name: "read and write system calls per gRPC Predict, 16 in flight on a connection",
		Ours: &ours, Peer: "empty Connect handler on net/http's listener", Theirs: &theirs, Target: report.AtMost(0.5),
	}}, nil
}

func (s *suite) callsPerAnswer(ctx context.Context, c process.Command) (float64, error) {
	server, err := process.Start(ctx, c)
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	counted, err := perUnit(ctx, s.options, drive.GRPC{Connections: 1, Streams: 16}.Predict(), server.Address, server.SystemCalls)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.Name, err)
	}
	return counted, nil
}

// perUnit returns by how much a count goes up for each answer of a server under load.
func perUnit(ctx context.Context, o compare.Options, ask drive.Load, address string, count func() (uint64, error)) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	var done atomic.Uint64
	ended := make(chan error, 1)
	go func() { ended <- ask(ctx, address, &done) }()
	defer func() { cancel(); <-ended }()

	var counts, answers [2]uint64
	for i, wait := range []time.Duration{o.Warmup, o.Window} {
		select {
		case err := <-ended:
			ended <- nil
			return 0, errors.Join(err, context.Cause(ctx))
		case <-time.After(wait):
		}
		var err error
		if counts[i], err = count(); err != nil {
			return 0, err
		}
		answers[i] = done.Load()
	}
	if answers[1] == answers[0] {
		return 0, errors.New("the server answered nothing in time")
	}
	return float64(counts[1]-counts[0]) / float64(answers[1]-answers[0]), nil
}
