package admission //nolint:testpackage // the line has no clock of its own, which only it shows

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// TestQueueKeepsItsPromises drives a line with a clock that the test turns, by chance.
func TestQueueKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		draw := rand.New(rand.NewPCG(seed, 0))
		var inFlight atomic.Int64
		q := queue{limit: 1 + draw.Int64N(20), most: 1 + draw.IntN(30), inFlight: &inFlight}
		var line, working []*waiter // as it should be
		now := time.Duration(0)
		granted := func() {
			for w := q.next(); w != nil; w = q.next() {
				if w != line[0] {
					t.Fatalf("seed %d: a request was let in before one that came first", seed)
				}
				select {
				case <-w.granted:
				default:
					t.Fatalf("seed %d: a request that was let in is not told", seed)
				}
				line, working = line[1:], append(working, w)
			}
		}
		for range 500 {
			now += time.Duration(draw.IntN(int(5 * time.Millisecond)))
			switch draw.IntN(4) {
			case 0, 1:
				weight, patient := 1+draw.Int64N(q.limit), draw.IntN(4) == 0
				maxWait := time.Duration(draw.IntN(int(100 * time.Millisecond)))
				if patient {
					maxWait = 0
				}
				deadline := now + time.Duration(draw.IntN(int(200*time.Millisecond)))
				expected := time.Duration(q.weight+weight) * q.pace
				w, verdict := q.offer(now, deadline, maxWait, weight, patient)
				switch {
				case expected > deadline-now || deadline <= now:
					if verdict != Late {
						t.Fatalf("seed %d: a request that waits %v and must be done in %v is %v", seed, expected, deadline-now, verdict)
					}
				case !patient && len(line) >= q.most, maxWait > 0 && expected > maxWait:
					if verdict != Overloaded {
						t.Fatalf("seed %d: a request is %v that waits %v behind %d others, of %d at most", seed, verdict, expected, len(line), q.most)
					}
				case verdict != Admitted:
					t.Fatalf("seed %d: a request that has time is %v", seed, verdict)
				}
				if verdict == Admitted {
					line = append(line, w)
				}
				granted()
			case 2:
				if len(working) > 0 {
					i := draw.IntN(len(working))
					inFlight.Add(-working[i].weight)
					q.released(now, working[i].weight)
					working = slices.Delete(working, i, i+1)
				}
				granted()
			default:
				if len(line) > 0 {
					i := draw.IntN(len(line))
					if !q.remove(line[i]) || q.remove(line[i]) {
						t.Fatalf("seed %d: a request that waits is not taken out once", seed)
					}
					line = slices.Delete(line, i, i+1)
				}
				granted()
			}
			var weight, waits int64
			for _, w := range working {
				weight += w.weight
			}
			for _, w := range line {
				waits += w.weight
			}
			if inFlight.Load() != weight || weight > q.limit {
				t.Fatalf("seed %d: %d is in flight and said to be %d, of %d at most", seed, weight, inFlight.Load(), q.limit)
			}
			if q.length != len(line) || q.weight != waits {
				t.Fatalf("seed %d: %d wait with a weight of %d, and are said to be %d with %d", seed, len(line), waits, q.length, q.weight)
			}
			if len(line) > 0 && weight+line[0].weight <= q.limit {
				t.Fatalf("seed %d: the first waits although there is room", seed)
			}
		}
	}
}
