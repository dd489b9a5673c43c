// Package monitor counts what a server answers: how many rows of which class each version
// classifies and how sure it is, whether the rows drift from those of its training, and how many
// requests there were in each of the last steps of time.
//
// What a row adds to is a [Tally], found once for a request. Nothing that a request does waits for
// a lock or allocates, but for the first of a version or of a variant. No count outlives the
// process, nor, but for the points of time that it belongs to, the version that it is of.
//
// All methods may be called by any number of goroutines at the same time.
package monitor

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/drift"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Options say what is counted, and how.
type Options struct {
	// Current returns the snapshot that is served. It is asked whenever a version is met that the
	// last one did not hold, and when the counts are read.
	Current func() *registry.Registry
	// ConfidenceThreshold is the confidence below which a prediction counts as unsure, 0 to 1.
	ConfidenceThreshold float64
	// DriftWindow is how far back a report of drift reaches at most. 0: that of package drift.
	DriftWindow time.Duration
	// DriftMinRows is the number of rows that such a report must have before it says anything. 0:
	// that of package drift.
	DriftMinRows int
	// Panicked is told of a panic where no request was concerned; counting goes on. nil: nobody is.
	Panicked func(*crash.PanicError)
}

// Monitor counts what one server answers. Make one with [New].
type Monitor struct {
	options  Options
	requests Requests

	// view leads from the versions that are served to what is counted of them. It is never
	// changed, but replaced.
	view atomic.Pointer[map[*registry.Version]*entry]

	mu      sync.Mutex
	synced  *registry.Registry // what view was made of
	entries map[key]*entry     // those in view, and those that left it of late
	history history
}

// New returns a monitor that has counted nothing.
func New(o Options) *Monitor {
	m := &Monitor{options: o, entries: map[key]*entry{}}
	m.view.Store(&map[*registry.Version]*entry{})
	m.history.begin(time.Now())
	m.requests.begin(m)
	return m
}

// Requests is what requests are counted by.
func (m *Monitor) Requests() *Requests { return &m.requests }

// ConfidenceThreshold is the confidence below which a prediction counts as unsure.
func (m *Monitor) ConfidenceThreshold() float64 { return m.options.ConfidenceThreshold }

// Tally returns what the rows are counted by that a version answers as a variant, which is empty
// for requests that named the version.
func (m *Monitor) Tally(v *registry.Version, variant string) *Tally {
	if e := (*m.view.Load())[v]; e != nil {
		if t := e.tally(variant); t != nil {
			return t
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sync()
	return m.open(m.entryOf(v), variant)
}

// sync takes the snapshot that is served over. It is called with mu held.
func (m *Monitor) sync() {
	now := m.options.Current()
	if now == m.synced {
		return
	}
	m.synced = now
	versions := now.Versions()
	view := make(map[*registry.Version]*entry, len(versions))
	for _, e := range m.entries {
		e.live, e.arms = false, nil
	}
	for place, v := range versions {
		e := m.entryOf(v)
		e.live, e.place, view[v] = true, place, e
	}
	for _, name := range now.Models() {
		if model, err := now.Model(name); err == nil {
			m.syncArms(model, view)
		}
	}
	m.view.Store(&view)
}

// syncArms notes which versions of a model answer as which variants.
func (m *Monitor) syncArms(model *registry.Model, view map[*registry.Version]*entry) {
	of := make(map[string]*entry, len(model.Loaded))
	for _, v := range model.Loaded {
		of[v.Version] = view[v]
	}
	for _, arm := range arms(model.Rollout) {
		if e := of[arm.Version]; e != nil {
			e.arms = append(e.arms, arm.Variant)
			m.open(e, arm.Variant)
		}
	}
}

// entryOf returns what is counted of a version, served or not. It is called with mu held.
func (m *Monitor) entryOf(v *registry.Version) *entry {
	k := key{v.Model, v.Version, v.Digest}
	e := m.entries[k]
	if e == nil {
		e = newEntry(v, drift.Options{
			Window:              m.options.DriftWindow,
			MinRows:             m.options.DriftMinRows,
			ConfidenceThreshold: max(m.options.ConfidenceThreshold, math.SmallestNonzeroFloat64), // 0 would be its default
		})
		e.used = m.history.step
		m.entries[k] = e
	}
	return e
}

// open returns the tally of a variant. It is called with mu held.
func (m *Monitor) open(e *entry, variant string) *Tally {
	if t := e.tally(variant); t != nil {
		return t
	}
	t := newTally(e, variant, m.options.ConfidenceThreshold)
	t.used = m.history.step
	e.add(t)
	return t
}
