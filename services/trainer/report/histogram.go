package report

import (
	"fmt"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// histogram is the profile of one feature: of a number, the density over its range, so that areas
// are shares; of a category, its share.
type histogram struct {
	Name, Low, High, Missing string
	Rects                    []rect
	Bars                     *bars // of categories, in place of Rects
}

const (
	histogramWidth, histogramHeight = 260, 90
	maxCategories                   = 12
)

func newHistogram(f *softmax.Feature, p *modelv1.FeatureProfile) *histogram {
	out := &histogram{Name: f.Name}
	if f.Unit != "" {
		out.Name += ", " + f.Unit
	}
	if p.GetMissingShare() > 0 {
		out.Missing = percent(p.GetMissingShare()) + " missing"
	}
	if f.Categorical() {
		out.Bars = categoryBars(f, p)
		return out
	}
	edges := bounds(f, p.GetEdges())
	out.Low, out.High = number(edges[0]), number(edges[len(edges)-1])
	span := edges[len(edges)-1] - edges[0]
	if span <= 0 {
		out.Rects = []rect{{X: histogramWidth/2 - 3, Y: 0, Width: 6, Height: histogramHeight, Title: "all are " + out.Low}}
		return out
	}
	densities, densest := make([]float64, len(p.GetShares())), 0.0
	for i, share := range p.GetShares() {
		// A bin that is a single value is drawn as wide as can be seen.
		densities[i] = share / max(edges[i+1]-edges[i], span/histogramWidth)
		densest = max(densest, densities[i])
	}
	for i, share := range p.GetShares() {
		height := densities[i] / densest * histogramHeight
		out.Rects = append(out.Rects, rect{
			X: (edges[i] - edges[0]) / span * histogramWidth, Y: histogramHeight - height,
			Width: max(1, (edges[i+1]-edges[i])/span*histogramWidth-1), Height: height,
			Title: fmt.Sprintf("%s to %s: %s", number(edges[i]), number(edges[i+1]), percent(share)),
		})
	}
	return out
}

// bounds adds the ends to the inner edges: the range of the feature, where it is known.
func bounds(f *softmax.Feature, inner []float64) []float64 {
	var low, high float64
	switch {
	case f.Range != nil:
		low, high = f.Range.Min, f.Range.Max
	case len(inner) > 0:
		low, high = inner[0], inner[len(inner)-1]
	}
	edges := append([]float64{low}, inner...)
	return append(edges, high)
}

func categoryBars(f *softmax.Feature, p *modelv1.FeatureProfile) *bars {
	shown := min(len(f.Categories), maxCategories)
	texts := make([]string, shown)
	for i := range texts {
		texts[i] = percent(p.GetShares()[i])
	}
	out := newBars("Categories of "+f.Name, "Share of the rows of each category.", f.Categories, texts, p.GetShares()[:shown])
	out.More = len(f.Categories) - shown
	return out
}
