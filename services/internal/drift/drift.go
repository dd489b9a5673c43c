// Package drift says whether the rows that a model answers still look like those that it was
// trained on. A [Window] counts rows in the bins of the model's reference profile, which were
// frozen in training, and compares the shares of the last hour with the profile's: by the
// population stability index, which decides, and the Jensen-Shannon distance.
//
// No row is kept. A window takes 8 bytes per bin for each of its thirteen slots of time that has
// seen a row, and 4 per bin for each processor.
//
// A reference profile comes from a file, and the file from anywhere. What it says of a feature is
// not used where it cannot be so: edges that do not ascend or are not finite, shares that are not
// one per bin, from 0 to 1 and 1 in sum, no row with a value. The feature's state is then
// DRIFT_STATE_NO_REFERENCE, without a divergence, edges and reference shares; missing values and
// those out of range are counted all the same. The same holds of the shares of the predicted
// classes. A profile of no rows, or of another number of features than the signature has, is as
// none.
package drift

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

const (
	defaultWindow              = time.Hour
	defaultMinRows             = 200
	defaultConfidenceThreshold = 0.5

	// steps is how many slots of time a window has.
	steps = 12
	// maxShards bounds what a window takes on machines of many processors.
	maxShards = 16
)

// Options say how a window counts. The zero value of each field stands for its default.
type Options struct {
	// Window is how far back a report reaches at most; it slides in twelve steps, so a report
	// reaches back at least eleven twelfths of it once there is so much. Default: 1 h.
	Window time.Duration
	// MinRows is the number of rows that a report must have before it says anything. Default: 200.
	MinRows int
	// ConfidenceThreshold is the confidence below which a prediction counts as unsure, 0 to 1.
	// Default: 0.5.
	ConfidenceThreshold float64
	// Now tells the time. Any number of goroutines call it. Default: [time.Now].
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Window <= 0 {
		o.Window = defaultWindow
	}
	if o.MinRows <= 0 {
		o.MinRows = defaultMinRows
	}
	if o.ConfidenceThreshold == 0 {
		o.ConfidenceThreshold = defaultConfidenceThreshold
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Window counts the rows that one version of a model answers. Any number of goroutines may use
// one.
//
// Rows are counted in shards, one per processor, so that goroutines seldom meet. What a shard
// holds moves to the slot of its step of time when a later step begins, or a report asks. A slot
// that has left the window is never emptied: a new one takes its place, so no count is lost, or
// counted twice.
type Window struct {
	layout  *layout
	options Options
	start   time.Time
	step    time.Duration
	// ring holds the slots by step. The one place more than a window needs is that of the slot
	// which a step that begins during a report replaces.
	ring    [steps + 1]atomic.Pointer[slot]
	shards  []shard
	next    atomic.Uint32
	homes   sync.Pool // of *shard: the one that the processor used last
	batches sync.Pool // of *Batch
}

// NewWindow returns a window of a version, which begins now. It takes features, classes, names,
// the reference profile and the accuracy on the rows held out from the file, which may lack the
// latter two: without a profile the window counts predictions, and says of drift
// DRIFT_STATE_NO_REFERENCE.
func NewWindow(model *modelv1.Model, o Options) *Window {
	o = o.withDefaults()
	return &Window{
		layout:  newLayout(model, o.ConfidenceThreshold),
		options: o,
		start:   o.Now(),
		step:    max(o.Window/steps, 1),
		shards:  make([]shard, min(runtime.GOMAXPROCS(0), maxShards)),
	}
}

// Add counts a row that was answered: its values as the model scored them, in the order of the
// signature, a category as its position; which of them were missing, nil for none; the position of
// the predicted class, and its probability. It keeps neither slice, never waits for another
// goroutine, and allocates only on the first rows of a step of time.
//
// A row that cannot be the model's, by its length or its class, is not counted.
func (w *Window) Add(values []float64, missing []bool, class int, confidence float64) {
	now := w.now()
	if s := w.take(); s != nil {
		w.advance(s, now)
		s.counts.add(w.layout, values, missing, class, confidence)
		w.give(s)
		return
	}
	b := w.Batch()
	b.Add(values, missing, class, confidence)
	w.fold(&b.counts, now)
	w.batches.Put(b)
}

// now returns the number of the present step of time, from 0.
func (w *Window) now() int64 { return w.stepOf(w.options.Now()) }

func (w *Window) stepOf(t time.Time) int64 { return int64(max(t.Sub(w.start), 0) / w.step) }
