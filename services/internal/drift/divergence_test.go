package drift_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/drift"
)

// TestDivergences holds the numbers against others' computation of them.
//
// PSI by NumPy 2: p and q as arrays, raised with np.maximum(·, 1e-4), np.sum((q-p)*np.log(q/p)).
// The distance by SciPy 1.17: scipy.spatial.distance.jensenshannon(p, q, base=2).
func TestDivergences(t *testing.T) {
	t.Parallel()
	tenths := slices.Repeat([]float64{0.1}, 10)
	for _, test := range []struct {
		p, q               []float64
		psi, jensenShannon float64
	}{
		{[]float64{0.5, 0.5}, []float64{0.5, 0.5}, 0, 0},
		{[]float64{0.5, 0.5}, []float64{0.25, 0.75}, 0.2746530721670274, 0.22089576884901735},
		{tenths, []float64{0.05, 0.05, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1}, 0.13862943611198905, 0.15656069041637852},
		{[]float64{1, 0}, []float64{0, 1}, 18.41883867587797, 1},
		{[]float64{0.7, 0.2, 0.1}, []float64{0.1, 0.2, 0.7}, 2.335092178866376, 0.6042751405116075},
		{[]float64{0.25, 0.25, 0.25, 0.25}, []float64{1, 0, 0, 0}, 6.90540806517888, 0.740806952380577},
		{[]float64{0.9999, 0.0001}, []float64{0.9, 0.1}, 0.7006002773849991, 0.22666054349874773},
	} {
		if got := drift.PSI(test.p, test.q); !near(got, test.psi, 1e-13) {
			t.Errorf("PSI of %v and %v is %v, expected %v", test.p, test.q, got, test.psi)
		}
		if got := drift.JensenShannon(test.p, test.q); !near(got, test.jensenShannon, 1e-13) {
			t.Errorf("Jensen-Shannon distance of %v and %v is %v, expected %v", test.p, test.q, got, test.jensenShannon)
		}
	}
}

func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*max(1, math.Abs(want))
}

func randomShares(random *rand.Rand, bins int) []float64 {
	shares := make([]float64, bins)
	var sum float64
	for i := range shares {
		if random.IntN(4) > 0 {
			shares[i] = random.ExpFloat64()
		}
		sum += shares[i]
	}
	if sum == 0 {
		shares[0], sum = 1, 1
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

func TestDivergencesAreSymmetric(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		bins := 1 + random.IntN(30)
		p, q := randomShares(random, bins), randomShares(random, bins)
		if a, b := drift.PSI(p, q), drift.PSI(q, p); !near(a, b, 1e-12) || a < 0 {
			t.Fatalf("PSI of %v and %v: %v one way, %v the other", p, q, a, b)
		}
		if a, b := drift.JensenShannon(p, q), drift.JensenShannon(q, p); !near(a, b, 1e-12) || !(a >= 0 && a <= 1) {
			t.Fatalf("distance of %v and %v: %v one way, %v the other", p, q, a, b)
		}
		if psi, js := drift.PSI(p, p), drift.JensenShannon(p, p); psi != 0 || js > 1e-7 {
			t.Fatalf("of %v and itself got %v and %v", p, psi, js)
		}
	}
}

// TestCriticalOfManyValues: scipy.stats.chi2.ppf(0.999, bins - 1) * (1/n + 1/m).
func TestCriticalOfManyValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		bins       int
		n, m, want float64
	}{
		{1, 1000, 1000, 0},
		{2, 1000, 1000, 0.021655132341325465},
		{3, 10000, 50000, 0.0016578612669557128},
		{40, 100000, 100000, 0.001441093259039756},
	} {
		shares := slices.Repeat([]float64{1 / float64(test.bins)}, test.bins)
		if got := drift.Critical(shares, shares, test.n, test.m, drift.Quantile(test.bins)); !near(got, test.want, 1e-12) {
			t.Errorf("of %+v got %v", test, got)
		}
	}
}

// TestRareMoments holds the moments of a rare bin against the sum over all pairs of counts.
func TestRareMoments(t *testing.T) {
	t.Parallel()
	poisson := func(k, mean float64) float64 {
		log, _ := math.Lgamma(k + 1)
		return math.Exp(k*math.Log(mean) - mean - log)
	}
	for _, test := range []struct{ n, m, share float64 }{{200, 150, 0.01}, {200, 150, 0.09}, {1000, 300, 0.0005}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			t.Parallel()
			var first, second float64
			for k := 0.0; k < 90; k++ {
				for l := 0.0; l < 90; l++ {
					term := drift.PSI([]float64{l / test.m}, []float64{k / test.n})
					weight := poisson(k, test.n*test.share) * poisson(l, test.m*test.share)
					first += weight * term
					second += weight * term * term
				}
			}
			mean, variance := drift.RareMoments(test.n, test.m, test.share)
			if !near(mean/first, 1, 1e-4) || !near(variance/(second-first*first), 1, 1e-3) {
				t.Errorf("got %v and %v, expected %v and %v", mean, variance, first, second-first*first)
			}
		})
	}
}
