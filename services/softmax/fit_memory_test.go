package softmax_test

import (
	"runtime"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// A copy of the rows would show. The sets are small beside those that Fit promises a fifth for, and
// what counts here is all that it ever allocates. Not parallel: the count is that of the process.
func TestFitReadsRowsWhereTheyLie(t *testing.T) {
	r := random(90)
	tall := noisy(t, r, 70_000, 24, 3, 2)
	wide := noisy(t, r, 9_000, 250, 4, 8)
	for name, data := range map[string]*table{"tall": &tall, "wide": &wide} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		result := data.fit(t, softmax.FitOptions{Tolerance: 1e-6, Workers: 2})
		runtime.ReadMemStats(&after)
		took, rows := after.TotalAlloc-before.TotalAlloc, uint64(8*len(data.samples.Rows))
		t.Logf("%s, %s: %d bytes of memory for %d of rows", name, result.Solver, took, rows)
		if took > rows*7/10 {
			t.Errorf("%s, %s: %d bytes of memory for %d of rows", name, result.Solver, took, rows)
		}
	}
}
