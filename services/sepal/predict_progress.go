package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// predictProgress says on a terminal how far the rows of a file have come, in one line that is
// drawn anew. Where the output goes to the same terminal, the rows themselves tell.
type predictProgress struct {
	out    io.Writer
	source *countingReader
	size   int64 // of the source in bytes; 0: unknown
	now    func() time.Time
	start  time.Time
	drawn  time.Time
	rows   int // that were told of last
	failed int
}

// newPredictProgress returns nil where nobody would see it. The rows are then read from r; else
// from the reader returned.
func newPredictProgress(p *process, r io.Reader) (*predictProgress, io.Reader) {
	if !p.terminal || isTerminal(p.stdout) {
		return nil, r
	}
	counting := &countingReader{r: r}
	progress := &predictProgress{out: p.stderr, source: counting, now: time.Now, start: time.Now()}
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			progress.size = info.Size()
		}
	}
	return progress, counting
}

// show does not fail: the rows go on though nobody sees how far they are.
func (b *predictProgress) show(rows, failed int) {
	if b == nil {
		return
	}
	now := b.now()
	b.rows, b.failed = rows, failed
	if now.Sub(b.drawn) < redrawEvery {
		return
	}
	b.drawn = now
	_, _ = fmt.Fprint(b.out, eraseLine+b.line(rows, failed, now.Sub(b.start)))
}

func (b *predictProgress) line(rows, failed int, took time.Duration) string {
	line := grouped(uint64(rows)) + " rows"
	if b.size > 0 {
		line += fmt.Sprintf("  %d %%", min(100, 100*b.source.read.Load()/b.size))
	}
	if seconds := took.Seconds(); seconds > 0 {
		line += fmt.Sprintf("  %s/s", grouped(uint64(float64(rows)/seconds)))
	}
	if failed > 0 {
		line += fmt.Sprintf("  %s failed", grouped(uint64(failed)))
	}
	return line
}

// waiting shows that nothing happens for a while, and why.
func (b *predictProgress) waiting(left time.Duration, reason string) {
	if b == nil {
		return
	}
	b.drawn = b.now()
	_, _ = fmt.Fprintf(b.out, "%s%s  %s, waiting %v", eraseLine, b.line(b.rows, b.failed, b.drawn.Sub(b.start)), reason, max(left.Round(time.Second), time.Second))
}

// clear takes the line away.
func (b *predictProgress) clear() {
	if b != nil && !b.drawn.IsZero() {
		_, _ = io.WriteString(b.out, eraseLine)
	}
}

// countingReader counts what is read.
type countingReader struct {
	r    io.Reader
	read atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read.Add(int64(n))
	return n, err
}
