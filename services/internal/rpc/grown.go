package rpc

import (
	"net/http"
	"sync"
)

// idleStacks is how many goroutines wait for requests at most, with a stack of some kilobytes each.
const idleStacks = 256

// Grown runs HTTP/2 requests on goroutines whose stacks have grown. net/http begins a goroutine for
// each, and a call through Connect and the layers is so deep that its stack is copied twice: more
// work than all layers together. Over HTTP/1.1 the goroutine is that of the connection, and keeps
// its stack. Close it when no request is served any more.
type Grown struct {
	next http.Handler

	mu     sync.Mutex
	idle   []*grownWorker // the one that worked last is the first to work again
	closed bool
}

// NewGrown returns a layer around the handler.
func NewGrown(next http.Handler) *Grown { return &Grown{next: next} }

type grownWorker struct {
	requests chan grownRequest
	done     chan any // what the handler panicked with, or nil
}

type grownRequest struct {
	w http.ResponseWriter
	r *http.Request
}

// ServeHTTP lets a goroutine of its own serve the request, and waits for it. A panic passes.
func (g *Grown) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 2 {
		g.next.ServeHTTP(w, r)
		return
	}
	worker := g.take()
	worker.requests <- grownRequest{w, r}
	panicked := <-worker.done
	g.put(worker)
	if panicked != nil {
		panic(panicked) // on to net/http, which knows what to do
	}
}

func (g *Grown) take() *grownWorker {
	g.mu.Lock()
	defer g.mu.Unlock()
	if last := len(g.idle) - 1; last >= 0 {
		worker := g.idle[last]
		g.idle = g.idle[:last]
		return worker
	}
	worker := &grownWorker{requests: make(chan grownRequest), done: make(chan any)}
	go worker.work(g.next)
	return worker
}

func (g *Grown) put(worker *grownWorker) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.idle) == idleStacks {
		close(worker.requests)
		return
	}
	g.idle = append(g.idle, worker)
}

// Close ends the goroutines that wait, and those that work when they are done.
func (g *Grown) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, worker := range g.idle {
		close(worker.requests)
	}
	g.idle = nil
}

func (w *grownWorker) work(next http.Handler) {
	for request := range w.requests {
		w.done <- request.serve(next)
	}
}

func (r grownRequest) serve(next http.Handler) (panicked any) {
	defer func() { panicked = recover() }()
	next.ServeHTTP(r.w, r.r)
	return nil
}
