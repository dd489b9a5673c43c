package drift

import (
	"sync"
	"sync/atomic"
)

// A slot holds the rows of one step of time.
type slot struct {
	step       int64
	rows       atomic.Uint64
	unsure     atomic.Uint64
	confidence atomic.Uint64
	cells      []atomic.Uint64
}

// A shard holds rows of one step of time until they move to its slot.
type shard struct {
	mu     sync.Mutex // tried, never waited for where rows are counted
	step   int64
	counts counts
	_      [48]byte // keeps the next one out of the cache lines of this
}

// take returns a shard, locked; nil where others hold them all.
func (w *Window) take() *shard {
	s, ok := w.homes.Get().(*shard)
	if !ok {
		s = &w.shards[int(w.next.Add(1))%len(w.shards)]
	}
	if s.mu.TryLock() {
		return s
	}
	for i := range w.shards {
		if s := &w.shards[i]; s.mu.TryLock() {
			return s
		}
	}
	return nil
}

// give gives a shard back.
func (w *Window) give(s *shard) {
	s.mu.Unlock()
	w.homes.Put(s)
}

// advance makes the shard, which the caller holds, one of the present step. A row that was stopped
// while a step ended counts in the next one.
func (w *Window) advance(s *shard, now int64) {
	if now > s.step || s.counts.rows >= maxCount {
		w.fold(&s.counts, s.step)
		s.step = max(now, s.step)
	}
	if s.counts.cells == nil {
		s.counts.cells = make([]uint32, w.layout.cells)
	}
}

// fold moves counts to the slot of a step; those of one that has left the window go.
func (w *Window) fold(c *counts, step int64) {
	if c.rows == 0 {
		return
	}
	if s := w.slot(step); s != nil {
		s.rows.Add(uint64(c.rows))
		s.unsure.Add(uint64(c.unsure))
		s.confidence.Add(c.confidence)
		for i, n := range c.cells {
			if n != 0 {
				s.cells[i].Add(uint64(n))
			}
		}
	}
	c.clear()
}

// slot returns the slot of a step; nil for one that has left the window.
func (w *Window) slot(step int64) *slot {
	place := &w.ring[step%int64(len(w.ring))]
	for {
		s := place.Load()
		switch {
		case s != nil && s.step == step:
			return s
		case s != nil && s.step > step:
			return nil
		}
		fresh := &slot{step: step, cells: make([]atomic.Uint64, w.layout.cells)}
		if place.CompareAndSwap(s, fresh) {
			return fresh
		}
	}
}

// total adds up the slots of the window whose last step is now, with what the shards hold.
func (w *Window) total(now int64) *totals {
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		w.fold(&s.counts, s.step)
		s.mu.Unlock()
	}
	sum := &totals{cells: make([]uint64, w.layout.cells)}
	for i := range w.ring {
		s := w.ring[i].Load()
		if s == nil || s.step > now || s.step <= now-steps {
			continue
		}
		sum.rows += s.rows.Load()
		sum.unsure += s.unsure.Load()
		sum.confidence += float64(s.confidence.Load()) / confidenceScale
		for i := range s.cells {
			sum.cells[i] += s.cells[i].Load()
		}
	}
	return sum
}
