package monitor

import (
	"sync"
	"time"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Counts are what a version has answered as a variant, since it was loaded.
type Counts struct {
	Model, Version string
	// Variant is empty for requests that named the version.
	Variant string
	// Classes are the classes of the model, ClassCounts how many rows are of each.
	Classes     []string
	ClassCounts []uint64
	// Confidence is how many rows are in each of the buckets of [ConfidenceEdges], and ConfidenceSum
	// the sum of their confidences.
	Confidence    [ConfidenceBuckets]uint64
	ConfidenceSum float64
	// Low is how many rows are below the confidence threshold.
	Low uint64
}

// Counts returns what is counted of the versions that are served. What a version answers as now is
// there from the start; another variant once it has answered.
func (m *Monitor) Counts() []Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sync()
	var all []Counts
	for _, e := range m.listed() {
		if !e.live {
			break
		}
		for _, t := range e.listed() {
			c := t.counts(e)
			if c.rows() > 0 || e.answersAs(t.variant) {
				all = append(all, c)
			}
		}
	}
	return all
}

func (t *Tally) counts(e *entry) Counts {
	c := Counts{
		Model: e.model, Version: e.version, Variant: t.variant,
		Classes: e.classes, ClassCounts: make([]uint64, len(e.classes)),
		ConfidenceSum: float64(t.sum.Load()) / confidenceScale,
		Low:           t.low.Load(),
	}
	for k := range t.classes {
		c.ClassCounts[k] = t.classes[k].Load()
	}
	for i := range t.confidence {
		c.Confidence[i] = t.confidence[i].Load()
	}
	return c
}

func (c *Counts) rows() uint64 {
	var n uint64
	for _, of := range c.ClassCounts {
		n += of
	}
	return n
}

// reportAge is how long a report of drift is used again: each costs a look at every bin.
const reportAge = time.Second

type cachedReport struct {
	mu     sync.Mutex
	made   time.Time
	report *monitoringv1.DriftReport
}

// drift returns the report of the version, which may be a second old and must not be changed.
func (e *entry) drift() *monitoringv1.DriftReport {
	c := &e.report
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.report == nil || now.Sub(c.made) >= reportAge {
		c.report, c.made = e.window.Report(), now
		// A single model file may be served under another version than it states.
		c.report.Model, c.report.Version = e.model, e.version
	}
	return c.report
}

// Drift compares the rows that a version has answered lately with those that it was trained on. The
// report may be a second old; it must not be changed.
func (m *Monitor) Drift(v *registry.Version) *monitoringv1.DriftReport {
	return m.latest(v).drift()
}

func (m *Monitor) latest(v *registry.Version) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sync()
	return m.entryOf(v)
}

// Drifts returns the reports of the versions that are served.
func (m *Monitor) Drifts() []*monitoringv1.DriftReport {
	served := m.served()
	reports := make([]*monitoringv1.DriftReport, 0, len(served))
	for _, e := range served {
		reports = append(reports, e.drift())
	}
	return reports
}

// served returns what is counted of the versions that are served.
func (m *Monitor) served() []*entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sync()
	entries := m.listed()
	live := 0
	for live < len(entries) && entries[live].live {
		live++
	}
	return entries[:live]
}
