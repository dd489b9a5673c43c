package flood

import (
	"fmt"
	"time"

	"connectrpc.com/connect"
	"github.com/HdrHistogram/hdrhistogram-go"
)

// Record is what became of the requests of a run.
type Record struct {
	// Phases is what became of those that were due in each phase.
	Phases []*Counts
	// Steps is the same, step by step, of StepLength each.
	Steps []Counts

	ends  []time.Duration // of the phases, from begin
	begin time.Time
}

// StepLength is the length of a step of a record.
const StepLength = 100 * time.Millisecond

// Counts are of requests that were due in some time.
type Counts struct {
	// Due is how many there were. Each is one of those that follow.
	Due uint64
	// OK were answered in time, and rightly.
	OK uint64
	// Refused were answered with an error; Codes says which.
	Refused uint64
	// Unsent were never sent: as many as may be were in flight.
	Unsent uint64
	// TimedOut were sent, and not answered by their deadline.
	TimedOut uint64
	// Reset were ended by the server without an answer, in a way that says that it did nothing.
	Reset uint64
	// Lost were neither answered nor refused; Wrong were answered with something else.
	Lost, Wrong uint64

	// Latency is of those that are OK, from when they were due; Served from when they were sent.
	// Refusal is of those refused, from when they were sent. Nil in steps.
	Latency, Served, Refusal *hdrhistogram.Histogram
	// Codes counts the refusals.
	Codes map[string]uint64
	// Slowest is the largest latency.
	Slowest time.Duration
}

func newCounts() *Counts {
	h := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3) }
	return &Counts{Latency: h(), Served: h(), Refusal: h(), Codes: map[string]uint64{}}
}

func newRecord(o Options, begin time.Time, total time.Duration) *Record {
	r := &Record{begin: begin, Steps: make([]Counts, int(total/StepLength)+1)}
	var end time.Duration
	for _, p := range o.Phases {
		r.Phases = append(r.Phases, newCounts())
		end += p.Duration
		r.ends = append(r.ends, end)
	}
	return r
}

// at returns the counts of what was due then.
func (r *Record) at(due time.Time) (phase, step *Counts) {
	since := due.Sub(r.begin)
	i := 0
	for i < len(r.ends)-1 && since >= r.ends[i] {
		i++
	}
	return r.Phases[i], &r.Steps[min(max(int(since/StepLength), 0), len(r.Steps)-1)]
}

func (r *Record) count(due time.Time, add func(c *Counts)) {
	phase, step := r.at(due)
	add(phase)
	add(step)
}

func (r *Record) unsent(due time.Time) {
	r.count(due, func(c *Counts) { c.Due++; c.Unsent++ })
}

func (r *Record) timedOut(f *flight) {
	r.count(f.due, func(c *Counts) { c.Due++; c.TimedOut++ })
}

func (r *Record) lost(f *flight)  { r.count(f.due, func(c *Counts) { c.Due++; c.Lost++ }) }
func (r *Record) wrong(f *flight) { r.count(f.due, func(c *Counts) { c.Due++; c.Wrong++ }) }

func (r *Record) ok(f *flight, now time.Time) {
	latency := now.Sub(f.due)
	r.count(f.due, func(c *Counts) { c.Due++; c.OK++; c.Slowest = max(c.Slowest, latency) })
	phase, _ := r.at(f.due)
	_ = phase.Latency.RecordValue(latency.Microseconds())
	_ = phase.Served.RecordValue(now.Sub(f.sent).Microseconds())
}

func (r *Record) refused(f *flight, now time.Time, code int) {
	r.count(f.due, func(c *Counts) { c.Due++; c.Refused++ })
	phase, _ := r.at(f.due)
	_ = phase.Refusal.RecordValue(now.Sub(f.sent).Microseconds())
	phase.Codes[connect.Code(code).String()]++
}

func (r *Record) reset(f *flight, now time.Time, code uint32) {
	r.count(f.due, func(c *Counts) { c.Due++; c.Reset++ })
	phase, _ := r.at(f.due)
	_ = phase.Refusal.RecordValue(now.Sub(f.sent).Microseconds())
	phase.Codes[fmt.Sprintf("RST_STREAM %d", code)]++
}

func (r *Record) merge(from *Record) {
	for i, p := range from.Phases {
		to := r.Phases[i]
		to.add(p)
		to.Latency.Merge(p.Latency)
		to.Served.Merge(p.Served)
		to.Refusal.Merge(p.Refusal)
		for code, n := range p.Codes {
			to.Codes[code] += n
		}
	}
	for i := range r.Steps {
		r.Steps[i].add(&from.Steps[min(i, len(from.Steps)-1)])
	}
}

func (c *Counts) add(from *Counts) {
	c.Due += from.Due
	c.OK += from.OK
	c.Refused += from.Refused
	c.Unsent += from.Unsent
	c.TimedOut += from.TimedOut
	c.Reset += from.Reset
	c.Lost += from.Lost
	c.Wrong += from.Wrong
	c.Slowest = max(c.Slowest, from.Slowest)
}
