package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/load"
)

// bench is a run and all that is told of it.
type bench struct {
	begun      time.Time
	options    load.Options // settled
	version    *registryv1.ModelVersion
	build      build
	csv        string
	result     *load.Result
	objectives []objective
}

// objective is something that a run was to reach.
type objective struct {
	Name  string `json:"name"`  // the flag
	Limit string `json:"limit"` // what it was set to
	Found string `json:"found"`
	Met   bool   `json:"met"`
	// missed says what was found and expected; empty if it was met.
	missed string
}

func (c *benchCmd) objectives(r *load.Result) []objective {
	errorCount := objective{
		Name: "max-errors", Limit: fmt.Sprint(c.MaxErrors), Found: fmt.Sprint(r.Errors()), Met: r.Errors() <= c.MaxErrors,
	}
	if !errorCount.Met {
		expected := "none"
		if c.MaxErrors > 0 {
			expected = "at most " + grouped(c.MaxErrors) + " in all"
		}
		errorCount.missed = fmt.Sprintf("%s, expected %s (--max-errors)", errorsIn(r), expected)
	}
	all := []objective{errorCount}
	if r.Requests() == 0 && !r.Interrupted {
		all = append(all, objective{Name: "requests", Limit: "1", Found: "0", missed: "no request was sent after the warm-up"})
	}
	if c.MaxP99 > 0 {
		all = append(all, c.p99(r))
	}
	return all
}

func (c *benchCmd) p99(r *load.Result) objective {
	o := objective{Name: "max-p99", Limit: c.MaxP99.String(), Found: "never"}
	within, ok := r.Within(0.99)
	if ok {
		o.Found = within.String()
	}
	o.Met = ok && within <= c.MaxP99
	switch {
	case o.Met:
	case ok:
		o.missed = fmt.Sprintf("99 %% of the requests were answered within %s, expected within %s (--max-p99)", load.Rounded(within), c.MaxP99)
	default:
		o.missed = fmt.Sprintf("fewer than 99 %% of the requests were answered, expected that many within %s (--max-p99)", c.MaxP99)
	}
	return o
}

// errorsIn says what failed.
func errorsIn(r *load.Result) string {
	var parts []string
	add := func(n uint64, one, many string) {
		if n > 0 {
			parts = append(parts, counted(n, one, many))
		}
	}
	add(r.Failed, "request failed", "requests failed")
	add(r.FailedRows, "row was refused", "rows were refused")
	add(r.Unsent, "request was not sent", "requests were not sent")
	return strings.Join(parts, ", ")
}

// report writes what was measured, and returns an error that names the objectives missed.
func (c *benchCmd) report(p *process, b *bench) error {
	var out bytes.Buffer
	if c.JSON != "" {
		data, err := json.MarshalIndent(b.document(), "", "  ")
		if err != nil {
			return err
		}
		data = append(data, '\n')
		if c.JSON == "-" {
			out.Write(data)
		} else if err := atomicfile.Write(c.JSON, data, 0o644); err != nil {
			return err
		}
	}
	if c.Plot != "" {
		if err := b.plot(c.Plot, c.MaxP99); err != nil {
			return err
		}
	}
	if c.JSON != "-" {
		b.write(&out)
	}
	if _, err := out.WriteTo(p.stdout); err != nil {
		return err
	}
	if b.result.Interrupted {
		return context.Canceled
	}
	var missed []string
	for _, o := range b.objectives {
		if o.missed != "" {
			missed = append(missed, o.missed)
		}
	}
	if len(missed) > 0 {
		return errors.New(strings.Join(missed, "; "))
	}
	return nil
}

func (b *bench) plot(path string, maxP99 time.Duration) error {
	var svg bytes.Buffer
	plot := load.Plot{Title: b.title(), Subtitle: b.subtitle(), MaxP99: maxP99, Lag: b.options.Rate > 0}
	if err := b.result.WriteSVG(&svg, plot); err != nil {
		return err
	}
	return atomicfile.Write(path, svg.Bytes(), 0o644)
}

func (b *bench) title() string {
	call := map[load.Call]string{
		load.CallPredict: "Predict", load.CallBatch: "BatchPredict", load.CallBatchStream: "BatchPredictStream", load.CallStream: "PredictStream",
	}[b.options.Call]
	if b.batches() {
		form := "rows"
		if b.options.Matrix {
			form = "rows as a matrix"
		}
		call += fmt.Sprintf(" of %s %s", grouped(uint64(b.options.BatchRows)), form)
	}
	protocol := map[load.Protocol]string{
		load.GRPC: "gRPC", load.GRPCWeb: "gRPC-Web", load.Connect: "Connect", load.ConnectJSON: "Connect with JSON",
	}[b.options.Protocol]
	http := map[int]string{1: "HTTP/1.1", 2: "HTTP/2"}[b.options.HTTP]
	return fmt.Sprintf("%s by %s over %s: %s %s at %s", call, protocol, http,
		printable(b.version.GetModel()), strings.Join(printables(b.versions()), ", "), b.options.Target.Address())
}

// versions returns the versions that answered, the most frequent first; the one that was asked
// about where none did, or the server does not say.
func (b *bench) versions() []string {
	var versions []string
	for _, by := range b.result.By {
		if by.Version != "" && !slices.Contains(versions, by.Version) {
			versions = append(versions, by.Version)
		}
	}
	if versions == nil {
		return []string{b.version.GetVersion()}
	}
	return versions
}

func (b *bench) batches() bool {
	return b.options.Call == load.CallBatch || b.options.Call == load.CallBatchStream
}

