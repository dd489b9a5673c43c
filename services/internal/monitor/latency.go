package monitor

import (
	"math/bits"
	"sync/atomic"
	"time"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
)

const (
	// subBits is how many bits after the first one of a duration tell its bucket: each power of two
	// of nanoseconds has 16 buckets, and the middle of one is at most 3.1 % from what it holds.
	subBits    = 4
	subBuckets = 1 << subBits
	// maxBits is the length of the longest duration told apart, in nanoseconds: 18 minutes.
	maxBits = 40
	// latencyBuckets is how many there are: the durations below subBuckets, each its own, and then
	// subBuckets for each power of two.
	latencyBuckets = subBuckets + (maxBits-subBits)*subBuckets
)

// latencies are durations, counted in buckets.
type latencies struct {
	buckets [latencyBuckets]atomic.Uint32
	longest atomic.Int64
}

func (l *latencies) add(took time.Duration) {
	l.buckets[latencyBucket(took)].Add(1)
	for {
		longest := l.longest.Load()
		if int64(took) <= longest || l.longest.CompareAndSwap(longest, int64(took)) {
			return
		}
	}
}

// latencyBucket returns the bucket of a duration.
func latencyBucket(d time.Duration) int {
	ns := min(uint64(max(d, 0)), 1<<maxBits-1)
	if ns < subBuckets {
		return int(ns)
	}
	shift := bits.Len64(ns) - subBits - 1
	return shift*subBuckets + int(ns>>shift)
}

// middle returns the duration in the middle of a bucket, in nanoseconds.
func middle(bucket int) float64 {
	if bucket < 2*subBuckets {
		return float64(bucket)
	}
	shift := bucket/subBuckets - 1
	low := uint64(bucket-shift*subBuckets) << shift
	return float64(low) + float64(uint64(1)<<shift-1)/2
}

// message returns the percentiles; nil where nothing was counted.
func (l *latencies) message() *monitoringv1.Latency {
	var counts [latencyBuckets]uint64
	var total uint64
	for i := range counts {
		counts[i] = uint64(l.buckets[i].Load())
		total += counts[i]
	}
	if total == 0 {
		return nil
	}
	longest := float64(l.longest.Load())
	at := func(share float64) float64 {
		rank, seen := uint64(share*float64(total-1)), uint64(0) // of those that come before it
		for i, n := range counts {
			if seen += n; seen > rank {
				return min(middle(i), longest) / float64(time.Second)
			}
		}
		return longest / float64(time.Second)
	}
	return &monitoringv1.Latency{
		P50Seconds: at(0.5), P90Seconds: at(0.9), P99Seconds: at(0.99), MaxSeconds: longest / float64(time.Second),
	}
}
