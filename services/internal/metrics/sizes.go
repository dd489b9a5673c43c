package metrics

import (
	"math/bits"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// sizes are whole numbers, such as those of bytes, counted in buckets whose upper edges are powers
// of a power of two. Counting one takes two additions; Prometheus's own histograms take several
// times as long.
type sizes struct {
	shape   *shape
	buckets []atomic.Uint64 // one more than there are edges
	sum     atomic.Uint64
}

// shape is what sizes have in common that are counted for different RPCs. The upper edge of bucket
// i is 2^(first + i·step).
type shape struct {
	desc              *prometheus.Desc
	first, step, many int
}

func newShape(name, help string, first, step, many int) *shape {
	return &shape{desc: prometheus.NewDesc(name, help, []string{"rpc"}, nil), first: first, step: step, many: many}
}

func newSizes(s *shape) *sizes {
	return &sizes{shape: s, buckets: make([]atomic.Uint64, s.many+1)}
}

func (s *sizes) add(n int) {
	n = max(n, 0)
	power := bits.Len64(uint64(max(n-1, 0))) // the least one that is not smaller
	bucket := max(power-s.shape.first+s.shape.step-1, 0) / s.shape.step
	s.buckets[min(bucket, s.shape.many)].Add(1)
	s.sum.Add(uint64(n))
}

// collect sends the histogram, unless nothing was counted.
func (s *sizes) collect(to chan<- prometheus.Metric, rpc string) {
	var count uint64
	buckets := make(map[float64]uint64, s.shape.many)
	for i := range s.buckets {
		count += s.buckets[i].Load()
		if i < s.shape.many {
			buckets[float64(uint64(1)<<(s.shape.first+i*s.shape.step))] = count
		}
	}
	if count > 0 {
		to <- prometheus.MustNewConstHistogram(s.shape.desc, count, float64(s.sum.Load()), buckets, rpc)
	}
}