func (b *bench) subtitle() string {
	o := b.options
	var text string
	switch {
	case o.Rate > 0:
		text = fmt.Sprintf("open loop, %s requests/s, %s arrivals, at most %s in flight", strconv.FormatFloat(o.Rate, 'f', -1, 64), o.Arrivals, grouped(uint64(o.InFlight)))
	case o.Call == load.CallStream:
		text = fmt.Sprintf("closed loop, streams: %d, messages in flight in each: %d", o.Concurrency, o.InFlight)
	default:
		text = fmt.Sprintf("closed loop, %d in flight", o.Concurrency)
	}
	text += fmt.Sprintf(", connections: %d, measured for %s after a warm-up of %v", b.result.Connections, load.Rounded(b.result.Elapsed), o.Warmup)
	if b.csv == "" || o.Arrivals == load.Poisson && o.Rate > 0 {
		text += fmt.Sprintf(", seed %d", o.Seed)
	}
	return text
}

// write writes the table.
func (b *bench) write(w io.Writer) {
	r := b.result
	fmt.Fprintf(w, "%s\n%s\n\n", b.title(), b.subtitle())
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, n uint64, rest string) { fmt.Fprintf(out, "%s\t%s\t%s\t\n", name, grouped(n), rest) }
	line("requests", r.Requests(), perSecond(r.PerSecond(r.Requests())))
	line("rows", r.Rows, perSecond(r.PerSecond(r.Rows)))
	line("errors", r.Failed+r.FailedRows, "")
	if b.options.Rate > 0 {
		line("not sent", r.Unsent, "")
	}
	line("bytes sent", r.SentBytes, perSecond(r.PerSecond(r.SentBytes)))
	line("bytes received", r.ReceivedBytes, perSecond(r.PerSecond(r.ReceivedBytes)))
	_ = out.Flush() // to a buffer
	b.writeVersions(w)
	if r.Answered > 0 {
		b.writeTimes(w)
	}
	b.writeFailures(w)
	for _, note := range b.notes() {
		fmt.Fprintf(w, "\n%s\n", note)
	}
}

var reportedQuantiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}}

func (b *bench) writeTimes(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	open := b.options.Rate > 0
	line := func(name string, latency, lag string) {
		fmt.Fprintf(out, "%s\t%s\t", name, latency)
		if open {
			fmt.Fprintf(out, "%s\t", lag)
		}
		fmt.Fprintln(out)
	}
	latency, lag := &b.result.Latency, &b.result.Lag
	fmt.Fprintln(w)
	line("", "latency", "sent late by")
	line("min", load.Rounded(latency.Min()), load.Rounded(lag.Min()))
	line("mean", load.Rounded(latency.Mean()), load.Rounded(lag.Mean()))
	for _, r := range reportedQuantiles {
		line(r.name, load.Rounded(latency.Quantile(r.q)), load.Rounded(lag.Quantile(r.q)))
	}
	line("max", load.Rounded(latency.Max()), load.Rounded(lag.Max()))
	_ = out.Flush() // to a buffer
}

// writeVersions writes how many requests each version answered, where several did.
func (b *bench) writeVersions(w io.Writer) {
	by := b.result.By
	if len(by) < 2 {
		return
	}
	fmt.Fprintln(w, "\nanswered by")
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, s := range by {
		fmt.Fprintf(out, "%s\t%s\t%s\t%.2f %%\t\n", printable(s.Version), printable(s.Variant), grouped(s.Requests), 100*float64(s.Requests)/float64(b.result.Answered))
	}
	_ = out.Flush() // to a buffer
}

func (b *bench) writeFailures(w io.Writer) {
	if len(b.result.Failures) > 0 {
		fmt.Fprintln(w)
	}
	for _, f := range b.result.Failures {
		var parts []string
		if f.Requests > 0 {
			parts = append(parts, counted(f.Requests, "request", "requests"))
		}
		if f.Rows > 0 {
			parts = append(parts, counted(f.Rows, "row", "rows"))
		}
		fmt.Fprintf(w, "%s: %s, such as: %s\n", f.Code, strings.Join(parts, " and "), printableLine(f.Example))
	}
}

// counted says how many there are of something.
func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// late is how late one request in a hundred may be sent before the table points at it.
const late = 2 * time.Millisecond

// notes say what a reader of the figures must know.
func (b *bench) notes() []string {
	var notes []string
	r := b.result
	if r.Unsent > 0 {
		notes = append(notes, fmt.Sprintf("%s of %s requests that were due were not sent: as many as may be were in flight, or this machine could not send as fast. "+
			"The latencies know nothing of them.", grouped(r.Unsent), grouped(r.Unsent+r.Requests()+r.Abandoned)))
	} else if lag := r.Lag.Quantile(0.99); lag > late {
		notes = append(notes, fmt.Sprintf("One request in a hundred was sent %s late or more: as many as may be were in flight, or this machine could not send as fast. "+
			"The latencies count that.", load.Rounded(lag)))
	}
	if r.WarmupFailed > 0 {
		notes = append(notes, fmt.Sprintf("In the warm-up, %s of %s requests failed.", grouped(r.WarmupFailed), grouped(r.Warmup)))
	}
	if r.Interrupted {
		notes = append(notes, fmt.Sprintf("The run was cut short, and %s in flight with it.", counted(r.Abandoned, "request", "requests")))
	}
	return notes
}

func perSecond(v float64) string {
	if v < 1000 {
		return strconv.FormatFloat(v, 'f', 1, 64) + "/s"
	}
	return grouped(uint64(v+0.5)) + "/s"
}

// grouped returns a number with its digits in groups of three.
func grouped(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
