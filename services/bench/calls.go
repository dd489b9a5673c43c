package main

import (
	"context"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/peer"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// unary is how calls of Predict are made over gRPC.
func unary() drive.GRPC { return drive.GRPC{Connections: 2, Streams: 16} }

// overHTTP1 is how calls of Predict are made over HTTP/1.1.
func overHTTP1() drive.HTTP { return drive.HTTP{Connections: 16} }

// pair measures two servers at the same time, ours first.
func (s *suite) pair(ctx context.Context, l report.Line, ours drive.Load, server process.Command, theirs drive.Load) ([]report.Line, error) {
	rounds, err := compare.Together(ctx, s.options,
		compare.Contestant{Server: s.ours(), Load: ours}, compare.Contestant{Server: server, Load: theirs})
	if err != nil {
		return nil, err
	}
	return []report.Line{versus(l, rounds, 1, cpuPerUnit())}, nil
}

func (s *suite) null(ctx context.Context) ([]report.Line, error) {
	return s.pair(ctx, report.Line{
		Name: "CPU per gRPC Predict, the same program twice", Peer: "Sepal again", Target: report.Between(0.93, 1.07),
	}, unary().Predict(), s.ours(), unary().Predict())
}

func (s *suite) predictGRPC(ctx context.Context) ([]report.Line, error) {
	return s.pair(ctx, report.Line{
		Name: "CPU per gRPC Predict, 2 connections × 16 in flight", Peer: "grpc-go", Target: report.AtMost(0.9),
	}, unary().Predict(), s.peer(peer.GRPC), unary().Predict())
}

func (s *suite) predictPython(ctx context.Context) ([]report.Line, error) {
	l := report.Line{
		Name: "CPU per gRPC Predict, 2 connections × 16 in flight", Peer: "Python", Target: report.AtLeast(6),
	}
	if s.python == nil {
		return []report.Line{s.withoutPython(l)}, nil
	}
	rounds, err := compare.Together(ctx, s.options,
		compare.Contestant{Server: s.ours(), Load: unary().Predict()},
		compare.Contestant{Server: s.python.Command(s.cpu), Load: unary().Predict()})
	if err != nil {
		return nil, err
	}
	return []report.Line{over(l, rounds, 1, cpuPerUnit())}, nil
}

func (s *suite) emptyWired(ctx context.Context) ([]report.Line, error) {
	return s.pair(ctx, report.Line{
		Name: "CPU per gRPC Predict, all layers on", Peer: "empty Connect handler on our listener", Target: report.AtMost(1.15),
	}, unary().Predict(), s.peer(peer.Wired), unary().Predict())
}

func (s *suite) emptyStock(ctx context.Context) ([]report.Line, error) {
	return s.pair(ctx, report.Line{
		Name: "CPU per gRPC Predict, all layers on", Peer: "empty Connect handler on net/http's listener",
	}, unary().Predict(), s.peer(peer.Connect), unary().Predict())
}

func (s *suite) gzipGRPC(ctx context.Context) ([]report.Line, error) {
	offers := unary()
	offers.Gzip = true
	return s.pair(ctx, report.Line{
		Name: "CPU per gRPC Predict, client offers gzip", Peer: "Sepal, client does not", Target: report.AtMost(1.10),
	}, offers.Predict(), s.ours(), unary().Predict())
}

func (s *suite) gzipJSON(ctx context.Context) ([]report.Line, error) {
	offers := overHTTP1()
	offers.Gzip = true
	return s.pair(ctx, report.Line{
		Name: "CPU per JSON Predict over HTTP/1.1, client offers gzip", Peer: "Sepal, client does not", Target: report.AtMost(1.10),
	}, offers.JSON(), s.ours(), overHTTP1().JSON())
}

func (s *suite) json(ctx context.Context) ([]report.Line, error) {
	return s.pair(ctx, report.Line{
		Name: "CPU per JSON Predict over HTTP/1.1, 16 connections", Peer: "empty net/http handler", Target: report.AtMost(1.9),
	}, overHTTP1().JSON(), s.peer(peer.HTTP), overHTTP1().JSON())
}

func (s *suite) web(ctx context.Context) ([]report.Line, error) {
	return s.pair(ctx, report.Line{
		Name: "CPU per gRPC-Web Predict over HTTP/1.1, 16 connections", Peer: "Sepal, JSON over HTTP/1.1",
	}, overHTTP1().GRPCWeb(), s.ours(), overHTTP1().JSON())
}
