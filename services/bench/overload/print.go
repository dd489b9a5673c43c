package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sepal-ml/sepal/services/bench/internal/flood"
)

// flooding is what became of a server that was asked for more than it can do. Rates are in requests a
// second, times in milliseconds.
type flooding struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Connections int    `json:"connections"`
	// Closed is what a closed loop was answered, Capacity what an open one was, in time.
	Closed   float64 `json:"closed"`
	Capacity float64 `json:"capacity"`
	// Offered was due, Sent of that was sent: the rest was due while as many as may be were in
	// flight. Goodput was answered rightly within the deadline.
	Offered float64 `json:"offered"`
	Sent    float64 `json:"sent"`
	Goodput float64 `json:"goodput"`
	Share   float64 `json:"share"`
	// P50 and P99 are of the requests answered, from when they were due.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	// Refused are counts by code, RefusalP99 how long after they were sent they were.
	Refused    map[string]uint64 `json:"refused"`
	RefusalP99 float64           `json:"refusal_p99_ms"`
	// TimedOut were sent and not answered within the deadline; Lost ended without an answer.
	TimedOut uint64 `json:"timed_out"`
	Lost     uint64 `json:"lost"`
	// Recovery is how long after the overload nearly all requests are answered in time again;
	// negative: not in the time that was looked.
	Recovery float64 `json:"recovery_ms"`
	// Busy is how much of its processor the server had.
	Busy   float64 `json:"busy"`
	Broken string  `json:"broken,omitempty"`
	Missed bool    `json:"missed"`

	seconds float64 // how long the overload lasted
}

func (f *flooding) fill(r *flood.Record, lasts time.Duration) {
	during, seconds := r.Phases[1], lasts.Seconds()
	f.seconds = seconds
	f.Offered = float64(during.Due) / seconds
	f.Sent = float64(during.Due-during.Unsent) / seconds
	f.Goodput = float64(during.OK) / seconds
	f.Share = f.Goodput / f.Capacity
	f.P50, f.P99 = quantile(during.Latency, 50), quantile(during.Latency, 99)
	f.Refused, f.RefusalP99 = during.Codes, quantile(during.Refusal, 99)
	f.TimedOut = during.TimedOut
	for _, p := range r.Phases {
		f.Lost += p.Lost + p.Wrong
	}
	f.Recovery = -1
	first := int((calm + lasts) / flood.StepLength)
	for i, step := range r.Steps[first : first+int(after/flood.StepLength)] {
		if float64(step.OK) >= 0.95*float64(step.Due) {
			f.Recovery = float64(i) * milliseconds(flood.StepLength)
			break
		}
	}
	f.Missed = f.Share < 0.8 || !f.inTime() || f.Lost > 0 || f.Recovery < 0 || f.Recovery > 1000
}

// inTime reports whether the 99th percentile is below the deadline, those that were not answered by
// then counted too: as far as a client can tell, they were accepted.
func (f *flooding) inTime() bool {
	answered := f.Goodput * f.seconds
	return f.P99 < milliseconds(deadline) && float64(f.TimedOut) <= 0.01*(answered+float64(f.TimedOut))
}

func quantile(h *hdrhistogram.Histogram, q float64) float64 {
	return float64(h.ValueAtQuantile(q)) / 1e3
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

func (f *flooding) print(to io.Writer, times float64) {
	line := func(what, format string, values ...any) { fmt.Fprintf(to, "| "+what+" | "+format+" |\n", values...) }
	fmt.Fprintf(to, "\n## %s, %d connections\n\n| | |\n| --- | --- |\n", f.Title, f.Connections)
	line("capacity", "%.0f/s (in a closed loop %.0f/s)", f.Capacity, f.Closed)
	line("offered", "%.0f/s, %.1f× the capacity; %.1f× was asked for", f.Offered, f.Offered/f.Capacity, times)
	line("sent", "%.0f/s; the rest was due while as many as may be were in flight", f.Sent)
	line("goodput", "%.0f/s, **%.0f %% of the capacity**%s; %.0f %% of the closed loop", f.Goodput, 100*f.Share, verdict(f.Share >= 0.8), 100*f.Goodput/f.Closed)
	line("answered, from when due", "50th percentile %.1f ms, 99th **%.1f ms**%s", f.P50, f.P99, verdict(f.inTime()))
	for _, code := range slices.Sorted(maps.Keys(f.Refused)) {
		line("refused", "%s: %d", code, f.Refused[code])
	}
	line("refused, from when sent", "99th percentile %.1f ms", f.RefusalP99)
	line("not answered within the deadline", "%d", f.TimedOut)
	line("lost", "**%d**%s", f.Lost, verdict(f.Lost == 0))
	recovered := "not within the time that was looked"
	if f.Recovery >= 0 {
		recovered = fmt.Sprintf("after %.0f ms", f.Recovery)
	}
	line("recovered", "**%s**%s", recovered, verdict(f.Recovery >= 0 && f.Recovery <= 1000))
	line("the server had of its processor", "%.0f %%", 100*f.Busy)
	if f.Broken != "" {
		line("connections", "%s", f.Broken)
	}
}

func verdict(met bool) string {
	if met {
		return ", met"
	}
	return ", **missed**"
}
