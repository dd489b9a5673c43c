// Package stacks does jobs on goroutines that keep the stacks they have grown. A call through Connect
// and the layers is so deep that the stack of a new goroutine is copied twice, which costs more than
// all else of it.
package stacks

import "sync"

// maxIdle is how many goroutines of a pool wait for jobs at most, with a stack of some kilobytes each.
const maxIdle = 256

// Pool is goroutines for jobs of one kind. Make it with [New].
type Pool[Job any] struct {
	do func(Job)

	mu     sync.Mutex
	idle   []chan Job // who worked last is the first to work again
	closed bool
}

// New returns a pool of goroutines that do jobs.
func New[Job any](do func(Job)) *Pool[Job] { return &Pool[Job]{do: do} }

// Go does a job on a goroutine of the pool, a new one where none waits. After Close too.
func (p *Pool[Job]) Go(job Job) {
	p.mu.Lock()
	if last := len(p.idle) - 1; last >= 0 {
		worker := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		worker <- job
		return
	}
	p.mu.Unlock()
	go p.work(job)
}

func (p *Pool[Job]) work(job Job) {
	next := make(chan Job)
	for open := true; open; {
		p.do(job)
		if !p.wait(next) {
			return
		}
		job, open = <-next
	}
}

// wait makes a goroutine one of those that are idle, and reports whether there is room for it.
func (p *Pool[Job]) wait(worker chan Job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) == maxIdle {
		return false
	}
	p.idle = append(p.idle, worker)
	return true
}

// Close ends the goroutines that wait, and those that work when they are done.
func (p *Pool[Job]) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, worker := range p.idle {
		close(worker)
	}
	p.idle = nil
}
