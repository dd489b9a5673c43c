package main

import (
	"context"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/peer"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// byNetHTTP returns how Sepal is run with net/http's server of HTTP/2 in place of its own.
func (s *servers) byNetHTTP() process.Command {
	c := s.ours()
	c.Args = append(c.Args, "--http2", "nethttp")
	return c
}

// overHTTP2 is how calls of Predict are made over HTTP/2 by other means than gRPC.
func overHTTP2() drive.HTTP2 { return drive.HTTP2{Connections: 2, Streams: 16} }

const netHTTP = "Sepal with net/http's HTTP/2"

// doors compares the two servers of HTTP/2, with the same handlers behind them.
func (s *suite) doors(ctx context.Context) ([]report.Line, error) {
	var lines []report.Line
	for _, c := range []struct {
		what string
		load drive.Load
		most float64
	}{
		{"gRPC Predict", unary().Predict(), 1},
		{"gRPC Predict with its reasons, which is not on the short path", unary().Explained(), 1},
		{"JSON Predict over HTTP/2", overHTTP2().JSON(), 0.5},
		{"gRPC-Web Predict over HTTP/2", overHTTP2().GRPCWeb(), 1},
		{"BatchPredict of 100 rows", unary().Batch(100), 1},
	} {
		line, err := s.pair(ctx, report.Line{Name: "CPU per " + c.what, Peer: netHTTP, Target: report.AtMost(c.most)},
			c.load, s.byNetHTTP(), c.load)
		if err != nil {
			return lines, err
		}
		lines = append(lines, line...)
	}
	return lines, nil
}

// doorsInTurn compares how much goes through them.
func (s *suite) doorsInTurn(ctx context.Context) ([]report.Line, error) {
	var lines []report.Line
	for _, c := range []struct {
		what, unit string
		load       drive.Load
	}{
		{"BatchPredict, matrix of 10 000 × 4 doubles, a call at a time", "rows", drive.GRPC{Connections: 1, Streams: 1}.Batch(matrixRows)},
		{"PredictStream, 16 streams × 8 in flight", "predictions", drive.GRPC{Connections: 2, Streams: 8, InFlight: 8}.Stream()},
	} {
		rounds, err := compare.InTurn(ctx, s.options,
			compare.Contestant{Server: s.ours(), Load: c.load}, compare.Contestant{Server: s.byNetHTTP(), Load: c.load})
		if err != nil {
			return lines, err
		}
		lines = append(lines, versus(report.Line{Name: c.what, Peer: netHTTP, Target: report.AtLeast(1)}, rounds, 1, perSecond(c.unit)))
	}
	return lines, nil
}

// ordinary compares what the short path does not take with grpc-go, which gives no reasons and has
// less to do.
func (s *suite) ordinary(ctx context.Context) ([]report.Line, error) {
	return s.pair(ctx, report.Line{
		Name: "CPU per gRPC Predict with its reasons, against one without", Peer: "grpc-go",
	}, unary().Explained(), s.peer(peer.GRPC), unary().Predict())
}
