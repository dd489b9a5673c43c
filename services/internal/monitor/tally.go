package monitor

import (
	"sync/atomic"

	"github.com/sepal-ml/sepal/services/internal/drift"
)

// ConfidenceBuckets is how many buckets confidences are counted in.
const ConfidenceBuckets = 10

// ConfidenceEdges returns the upper edges of the buckets, which belong to them.
func ConfidenceEdges() [ConfidenceBuckets]float64 {
	return [...]float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}
}

// confidenceScale is how many parts a confidence of 1 has. Whole parts are added at once and in any
// order; their sum has room for 10¹³ rows.
const confidenceScale = 1 << 20

// Tally counts the rows that one version answers as one variant. A nil one counts nothing.
type Tally struct {
	variant   string
	threshold float64
	window    *drift.Window

	classes    []atomic.Uint64
	confidence [ConfidenceBuckets]atomic.Uint64
	sum        atomic.Uint64 // of the confidences, in parts
	low        atomic.Uint64

	// What follows is guarded by the monitor's mu.

	used  int64   // the last step of time in which a row was counted, or it was new
	marks []*mark // what was counted up to the ends of the last steps, the oldest first
}

func newTally(e *entry, variant string, threshold float64) *Tally {
	return &Tally{
		variant:   variant,
		threshold: threshold,
		window:    e.window,
		classes:   make([]atomic.Uint64, len(e.classes)),
		marks:     []*mark{{classes: make([]uint64, len(e.classes))}},
	}
}

// Add counts a row that was answered, and reports whether the prediction is an unsure one. The
// values are as the model scored them; missing tells which of them were not given, nil for none.
// Neither is kept.
func (t *Tally) Add(values []float64, missing []bool, class int, confidence float64) (unsure bool) {
	if t == nil {
		return false
	}
	t.classes[class].Add(1)
	t.confidence[bucketOf(confidence)].Add(1)
	t.sum.Add(partsOf(confidence))
	if unsure = confidence < t.threshold; unsure {
		t.low.Add(1)
	}
	t.window.Add(values, missing, class, confidence)
	return unsure
}

// bucketOf returns the bucket of a confidence.
func bucketOf(confidence float64) int {
	edges := ConfidenceEdges()
	i := min(max(int(confidence*ConfidenceBuckets), 0), ConfidenceBuckets-1)
	// The product is rounded, and an edge belongs to the bucket below it.
	if below := max(i-1, 0); confidence <= edges[below] {
		return below
	}
	return i
}

func partsOf(confidence float64) uint64 { return uint64(int64(confidence*confidenceScale + 0.5)) }

// A Block counts rows of a tally for one goroutine, which is cheaper than [Tally.Add] for each of
// many. A nil one counts nothing.
type Block struct {
	tally      *Tally
	drift      *drift.Batch
	classes    []uint64
	confidence [ConfidenceBuckets]uint64
	sum        uint64
	low        uint64
}

// Block returns an empty block. What it counts is counted of the tally when it is flushed; one
// that is dropped leaves nothing behind.
func (t *Tally) Block() *Block {
	if t == nil {
		return nil
	}
	return &Block{tally: t, drift: t.window.Batch(), classes: make([]uint64, len(t.classes))}
}

// Add counts a row as [Tally.Add] does.
func (b *Block) Add(values []float64, missing []bool, class int, confidence float64) (unsure bool) {
	if b == nil {
		return false
	}
	b.drift.Add(values, missing, class, confidence)
	return b.addAnswer(class, confidence)
}

// AddRows counts rows as [Block.Add] does one by one, more cheaply: row-major ones of finite values, none
// missing, a million at most, with the class of each and its confidence. It returns the first that
// is unsure, or -1.
func (b *Block) AddRows(rows []float64, classes []int, confidences []float64) (unsure int) {
	unsure = -1
	if b == nil {
		return unsure
	}
	for i, class := range classes {
		if b.addAnswer(class, confidences[i]) && unsure < 0 {
			unsure = i
		}
	}
	b.drift.AddRows(rows, classes, confidences)
	return unsure
}

func (b *Block) addAnswer(class int, confidence float64) (unsure bool) {
	b.classes[class]++
	b.confidence[bucketOf(confidence)]++
	b.sum += partsOf(confidence)
	if unsure = confidence < b.tally.threshold; unsure {
		b.low++
	}
	return unsure
}

// Flush counts the rows of the tally. The block must not be used after that.
func (b *Block) Flush() {
	if b == nil {
		return
	}
	t := b.tally
	addTo(t.classes, b.classes)
	addTo(t.confidence[:], b.confidence[:])
	t.sum.Add(b.sum)
	t.low.Add(b.low)
	b.drift.Flush()
	*b = Block{}
}

func addTo(counts []atomic.Uint64, more []uint64) {
	for i, n := range more {
		if n > 0 {
			counts[i].Add(n)
		}
	}
}

// mark is what a tally has counted up to some moment. It is not changed.
type mark struct {
	rows, sum, low uint64
	classes        []uint64
}

// mark returns what was counted up to now: before, where that is the same.
func (t *Tally) mark(before *mark) *mark {
	var rows uint64
	for k := range t.classes {
		rows += t.classes[k].Load()
	}
	if rows == before.rows {
		return before
	}
	now := &mark{sum: t.sum.Load(), low: t.low.Load(), classes: make([]uint64, len(t.classes))}
	for k := range t.classes {
		now.classes[k] = t.classes[k].Load()
		now.rows += now.classes[k]
	}
	return now
}
