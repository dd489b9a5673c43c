package main

import (
	"context"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/peer"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// matrixRows is how many rows a BatchPredict has: as many as Sepal takes in any form.
const matrixRows = 10_000

func (s *suite) batch(ctx context.Context) ([]report.Line, error) {
	return s.throughput(ctx, drive.GRPC{Connections: 1, Streams: 1}.Batch(matrixRows), contest{
		what: "BatchPredict, matrix of 10 000 × 4 doubles, a call at a time", unit: "rows", one: "row",
		python: report.AtLeast(4), grpc: report.AtLeast(0.85),
	})
}

func (s *suite) stream(ctx context.Context) ([]report.Line, error) {
	return s.throughput(ctx, drive.GRPC{Connections: 2, Streams: 8, InFlight: 8}.Stream(), contest{
		what: "PredictStream, 16 streams × 8 in flight", unit: "predictions", one: "prediction",
		python: report.AtLeast(40), grpc: report.AtLeast(1),
	})
}

// contest says what is told of servers that had the processor in turn.
type contest struct {
	what, unit, one string
	python, grpc    *report.Target // of the throughput
}

func (s *suite) throughput(ctx context.Context, load drive.Load, c contest) ([]report.Line, error) {
	contestants := []compare.Contestant{{Server: s.ours(), Load: load}, {Server: s.peer(peer.GRPC), Load: load}}
	if s.python != nil {
		contestants = append(contestants, compare.Contestant{Server: s.python.Command(s.cpu), Load: load})
	}
	rounds, err := compare.InTurn(ctx, s.options, contestants...)
	if err != nil {
		return nil, err
	}
	cost := report.Line{Name: "CPU per " + c.one + " of " + c.what}
	lines := make([]report.Line, 0, 4)
	for i, rival := range []report.Line{
		{Name: c.what, Peer: "grpc-go", Target: c.grpc},
		{Name: c.what, Peer: "Python", Target: c.python},
	} {
		if i+1 == len(contestants) {
			lines = append(lines, s.withoutPython(rival))
			continue
		}
		cost.Peer = rival.Peer
		lines = append(lines, versus(rival, rounds, i+1, perSecond(c.unit)), over(cost, rounds, i+1, cpuPerUnit()))
	}
	return lines, nil
}
