package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/process"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
	"github.com/sepal-ml/sepal/services/internal/hostile"
	"github.com/sepal-ml/sepal/services/internal/load"
)

const (
	// behavedRate is how often the client that behaves asks, a second: often enough for a 99th
	// percentile, and no load by itself.
	behavedRate = 500
	// attacksAtOnce is how many attacks are made at the same time.
	attacksAtOnce = 4
)

// attackCmd attacks a server, in a process of its own, so that it can be given the time that the
// client that behaves leaves: what counts is what the server has left for that client, not who of the
// two gets the processor that they share.
type attackCmd struct {
	Address string        `arg:"" help:"Whom."`
	For     time.Duration `arg:"" help:"How long to begin attacks; those that have begun are ended."`
}

// attacked is what came of attacks.
type attacked struct {
	Made  int      // attacks
	Wrong []string // those that were not answered as they have to be, each once
}

// Run attacks, and writes what came of it to standard output as JSON.
func (c *attackCmd) Run(ctx context.Context) error {
	list, target := hostile.Attacks(), hostile.Target{Address: c.Address}
	var (
		mu    sync.Mutex
		done  attacked
		seen  = map[string]bool{}
		all   sync.WaitGroup
		until = time.Now().Add(c.For)
	)
	next := func() (hostile.Attack, bool) {
		mu.Lock()
		defer mu.Unlock()
		// Each once at least.
		if done.Made >= len(list) && time.Now().After(until) || ctx.Err() != nil {
			return hostile.Attack{}, false
		}
		done.Made++
		return list[(done.Made-1)%len(list)], true
	}
	for range attacksAtOnce {
		all.Go(func() {
			for a, more := next(); more; a, more = next() {
				answer, err := a.Run(ctx, target)
				if err == nil && a.Right(answer) {
					continue
				}
				mu.Lock()
				if !seen[a.Name] {
					seen[a.Name] = true
					done.Wrong = append(done.Wrong, fmt.Sprintf("%s: %s", a.Name, cmp.Or(answer, fmt.Sprint(err))))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(done)
}

// hostile measures what a client that behaves notices of others that do not.
func (s *suite) hostile(ctx context.Context) ([]report.Line, error) {
	server, err := process.Start(ctx, s.unbound())
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	target, err := load.Resolve(ctx, server.Address, false, nil)
	if err != nil {
		return nil, err
	}
	options := load.Options{
		Target: target, Rate: behavedRate, Arrivals: load.Poisson, Connections: 2,
		Duration: s.open, Warmup: s.options.Warmup, Rows: []*predictionv1.Row{{Features: drive.Row[:]}},
	}
	quiet, err := load.Run(ctx, options)
	if err != nil {
		return nil, err
	}
	attackers := exec.CommandContext(ctx, "nice", "-n", "19", s.self, attackVerb, server.Address, (s.open + s.options.Warmup).String())
	attackers.Stderr = os.Stderr
	var written strings.Builder
	attackers.Stdout = &written
	if err := attackers.Start(); err != nil {
		return nil, err
	}
	under, err := load.Run(ctx, options)
	if ended := attackers.Wait(); ended != nil {
		return nil, fmt.Errorf("the attackers: %w", ended)
	}
	if err != nil {
		return nil, err
	}
	var came attacked
	if err := json.Unmarshal([]byte(written.String()), &came); err != nil {
		return nil, err
	}
	_, peak, err := server.Memory()
	return hostileLines(quiet, under, came, peak), err
}

func hostileLines(quiet, under *load.Result, came attacked, peak uint64) []report.Line {
	before, after := milliseconds(quiet.Latency.Quantile(0.99)), milliseconds(under.Latency.Quantile(0.99))
	ratio := after / before
	wrong := absolute(fmt.Sprintf("attacks that were not refused as they have to be, of %d", came.Made), "", float64(len(came.Wrong)), report.AtMost(0))
	wrong.Note = strings.Join(came.Wrong, "; ")
	return []report.Line{
		{
			Name: fmt.Sprintf("99th percentile of %s gRPC Predict a second, under attack", report.Number(behavedRate)), Unit: "ms",
			Ours: &after, Theirs: &before, Peer: "Sepal, nobody attacks",
			Ratio: &report.Ratio{Of: "under attack ÷ not", Value: ratio, Low: ratio, High: ratio}, Target: report.AtMost(3),
		},
		absolute("calls of that client that failed or were not sent", "", float64(under.Errors()), report.AtMost(0)),
		wrong,
		absolute("resident memory at most, under attack", "MB", megabytes(peak), report.AtMost(200)),
	}
}
