package compare

import (
	"math"
	"slices"
)

// Summary is what the rounds say about two of the contestants.
type Summary struct {
	// A and B are the medians of their figures.
	A, B float64
	// Ratio is the median of the rounds' ratios A ÷ B; Low and High are the least and the
	// largest of them.
	Ratio, Low, High float64
}

// Summarise compares the figures of contestants a and b in all rounds.
func Summarise(rounds [][]Cost, a, b int, figure func(Cost) float64) Summary {
	var as, bs, ratios []float64
	for _, costs := range rounds {
		of, to := figure(costs[a]), figure(costs[b])
		as, bs, ratios = append(as, of), append(bs, to), append(ratios, of/to)
	}
	return Summary{A: Median(as), B: Median(bs), Ratio: Median(ratios), Low: slices.Min(ratios), High: slices.Max(ratios)}
}

// Median returns the middle of the values, or the mean of the two in the middle. Of no values it
// is NaN.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}
