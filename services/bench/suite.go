package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/compare"
	"github.com/sepal-ml/sepal/services/bench/internal/report"
)

// suite is one run.
type suite struct {
	servers

	log     io.Writer
	options compare.Options
	open    time.Duration // how long the open loop is
	starts  int           // how often Sepal is started
	report  report.Report
}

// measurement is what --only names, or a part of it.
type measurement struct {
	group, name string
	run         func(s *suite, ctx context.Context) ([]report.Line, error)
}

// measurements are all, in the order of the report.
func measurements() []measurement {
	return []measurement{
		{report.NullGroup, "CPU per gRPC Predict, the same program twice", (*suite).null},
		{"predict", "CPU per gRPC Predict, against grpc-go", (*suite).predictGRPC},
		{"predict", "CPU per gRPC Predict, against Python", (*suite).predictPython},
		{"doors", "CPU per call, against net/http's HTTP/2", (*suite).doors},
		{"doors", "throughput, against net/http's HTTP/2", (*suite).doorsInTurn},
		{"doors", "CPU per gRPC Predict with its reasons", (*suite).ordinary},
		{"empty", "CPU per gRPC Predict, against an empty handler", (*suite).emptyWired},
		{"empty", "CPU per gRPC Predict, against an empty handler on net/http", (*suite).emptyStock},
		{"overhead", "CPU per gRPC Predict, watched, the same program twice", (*suite).overheadNull},
		{"overhead", "CPU per gRPC Predict, with all that watches on", (*suite).overheadAll},
		{"overhead", "CPU per gRPC Predict, with metrics and drift on", (*suite).overheadCounts},
		{"allocs", "allocations per gRPC Predict", (*suite).allocations},
		{"syscalls", "reads and writes per gRPC Predict", (*suite).systemCalls},
		{"gzip", "CPU per gRPC Predict, client offers gzip", (*suite).gzipGRPC},
		{"gzip", "CPU per JSON Predict, client offers gzip", (*suite).gzipJSON},
		{"json", "CPU per JSON Predict over HTTP/1.1", (*suite).json},
		{"web", "CPU per gRPC-Web Predict over HTTP/1.1", (*suite).web},
		{"batch", "BatchPredict of a matrix", (*suite).batch},
		{"stream", "PredictStream", (*suite).stream},
		{"open", "open loop of gRPC Predict", (*suite).openLoop},
		{"hostile", "open loop of gRPC Predict, under attack", (*suite).hostile},
		{startGroup, "start and size", (*suite).start},
	}
}

// groups are the names that --only takes.
func groups() []string {
	var names []string
	for _, m := range measurements() {
		if !slices.Contains(names, m.group) {
			names = append(names, m.group)
		}
	}
	return names
}

func checkOnly(only []string) error {
	for _, name := range only {
		if !slices.Contains(groups(), name) {
			return fmt.Errorf("--only is %q, expected one of %s", name, strings.Join(groups(), ", "))
		}
	}
	return nil
}

// startGroup needs more than the binary.
const startGroup = "start"

// run makes the measurements of those groups, or all where none is named. What fails has a line
// that says so; the error is that ctx has ended.
func (s *suite) run(ctx context.Context, list []measurement, only []string) error {
	for _, m := range list {
		if len(only) > 0 && !slices.Contains(only, m.group) {
			continue
		}
		began := time.Now()
		lines, err := m.run(s, ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			lines = append(lines, report.Line{Name: m.name, Verdict: report.Failed, Note: err.Error()})
		}
		for _, l := range lines {
			l.Group = m.group
			if l.Verdict == "" {
				l.Judge()
			}
			s.report.Lines = append(s.report.Lines, l)
		}
		fmt.Fprintf(s.log, "%-8s %s: %.1f s\n", m.group, m.name, time.Since(began).Seconds())
	}
	return nil
}

// withoutPython returns the line as one that was not measured, since there is no Python for it:
// that is nobody's failure.
func (s *suite) withoutPython(l report.Line) report.Line {
	l.Verdict, l.Note = report.NotMeasured, s.noPython
	return l
}

// figure is what is compared of a cost.
type figure struct {
	unit string
	of   func(compare.Cost) float64
}

// cpuPerUnit is the processor time of a unit of work; lines say in their name which that is.
func cpuPerUnit() figure { return figure{"µs", compare.Cost.PerUnit} }

func perSecond(unit string) figure { return figure{unit + "/s", compare.Cost.PerSecond} }

// versus fills in the figures of a line from rounds in which Sepal is first, and the peer has this
// place.
func versus(l report.Line, rounds [][]compare.Cost, peer int, f figure) report.Line {
	s := compare.Summarise(rounds, 0, peer, f.of)
	l.Unit, l.Ours, l.Theirs = f.unit, &s.A, &s.B
	l.Ratio = &report.Ratio{Of: "Sepal ÷ peer", Value: s.Ratio, Low: s.Low, High: s.High}
	return l
}

// over is versus with the ratio the other way round: how many times ours the peer's figure is.
func over(l report.Line, rounds [][]compare.Cost, peer int, f figure) report.Line {
	s := compare.Summarise(rounds, peer, 0, f.of)
	l.Unit, l.Ours, l.Theirs = f.unit, &s.B, &s.A
	l.Ratio = &report.Ratio{Of: "peer ÷ Sepal", Value: s.Ratio, Low: s.Low, High: s.High}
	return l
}

// absolute returns a line without a peer.
func absolute(name, unit string, v float64, target *report.Target) report.Line {
	return report.Line{Name: name, Unit: unit, Ours: &v, Target: target}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// megabytes are of a million bytes.
func megabytes(n uint64) float64 { return float64(n) / 1e6 }
