package main

import (
	"context"
	"fmt"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
	"github.com/sepal-ml/sepal/services/internal/load"
)

// rate is that of the open loop, a second.
const rate = 10_000

func (s *suite) openLoop(ctx context.Context) ([]report.Line, error) {
	server, err := process.Start(ctx, s.ours())
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	target, err := load.Resolve(ctx, server.Address, false, nil)
	if err != nil {
		return nil, err
	}
	result, err := load.Run(ctx, load.Options{
		Target: target, Rate: rate, Arrivals: load.Poisson, Connections: 2,
		Duration: s.open, Warmup: s.options.Warmup, Rows: []*predictionv1.Row{{Features: drive.Row[:]}},
	})
	if err != nil {
		return nil, err
	}
	_, peak, err := server.Memory()
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("open loop, %s gRPC Predict a second for %s s", report.Number(rate), report.Number(s.open.Seconds()))
	lines := []report.Line{
		absolute(title+": median from when a call was due", "ms", milliseconds(result.Latency.Quantile(0.5)), nil),
		absolute(title+": 99th percentile", "ms", milliseconds(result.Latency.Quantile(0.99)), report.AtMost(20)),
		absolute(title+": failed or not sent", "", float64(result.Errors()), report.AtMost(0)),
		absolute("resident memory at most, in that open loop", "MB", megabytes(peak), nil),
	}
	lines[0].Note = fmt.Sprintf("%s/s answered", report.Number(result.PerSecond(result.Answered)))
	lines[1].Note = fmt.Sprintf("99th percentile of how late the client sent: %s", load.Rounded(result.Lag.Quantile(0.99)))
	return lines, nil
}
