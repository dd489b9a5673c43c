package rpc

import (
	"net/http"

	"github.com/sepal-ml/sepal/services/internal/stacks"
)

// Grown runs HTTP/2 requests on goroutines whose stacks have grown: net/http begins a goroutine for
// each. Over HTTP/1.1 the goroutine is that of the connection, and keeps its stack. Close it when no
// request is served any more.
type Grown struct {
	next   http.Handler
	stacks *stacks.Pool[*grownRequest]
}

type grownRequest struct {
	w    http.ResponseWriter
	r    *http.Request
	done chan any // what the handler panicked with, or nil
}

// NewGrown returns a layer around the handler.
func NewGrown(next http.Handler) *Grown {
	return &Grown{next: next, stacks: stacks.New(func(r *grownRequest) { r.done <- r.serve(next) })}
}

// ServeHTTP lets a goroutine of its own serve the request, and waits for it. A panic passes.
func (g *Grown) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 2 {
		g.next.ServeHTTP(w, r)
		return
	}
	request := &grownRequest{w, r, make(chan any, 1)}
	g.stacks.Go(request)
	if panicked := <-request.done; panicked != nil {
		panic(panicked) // on to net/http, which knows what to do
	}
}

// Close ends the goroutines that wait, and those that work when they are done.
func (g *Grown) Close() { g.stacks.Close() }

func (r *grownRequest) serve(next http.Handler) (panicked any) {
	defer func() { panicked = recover() }()
	next.ServeHTTP(r.w, r.r)
	return nil
}
