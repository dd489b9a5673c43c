package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
	"github.com/sepal-ml/sepal/services/internal/load"
)

// rate is that of the open loop, a second.
const rate = 10_000

// openRounds is how many times the open loop is run; the one of the median 99th percentile counts.
const openRounds = 3

// openRound is what one run of the open loop gave.
type openRound struct {
	result *load.Result
	peak   uint64
}

func (s *suite) openLoop(ctx context.Context) ([]report.Line, error) {
	var rounds []openRound
	for range openRounds {
		round, err := s.openRound(ctx)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, round)
	}
	slices.SortFunc(rounds, func(a, b openRound) int {
		return cmp.Compare(a.result.Latency.Quantile(0.99), b.result.Latency.Quantile(0.99))
	})
	median := rounds[openRounds/2]
	return openLines(s, median.result, median.peak, rounds), nil
}

func (s *suite) openRound(ctx context.Context) (openRound, error) {
	server, err := process.Start(ctx, s.ours())
	if err != nil {
		return openRound{}, err
	}
	defer server.Stop()
	target, err := load.Resolve(ctx, server.Address, false, nil)
	if err != nil {
		return openRound{}, err
	}
	result, err := load.Run(ctx, load.Options{
		Target: target, Rate: rate, Arrivals: load.Poisson, Connections: 2,
		Duration: s.open, Warmup: s.options.Warmup, Rows: []*predictionv1.Row{{Features: drive.Row[:]}},
	})
	if err != nil {
		return openRound{}, err
	}
	_, peak, err := server.Memory()
	return openRound{result, peak}, err
}

func openLines(s *suite, result *load.Result, peak uint64, rounds []openRound) []report.Line {
	title := fmt.Sprintf("open loop, %s gRPC Predict a second for %s s", report.Number(rate), report.Number(s.open.Seconds()))
	lines := []report.Line{
		absolute(title+": median from when a call was due", "ms", milliseconds(result.Latency.Quantile(0.5)), nil),
		absolute(title+": 99th percentile", "ms", milliseconds(result.Latency.Quantile(0.99)), report.AtMost(20)),
		absolute(title+": failed or not sent", "", float64(result.Errors()), report.AtMost(0)),
		absolute("resident memory at most, in that open loop", "MB", megabytes(peak), nil),
	}
	lines[0].Note = fmt.Sprintf("%s/s answered", report.Number(result.PerSecond(result.Answered)))
	lines[1].Note = fmt.Sprintf("the median of %d runs, %s to %s; 99th percentile of how late the client sent: %s", openRounds,
		load.Rounded(rounds[0].result.Latency.Quantile(0.99)), load.Rounded(rounds[openRounds-1].result.Latency.Quantile(0.99)), load.Rounded(result.Lag.Quantile(0.99)))
	return lines
}
