package h2

import "sync"

// idleWorkers is how many goroutines wait for requests at most, with a stack of some kilobytes each.
const idleWorkers = 256

// workers are goroutines that run handlers and keep the stacks that these have grown. A call
// through Connect is so deep that the stack of a new goroutine would be copied twice, which costs
// more than all else of it.
type workers struct {
	mu     sync.Mutex
	idle   []chan *stream // who worked last is the first to work again
	closed bool
}

// run lets a goroutine run the handler of a stream.
func (w *workers) run(st *stream) {
	w.mu.Lock()
	if last := len(w.idle) - 1; last >= 0 {
		worker := w.idle[last]
		w.idle = w.idle[:last]
		w.mu.Unlock()
		worker <- st
		return
	}
	w.mu.Unlock()
	go w.work(st)
}

func (w *workers) work(st *stream) {
	next := make(chan *stream)
	for {
		st.run()
		if !w.wait(next) {
			return
		}
		if st = <-next; st == nil {
			return
		}
	}
}

// wait makes a goroutine one of those that are idle, and reports whether there is room for it.
func (w *workers) wait(worker chan *stream) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.idle) == idleWorkers {
		return false
	}
	w.idle = append(w.idle, worker)
	return true
}

// close ends the goroutines that wait, and those that work when they are done.
func (w *workers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, worker := range w.idle {
		close(worker)
	}
	w.idle = nil
}
