package native

import (
	"fmt"
	"math"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

func checkReference(r *modelv1.ReferenceProfile, m *softmax.Model) error {
	if r == nil {
		return nil
	}
	if got, want := len(r.GetFeatures()), m.Signature().Len(); got != want {
		return refuse("reference.features", "has %d profiles, expected %d", got, want)
	}
	for i, p := range r.GetFeatures() {
		if err := checkProfile(fmt.Sprintf("reference.features[%d]", i), p, m.Signature().Feature(i)); err != nil {
			return err
		}
	}
	if err := checkShares("reference.predicted_class_shares", r.GetPredictedClassShares(), m.NumClasses()); err != nil {
		return err
	}
	return checkShare("reference.mean_confidence", r.GetMeanConfidence())
}

func checkProfile(field string, p *modelv1.FeatureProfile, f *softmax.Feature) error {
	if err := checkShare(field+".missing_share", p.GetMissingShare()); err != nil {
		return err
	}
	edges := p.GetEdges()
	bins := len(edges) + 1
	if f.Categorical() {
		if len(edges) > 0 {
			return refuse(field+".edges", "has %d values, expected none for a categorical feature", len(edges))
		}
		bins = len(f.Categories)
	}
	for j, edge := range edges {
		at := fmt.Sprintf("%s.edges[%d]", field, j)
		switch {
		case math.IsNaN(edge) || math.IsInf(edge, 0):
			return refuse(at, "%v is not a finite number", edge)
		case j > 0 && edge <= edges[j-1]:
			return refuse(at, "%v does not lie above the edge before it, %v", edge, edges[j-1])
		}
	}
	return checkShares(field+".shares", p.GetShares(), bins)
}

// checkShares refuses values that are not the shares of so many parts in a whole.
func checkShares(field string, shares []float64, parts int) error {
	const tolerance = 1e-6
	if len(shares) != parts {
		return refuse(field, "has %d values, expected %d", len(shares), parts)
	}
	var sum float64
	for i, share := range shares {
		if err := checkShare(fmt.Sprintf("%s[%d]", field, i), share); err != nil {
			return err
		}
		sum += share
	}
	if math.Abs(sum-1) > tolerance {
		return refuse(field, "has the sum %v, expected 1", sum)
	}
	return nil
}

// checkShare allows for the rounding of a share that was computed as a sum.
func checkShare(field string, share float64) error {
	const tolerance = 1e-9
	if !(share >= 0 && share <= 1+tolerance) {
		return refuse(field, "%v is not from 0 to 1", share)
	}
	return nil
}
