package drift

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// rareCount is the expected number of values below which a bin is rare.
const rareCount = 20

// critical returns what the population stability index of n values in the window and m in
// training exceeds by chance alone once in a thousand windows. quantile is that of the chi-squared
// distribution for as many bins.
//
// That distribution times 1/n + 1/m is the index's own where each bin has many values. A rare bin
// adds far more by chance: if it is empty on one side, the logarithm is of a thousand or so. So
// for rare bins mean and variance are those of Poisson counts, and the whole is taken to be the
// gamma distribution of that mean and variance, of which the chi-squared one is a case.
func critical(reference, shares []float64, n, m, quantile float64) float64 {
	scale := 1/n + 1/m
	simple := quantile * scale
	degrees := float64(len(shares) - 1)
	mean, variance := scale*degrees, 2*scale*scale*degrees
	rare := false
	for i, q := range shares {
		share := (n*q + m*reference[i]) / (n + m)
		if share == 0 || min(n, m)*share >= rareCount {
			continue
		}
		rare = true
		first, second := rareTerm(momentsOf(n, share), momentsOf(m, share))
		mean += first - scale*(1-share)
		variance += second - first*first - 2*scale*scale*(1-share)
	}
	if !rare || !(mean > 0) || !(variance > 0) {
		return simple
	}
	return max(simple, distuv.Gamma{Alpha: mean * mean / variance, Beta: mean / variance}.Quantile(certainty))
}

// moments are those of a share q that is not 0 and of its logarithm: [i][j] is the mean of
// q^i·ln(q)^j.
type moments [3][3]float64

// momentsOf returns the moments of the share, which is counted in n values, of a bin.
func momentsOf(n, share float64) moments {
	var m moments
	expected := n * share
	if expected >= rareCount {
		m.add(1, share)
		return m
	}
	weight := math.Exp(-expected)
	for k := 0.0; k <= expected+6*math.Sqrt(expected)+10; k++ {
		m.add(weight, k/n)
		weight *= expected / (k + 1)
	}
	return m
}

func (m *moments) add(weight, share float64) {
	share = max(share, leastShare)
	log := math.Log(share)
	for i := range m {
		w := weight
		for j := range m[i] {
			m[i][j] += w
			w *= log
		}
		weight *= share
	}
}

// rareTerm returns the means of a bin's term (q - p)·ln(q/p) and of its square, for independent
// shares.
func rareTerm(p, q moments) (first, second float64) {
	first = q[1][1] - q[1][0]*p[0][1] - p[1][0]*q[0][1] + p[1][1]
	binomial := [3]float64{1, -2, 1}
	for i, a := range binomial {
		for j, b := range binomial {
			second += a * b * q[2-i][2-j] * p[i][j]
		}
	}
	return first, second
}
