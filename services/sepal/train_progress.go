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
// drawn anew, elsewhere in a line per part of it.
type trainProgress struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
	drawn    time.Time // when the line was drawn last; zero: there is none
	said     string    // the part told of last
}

func newTrainProgress(p *process) *trainProgress {
	return &trainProgress{out: p.stderr, terminal: p.terminal, now: time.Now}
}

// show does not fail: a training goes on though nobody sees how far it is.
func (t *trainProgress) show(p trainer.Progress) {
	if part := p.String(); !t.terminal {
		if part != t.said {
			say(t.out, "%s", part)
		}
		t.said = part
		return
	}
	t.draw("%v: iteration %d, objective %.6g, gradient %.2g", p, p.Iteration, p.Objective, p.GradientMax)
}

// reading shows how much of the data is read, in bytes, or in rows if there is no total.
func (t *trainProgress) reading(read, total int64) {
	switch {
	case !t.terminal:
	case total > 0:
		t.draw("reading: %d %%", 100*read/total)
	default:
		t.draw("reading: %d", read)
	}
}

func (t *trainProgress) draw(format string, args ...any) {
	if now := t.now(); now.Sub(t.drawn) >= redrawEvery {
		t.drawn = now
		_, _ = fmt.Fprintf(t.out, eraseLine+format, args...)
	}
}

// clear takes the line away.
func (t *trainProgress) clear() {
	if !t.drawn.IsZero() {
		_, _ = io.WriteString(t.out, eraseLine)
		t.drawn = time.Time{}
	}
}
