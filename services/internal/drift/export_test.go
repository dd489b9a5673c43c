package drift

// What the tests of the numbers need.
var (
	PSI           = psi
	JensenShannon = jensenShannon
	Critical      = critical
)

// Quantile returns the 99.9th percentile of the chi-squared distribution for so many bins.
func Quantile(bins int) float64 { return quantiles{}.of(bins) }

// RareMoments returns mean and variance of a rare bin's term of the index.
func RareMoments(n, m, share float64) (mean, variance float64) {
	first, second := rareTerm(momentsOf(m, share), momentsOf(n, share))
	return first, second - first*first
}

// HoldShards keeps every shard from those who count, until the function returned is called.
func (w *Window) HoldShards() (release func()) {
	for i := range w.shards {
		w.shards[i].mu.Lock()
	}
	return func() {
		for i := range w.shards {
			w.shards[i].mu.Unlock()
		}
	}
}
