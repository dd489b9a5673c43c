package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/lookalike"
	"github.com/sepal-ml/sepal/services/softmax"
)

// within is how near the objective has to be to its minimum, relative to it.
const within = 1e-6

// line is what fitting one set took.
type line struct {
	Set     string  `json:"set"`
	Rows    int     `json:"rows"`
	Columns int     `json:"columns"`
	Classes int     `json:"classes"`
	C       float64 `json:"c"`
	Solver  string  `json:"solver"`
	Passes  int     `json:"passes"`
	// Minimum is the lowest objective that was found.
	Minimum float64 `json:"minimum"`
	// Seconds is until the objective was within a millionth of the minimum, Whole until the fit had
	// converged to the engine's own tolerance, at a relative gap of at most Gap by its certificate.
	Seconds float64 `json:"seconds"`
	Whole   float64 `json:"whole_seconds"`
	Gap     float64 `json:"gap"`
	// Memory is by how much the process grew at most, over the size of the data; 0: not known.
	Memory float64 `json:"memory_over_data,omitempty"`
	// Theirs is the best of scikit-learn, nil where there is none.
	Theirs *theirs `json:"theirs,omitempty"`
	// Ratio is Theirs over Seconds, Want what it has to be.
	Ratio float64 `json:"ratio,omitempty"`
	Want  float64 `json:"want"`
}

// measure fits a set, and lets scikit-learn fit it.
func (c *command) measure(ctx context.Context, s set, python *python) (line, []batch, error) {
	data, err := s.make()
	if err != nil {
		return line{}, nil, err
	}
	l := line{Set: s.name, Rows: len(data.Labels), Columns: data.Columns, Classes: data.Classes, C: s.c, Want: s.want}
	rounds := c.Rounds
	if s.small {
		rounds *= 10
	}
	model, err := l.fit(ctx, data, rounds)
	if err != nil {
		return line{}, nil, err
	}
	fmt.Fprintf(os.Stderr, "  sepal: %.4g s, %.4g s until converged\n", l.Seconds, l.Whole)
	var batches []batch
	if s.predict > 0 {
		b, err := measureBatch(data, model, s)
		if err != nil {
			return line{}, nil, err
		}
		batches = append(batches, b)
	}
	if python == nil {
		return l, batches, nil
	}
	found, err := python.fit(ctx, data, &l, model, s.small, c.Limit)
	if err != nil {
		return line{}, nil, err
	}
	l.Theirs = found.Best
	if l.Theirs != nil {
		l.Ratio = l.Theirs.Seconds / l.Seconds
	}
	for i := range batches {
		batches[i].compare(found)
	}
	return l, batches, nil
}

// fit fits the set some times, and keeps the medians.
func (l *line) fit(ctx context.Context, data *lookalike.Set, rounds int) (*softmax.Model, error) {
	signature, classes, samples, err := arguments(data)
	if err != nil {
		return nil, err
	}
	type point struct{ seconds, objective float64 }
	var best *softmax.FitResult
	var traces [][]point
	var wholes []float64
	l.Memory = math.Inf(1)
	for range rounds {
		var trace []point
		var before int64
		if size(data) >= worthMeasuring {
			runtime.GC()
			debug.FreeOSMemory()
			before = resetPeak()
		}
		began := time.Now()
		result, err := softmax.Fit(ctx, signature, classes, samples, softmax.FitOptions{C: l.C, Progress: func(p softmax.FitProgress) {
			trace = append(trace, point{time.Since(began).Seconds(), p.Objective})
		}})
		took := time.Since(began).Seconds()
		if err != nil {
			return nil, err
		}
		l.Memory = min(l.Memory, memoryOver(before, data))
		trace = append(trace, point{took, result.Objective})
		traces, wholes = append(traces, trace), append(wholes, took)
		if best == nil || result.Objective < best.Objective {
			best = result
		}
	}
	l.Minimum, l.Solver, l.Passes = best.Objective, best.Solver, best.Passes
	l.Gap = best.Gap / best.Objective
	var seconds []float64
	for _, trace := range traces {
		i := slices.IndexFunc(trace, func(p point) bool { return p.objective <= l.Minimum*(1+within) })
		if i < 0 {
			return nil, fmt.Errorf("a fit stopped short of a millionth above %v", l.Minimum)
		}
		seconds = append(seconds, trace[i].seconds)
	}
	l.Seconds, l.Whole = median(seconds), median(wholes)
	return best.Model, nil
}

func arguments(data *lookalike.Set) (*softmax.Signature, []string, softmax.Samples, error) {
	features := make([]softmax.Feature, data.Columns)
	for j := range features {
		features[j].Name = "f" + strconv.Itoa(j)
	}
	signature, err := softmax.NewSignature(features)
	classes := make([]string, data.Classes)
	for k := range classes {
		classes[k] = strconv.Itoa(k)
	}
	samples := softmax.Samples{Rows: data.Rows, Labels: data.Labels}
	if data.Rows == nil {
		samples.Sparse = &softmax.Sparse{Start: data.Start, Columns: data.Index, Values: data.Values}
	}
	return signature, classes, samples, err
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// worthMeasuring is the size of data from which a fit's memory is no noise, in bytes.
const worthMeasuring = 64 << 20

// size returns that of the rows, in bytes.
func size(data *lookalike.Set) int {
	return 8*(len(data.Rows)+len(data.Values)) + 4*len(data.Index)
}

// resetPeak forgets the largest size of the process so far, and returns its size, in bytes; 0 where
// the system has no way to.
func resetPeak() int64 {
	if os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) != nil {
		return 0
	}
	return statusBytes("VmRSS")
}

// memoryOver returns by how much the process has grown since, over the size of the data; 0: not
// known.
func memoryOver(before int64, data *lookalike.Set) float64 {
	if before == 0 {
		return 0
	}
	return float64(statusBytes("VmHWM")-before) / float64(size(data))
}

func statusBytes(field string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, field+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return kilobytes << 10
			}
		}
	}
	return 0
}
