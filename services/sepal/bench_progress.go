package main

import (
	"fmt"
	"io"

	"github.com/sepal-ml/sepal/services/internal/load"
)

// benchProgress says on a terminal how far a run is, in one line that is drawn anew.
type benchProgress struct {
	out  io.Writer
	goal string // what the run ends at
	last load.Progress
}

// newBenchProgress returns nil where nobody would see it.
func newBenchProgress(p *process, o load.Options) *benchProgress {
	if !p.terminal {
		return nil
	}
	goal := fmt.Sprintf("of %v", o.Duration)
	if o.Duration == 0 {
		goal = fmt.Sprintf("for %s requests", grouped(o.Count))
	}
	return &benchProgress{out: p.stderr, goal: goal}
}

// show does not fail: a run goes on though nobody sees how far it is.
func (b *benchProgress) show(p load.Progress) {
	elapsed := p.Elapsed.Truncate(redrawEvery)
	if p.Warming {
		_, _ = fmt.Fprintf(b.out, "%swarming up, %v", eraseLine, elapsed)
		return
	}
	rate := 0.0
	if since := p.Elapsed - b.last.Elapsed; since > 0 {
		rate = float64(p.Answered-b.last.Answered) / since.Seconds()
	}
	b.last = p
	_, _ = fmt.Fprintf(b.out, "%s%v %s  %s/s  %s failed  p50 %s  p99 %s", eraseLine, elapsed, b.goal,
		grouped(uint64(rate)), grouped(p.Failed), load.Rounded(p.P50), load.Rounded(p.P99))
}

// clear takes the line away.
func (b *benchProgress) clear() {
	if b != nil {
		_, _ = io.WriteString(b.out, eraseLine)
	}
}
