package main

import (
	"fmt"
	"io"
	"time"

	"github.com/sepal-ml/sepal/services/trainer"
)

const (
	redrawEvery = 100 * time.Millisecond
	eraseLine   = "\r\x1b[K"
)

// trainProgress says on stderr how far a training has come: on a terminal in one line that is
// drawn anew, elsewhere in a line per fit.
type trainProgress struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
	drawn    time.Time // when the line was drawn last; zero: there is none
}

func newTrainProgress(p *process) *trainProgress {
	return &trainProgress{out: p.stderr, terminal: p.terminal, now: time.Now}
}

// show does not fail: a training goes on though nobody sees how far it is.
func (t *trainProgress) show(p trainer.Progress) {
	if !t.terminal {
		if p.Iteration == 1 {
			say(t.out, "%v", p)
		}
		return
	}
	if now := t.now(); now.Sub(t.drawn) >= redrawEvery {
		t.drawn = now
		_, _ = fmt.Fprintf(t.out, "%s%v: iteration %d, objective %.6g, gradient %.2g",
			eraseLine, p, p.Iteration, p.Objective, p.GradientMax)
	}
}

// clear takes the line away.
func (t *trainProgress) clear() {
	if !t.drawn.IsZero() {
		_, _ = io.WriteString(t.out, eraseLine)
	}
}
