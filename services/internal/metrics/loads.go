package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Loads times how versions are loaded.
type Loads struct{ seconds prometheus.Histogram }

// NewLoads returns one that has timed nothing.
func NewLoads() *Loads {
	return &Loads{prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:                            "sepal_model_load_duration_seconds",
		Help:                            "Time to read, decode and check a version.",
		Buckets:                         []float64{50e-6, 200e-6, 1e-3, 5e-3, 25e-3, 0.1, 0.5, 2.5, 10, 60},
		NativeHistogramBucketFactor:     nativeFactor,
		NativeHistogramMaxBucketNumber:  nativeMaxBuckets,
		NativeHistogramMinResetDuration: nativeMinReset,
	})}
}

// Add counts a version that took so long.
func (l *Loads) Add(took time.Duration) { l.seconds.Observe(took.Seconds()) }
