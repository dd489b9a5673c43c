package drift

import "slices"

const (
	// confidenceScale is how many parts a confidence of 1 has: as whole numbers, they add up to
	// the same in any order.
	confidenceScale = 1 << 30
	// maxCount is far from what a counter of 32 bits holds, so that two so large can be added.
	maxCount = 1 << 30
)

// counts are rows that one goroutine counts.
type counts struct {
	cells        []uint32 // as the layout has them
	rows, unsure uint32
	confidence   uint64 // in parts
}

// totals are rows counted over a window.
type totals struct {
	cells        []uint64
	rows, unsure uint64
	confidence   float64
}

func (c *counts) add(l *layout, values []float64, missing []bool, class int, confidence float64) {
	if len(values) != len(l.features) || uint(class) >= uint(l.classes) || missing != nil && len(missing) != len(values) {
		return
	}
	c.addAnswer(l, class, confidence)
	for j, v := range values {
		f := &l.features[j]
		if missing != nil && missing[j] {
			c.cells[f.at]++
			continue
		}
		c.cells[f.at+f.bin(v)]++
		if v < f.least || v > f.most {
			c.cells[f.at+1]++
		}
	}
}

func (c *counts) addAnswer(l *layout, class int, confidence float64) {
	if !(confidence >= 0) { // true of NaN
		confidence = 0
	}
	confidence = min(confidence, 1)
	c.rows++
	if confidence < l.threshold {
		c.unsure++
	}
	c.confidence += uint64(int64(confidence*confidenceScale + 0.5))
	c.cells[class]++
}

// merge moves the counts of another to these.
func (c *counts) merge(from *counts) {
	c.rows += from.rows
	c.unsure += from.unsure
	c.confidence += from.confidence
	cells := c.cells[:len(from.cells)]
	for i, n := range from.cells {
		cells[i] += n
	}
	from.clear()
}

func (c *counts) clear() {
	clear(c.cells)
	c.rows, c.unsure, c.confidence = 0, 0, 0
}

// A Batch counts rows of a window for one goroutine, which is cheaper than [Window.Add] for each
// of many.
type Batch struct {
	window *Window
	counts counts
}

// Batch returns an empty batch of the window. What it counts is in no report before
// [Batch.Flush]; a batch that is dropped leaves nothing behind.
func (w *Window) Batch() *Batch {
	if b, ok := w.batches.Get().(*Batch); ok {
		return b
	}
	return &Batch{window: w, counts: counts{cells: make([]uint32, w.layout.cells)}}
}

// Add counts a row as [Window.Add] does. One goroutine at a time may call it.
func (b *Batch) Add(values []float64, missing []bool, class int, confidence float64) {
	if b.counts.rows >= maxCount {
		b.window.merge(&b.counts)
	}
	b.counts.add(b.window.layout, values, missing, class, confidence)
}

// AddRows counts rows as [Batch.Add] does one by one, more cheaply: row-major ones of finite values, none
// missing, with the class of each and its confidence. No more than a million may be added at once.
func (b *Batch) AddRows(rows []float64, classes []int, confidences []float64) {
	l := b.window.layout
	columns := len(l.features)
	beyond := func(class int) bool { return uint(class) >= uint(l.classes) }
	if len(rows) != len(classes)*columns || len(confidences) != len(classes) || slices.ContainsFunc(classes, beyond) {
		return
	}
	if b.counts.rows >= maxCount {
		b.window.merge(&b.counts)
	}
	for i, class := range classes {
		b.counts.addAnswer(l, class, confidences[i])
	}
	for j := range l.features {
		if len(rows) > 0 {
			l.features[j].countColumn(b.counts.cells, rows[j:], columns)
		}
	}
}

// Flush adds the rows to the window, as of now. The batch must not be used after that: another
// goroutine may get it.
func (b *Batch) Flush() {
	w := b.window
	w.merge(&b.counts)
	w.batches.Put(b)
}

// merge moves counts to the window.
func (w *Window) merge(c *counts) {
	if c.rows == 0 {
		return
	}
	now := w.now()
	s := w.take()
	if s == nil {
		w.fold(c, now)
		return
	}
	w.advance(s, now)
	s.counts.merge(c)
	w.give(s)
}
