// Package report tells what was measured: as JSON for machines, as Markdown for readers.
package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// Report is what one run measured.
type Report struct {
	// Machine is where it ran.
	Machine Machine `json:"machine"`
	// Method says how often and how long each server was measured.
	Method Method `json:"method"`
	// Lines are what was measured, in order.
	Lines []Line `json:"lines"`
}

// Method is how a run measured.
type Method struct {
	// Rounds is how many times, Seconds how long each time.
	Rounds  int     `json:"rounds"`
	Seconds float64 `json:"seconds"`
	// ServerCPU is the processor that the servers ran on, LoadCPU that of their clients. They are
	// the same on a machine with one.
	ServerCPU int `json:"server_cpu"`
	LoadCPU   int `json:"load_cpu"`
}

// Line is one thing that was measured.
type Line struct {
	// Name says what, in a few words. Group is what --only calls it by, with its like.
	Name  string `json:"name"`
	Group string `json:"group"`
	// Unit is that of Ours and Theirs, for people: "µs of CPU".
	Unit string `json:"unit"`
	// Ours is Sepal's figure, Theirs that of Peer.
	Ours   *float64 `json:"ours,omitempty"`
	Peer   string   `json:"peer,omitempty"`
	Theirs *float64 `json:"theirs,omitempty"`
	// Ratio is what is compared with the target; unset where that is Ours itself.
	Ratio *Ratio `json:"ratio,omitempty"`
	// Target is what it should be. Unset: the line is for information.
	Target *Target `json:"target,omitempty"`
	// Verdict follows from the rest, see Judge.
	Verdict Verdict `json:"verdict"`
	// Note says more: why there are no figures, for one.
	Note string `json:"note,omitempty"`
}

// Ratio is a median over the rounds, and how far they were apart.
type Ratio struct {
	// Of says what was divided by what: "ours ÷ grpc-go".
	Of    string  `json:"of"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Target is a range; an end that is nil is open.
type Target struct {
	AtLeast *float64 `json:"at_least,omitempty"`
	AtMost  *float64 `json:"at_most,omitempty"`
}

// AtMost returns a target that larger figures miss.
func AtMost(limit float64) *Target { return &Target{AtMost: &limit} }

// AtLeast returns a target that smaller figures miss.
func AtLeast(limit float64) *Target { return &Target{AtLeast: &limit} }

// Between returns a target that smaller and larger figures miss.
func Between(low, high float64) *Target { return &Target{AtLeast: &low, AtMost: &high} }

// Holds reports whether the target is met. A figure that is no number misses all.
func (t Target) Holds(v float64) bool {
	return v == v && (t.AtLeast == nil || v >= *t.AtLeast) && (t.AtMost == nil || v <= *t.AtMost)
}

// Verdict is what came of a line.
type Verdict string

// The verdicts.
const (
	Met         Verdict = "met"
	Missed      Verdict = "missed"
	Informs     Verdict = "for information"
	NotMeasured Verdict = "not measured"
	Failed      Verdict = "failed"
)

// Judge sets the verdict of a line that was measured.
func (l *Line) Judge() {
	judged := l.Ours
	if l.Ratio != nil {
		judged = &l.Ratio.Value
	}
	switch {
	case judged == nil:
		l.Verdict = NotMeasured
	case l.Target == nil:
		l.Verdict = Informs
	case l.Target.Holds(*judged):
		l.Verdict = Met
	default:
		l.Verdict = Missed
	}
}

// Short returns an error that says how many lines did not come out as they should, or nil.
func (r *Report) Short() error {
	missed, failed := 0, 0
	for _, l := range r.Lines {
		switch l.Verdict {
		case Missed:
			missed++
		case Failed:
			failed++
		default:
		}
	}
	if missed+failed == 0 {
		return nil
	}
	return fmt.Errorf("%d targets were missed, and %d lines could not be measured", missed, failed)
}

// WriteJSON writes the report for machines.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
