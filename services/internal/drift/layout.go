package drift

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

// layout says where a window counts what: first the predicted classes, then of each feature the
// missing values, those out of range, and the bins.
type layout struct {
	model    *modelv1.Model
	features []feature
	// reference is nil where the file has none of use.
	reference *modelv1.ReferenceProfile
	classes   int
	cells     int
	threshold float64
	// classQuantile is as feature.quantile. classesKnown tells whether the profile has shares of
	// the predicted classes that can be.
	classQuantile float64
	classesKnown  bool
}

// firstBin is the place of a feature's first bin behind the other two cells.
const firstBin = 2

type feature struct {
	// edges are the inner edges of the bins, padded with infinities to a power of two of values;
	// nil for a categorical feature, and for one bin.
	edges       []float64
	grid        *grid   // of the edges, nil where they lie too close
	least, most float64 // the range; infinite where it is not known
	at          int     // the place of the first cell
	bins        int
	// profile is nil where the file has none of use.
	profile *modelv1.FeatureProfile
	values  float64 // the number of values that the profile counted
	// quantile is the 99.9th percentile of the chi-squared distribution for so many bins.
	quantile float64
}

// bin returns the place of a value's bin behind the feature's first cell.
func (f *feature) bin(v float64) int {
	at := 0
	if f.edges == nil && f.bins > 1 {
		at = int(v)
	}
	for half := len(f.edges) / 2; half > 0; half /= 2 {
		at += half * notBelow(v, f.edges[at+half-1])
	}
	return firstBin + max(min(at, f.bins-1), 0)
}

// notBelow returns 1 where v is at least the edge, else 0. The compiler makes no branch of it,
// where one would be taken as often as not and never be foretold.
func notBelow(v, edge float64) int {
	if v >= edge {
		return 1
	}
	return 0
}

func newLayout(model *modelv1.Model, threshold float64) *layout {
	l := &layout{
		model: model, threshold: threshold,
		features:  make([]feature, len(model.GetSignature().GetFeatures())),
		reference: model.GetReference(),
		classes:   len(model.GetClasses()),
	}
	if l.reference.GetRows() == 0 || len(l.reference.GetFeatures()) != len(l.features) {
		l.reference = nil
	}
	quantiles := make(quantiles)
	l.classesKnown = l.reference != nil && wholeShares(l.reference.GetPredictedClassShares(), l.classes) &&
		isShare(l.reference.GetMeanConfidence())
	l.classQuantile = quantiles.of(l.classes)
	l.cells = l.classes
	for j, f := range model.GetSignature().GetFeatures() {
		var profile *modelv1.FeatureProfile
		if l.reference != nil {
			profile = l.reference.GetFeatures()[j]
		}
		l.features[j] = newFeature(f, profile, l.reference.GetRows())
		l.features[j].at = l.cells
		l.features[j].quantile = quantiles.of(l.features[j].bins)
		l.cells += firstBin + l.features[j].bins
	}
	return l
}

func newFeature(f *modelv1.Feature, profile *modelv1.FeatureProfile, rows uint32) feature {
	out := feature{least: math.Inf(-1), most: math.Inf(1), bins: 1}
	categories := len(f.GetCategorical().GetCategories())
	if categories > 0 {
		out.bins = categories
	} else if n := f.GetNumeric(); n != nil {
		if n.Min != nil {
			out.least = n.GetMin()
		}
		if n.Max != nil {
			out.most = n.GetMax()
		}
	}
	out.values = math.Round(float64(rows) * (1 - profile.GetMissingShare()))
	if !usable(profile, categories) || out.values < 1 {
		return out
	}
	out.profile = profile
	if categories == 0 {
		out.bins = len(profile.GetEdges()) + 1
		out.edges = padded(profile.GetEdges())
		out.grid = newGrid(profile.GetEdges())
	}
	return out
}

// usable reports whether a profile can be that of a feature with so many categories; 0 is a
// numeric one.
func usable(p *modelv1.FeatureProfile, categories int) bool {
	edges := p.GetEdges()
	bins := len(edges) + 1
	if categories > 0 {
		if len(edges) > 0 {
			return false
		}
		bins = categories
	}
	for i, edge := range edges {
		if edge-edge != 0 || i > 0 && edge <= edges[i-1] {
			return false
		}
	}
	return isShare(p.GetMissingShare()) && wholeShares(p.GetShares(), bins)
}

// wholeShares reports whether these are the shares of so many parts in a whole, but for rounding.
func wholeShares(shares []float64, parts int) bool {
	var sum float64
	for _, share := range shares {
		if !isShare(share) {
			return false
		}
		sum += share
	}
	return len(shares) == parts && math.Abs(sum-1) <= 1e-6
}

func isShare(share float64) bool { return share >= 0 && share <= 1+1e-9 }

// padded returns the edges with infinities behind them: at least one, and a power of two in all.
func padded(edges []float64) []float64 {
	if len(edges) == 0 {
		return nil
	}
	n := 2
	for n <= len(edges) {
		n *= 2
	}
	out := make([]float64, n)
	for i := copy(out, edges); i < n; i++ {
		out[i] = math.Inf(1)
	}
	return out
}

// quantiles are the 99.9th percentiles of the chi-squared distribution, by the number of bins.
type quantiles map[int]float64

func (q quantiles) of(bins int) float64 {
	if bins < 2 {
		return 0
	}
	quantile, known := q[bins]
	if !known {
		quantile = distuv.ChiSquared{K: float64(bins - 1)}.Quantile(certainty)
		q[bins] = quantile
	}
	return quantile
}
