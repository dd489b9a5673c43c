package load

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Distribution is how a measured time is distributed. Quantiles are right to three digits, from a
// microsecond to a minute; longer times count as a minute in them.
type Distribution struct {
	histogram *hdrhistogram.Histogram
	sum       float64
	min, max  time.Duration
}

const (
	shortest = time.Microsecond
	longest  = time.Minute
	digits   = 3
)

func newDistribution() Distribution {
	return Distribution{histogram: hdrhistogram.New(int64(shortest), int64(longest), digits), min: math.MaxInt64}
}

func (d *Distribution) record(v time.Duration) {
	v = max(v, 0)
	d.sum += float64(v)
	d.min, d.max = min(d.min, v), max(d.max, v)
	_ = d.histogram.RecordValue(int64(min(v, longest))) // cannot be out of range
}

func (d *Distribution) merge(from *Distribution) {
	d.histogram.Merge(from.histogram)
	d.sum += from.sum
	d.min, d.max = min(d.min, from.min), max(d.max, from.max)
}

// Count returns how many times were measured.
func (d *Distribution) Count() uint64 { return uint64(d.histogram.TotalCount()) }

// Min returns the shortest time, or 0 if there is none.
func (d *Distribution) Min() time.Duration {
	if d.Count() == 0 {
		return 0
	}
	return d.min
}

// Max returns the longest time, or 0 if there is none.
func (d *Distribution) Max() time.Duration { return d.max }

// Mean returns the mean, or 0 if there are no times.
func (d *Distribution) Mean() time.Duration {
	if d.Count() == 0 {
		return 0
	}
	return time.Duration(d.sum / float64(d.Count()))
}

// Quantile returns the time that a share q of all times, 0 to 1, does not exceed, or 0 if there
// are none.
func (d *Distribution) Quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(q*float64(d.Count()) - 1e-6)) // 0.99 × 1000 may be a bit more than 990
	return d.ranked(max(rank, 1))
}

// ranked returns the time of a rank, 1 being the shortest, or 0 if there are not so many.
func (d *Distribution) ranked(rank uint64) time.Duration {
	n := d.Count()
	if n == 0 || rank > n {
		return 0
	}
	v := time.Duration(d.histogram.ValueAtPercentile(100 * float64(rank) / float64(n)))
	return min(max(v, d.Min()), d.max) // the histogram answers the end of a bucket
}
