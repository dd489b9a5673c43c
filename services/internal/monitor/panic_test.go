package monitor_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// TestPanicOfTheTimer is told, harms no request, and does not end counting.
func TestPanicOfTheTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		var mu sync.Mutex // each turn of the timer is a goroutine of its own
		var told []any
		m := monitor.New(monitor.Options{
			Current: func() *registry.Registry {
				if broken.Load() {
					panic("no snapshot")
				}
				return new(registry.Registry)
			},
			Panicked: func(p *crash.PanicError) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, p.Value)
			},
		})
		ask := func() {
			m.Requests().Begin()
			m.Requests().End(monitor.Answered, true, time.Millisecond)
		}
		ask()
		broken.Store(true)
		time.Sleep(2*step + time.Second)
		ask()
		broken.Store(false)
		time.Sleep(step)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(told) != 2 || told[0] != "no snapshot" {
			t.Errorf("told of %v, expected two of the same", told)
		}
		var requests uint64
		for _, p := range m.Activity("").GetPoints() {
			requests += p.GetRequests()
		}
		if requests != 2 {
			t.Errorf("%d requests are counted, expected 2", requests)
		}
	})
}
