package stacks

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// goroutine names the goroutine that calls it.
func goroutine() string {
	var stack [64]byte
	name, _, _ := strings.Cut(string(stack[:runtime.Stack(stack[:], false)]), " [")
	return name
}

func TestWhoIsIdleWorksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var workers []string
		p := New(func(job int) {
			if job != len(workers) {
				t.Errorf("job %d, expected %d", job, len(workers))
			}
			workers = append(workers, goroutine())
		})
		defer p.Close()
		for job := range 3 {
			p.Go(job)
			synctest.Wait()
		}
		if workers[0] == goroutine() || workers[0] != workers[1] || workers[1] != workers[2] {
			t.Errorf("done by %q, expected one goroutine, and not %s", workers, goroutine())
		}
	})
}

func TestManyAtOnceAndTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const jobs = maxIdle + 10
		var begun, done sync.WaitGroup
		p := New(func(int) {
			begun.Done()
			begun.Wait() // all at once
			done.Done()
		})
		do := func(n int) {
			begun.Add(n)
			done.Add(n)
			for job := range n {
				p.Go(job)
			}
			done.Wait()
			synctest.Wait()
		}
		do(jobs)
		if n := len(p.idle); n != maxIdle {
			t.Errorf("%d goroutines wait, expected %d", n, maxIdle)
		}
		p.Close()
		do(1)
		if n := len(p.idle); n != 0 {
			t.Errorf("%d goroutines wait after the end", n)
		}
	})
}
