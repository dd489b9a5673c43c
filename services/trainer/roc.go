package trainer

import (
	"cmp"
	"context"
	"slices"

	"github.com/sepal-ml/sepal/services/softmax"
)

// Curve is the ROC curve of one class against the rest, on the rows held out.
type Curve struct {
	// Class is the position of the class.
	Class int
	// Area is the area under the curve, 0 to 1; rows of equal probability count half.
	Area float64
	// Points go from (0, 0) to (1, 1), both ascending; of many, some that show the curve.
	Points []CurvePoint
}

// CurvePoint is the shares of the rows at and above some probability of the class.
type CurvePoint struct {
	// FalsePositives is the share of the rows of other classes, 0 to 1.
	FalsePositives float64
	// TruePositives is the share of the rows of the class, 0 to 1.
	TruePositives float64
}

const (
	// maxCurvePoints bounds the points of a curve.
	maxCurvePoints = 200
	// maxColumnValues bounds the probabilities that are kept at a time: 128 MiB. Of more, the
	// rows are predicted again for every few classes.
	maxColumnValues = 1 << 24
)

// rocCurves returns the curve of the second class of two, or of each of more. Nil where a class
// has no row, or all of them.
func rocCurves(ctx context.Context, m *softmax.Model, samples softmax.Samples) ([]Curve, error) {
	n, k := len(samples.Labels), m.NumClasses()
	if !allThere(samples.Labels, k) {
		return nil, nil
	}
	first := 0
	if k == 2 {
		first = 1
	}
	var curves []Curve
	most := max(1, maxColumnValues/n)
	for from := first; from < k; from += most {
		to := min(k, from+most)
		columns := make([]float64, (to-from)*n)
		err := predictAll(ctx, m, samples, func(row int, probabilities []float64, _ int) {
			for class := from; class < to; class++ {
				columns[(class-from)*n+row] = probabilities[class]
			}
		})
		if err != nil {
			return nil, err
		}
		for class := from; class < to; class++ {
			curves = append(curves, rocCurve(columns[(class-from)*n:(class-from+1)*n], samples.Labels, class))
		}
	}
	return curves, nil
}

// allThere reports whether every class has a row.
func allThere(labels []int, classes int) bool {
	seen, left := make([]bool, classes), classes
	for _, label := range labels {
		if !seen[label] {
			seen[label] = true
			left--
		}
	}
	return left == 0
}

// meanArea returns the mean of the areas under the curves; nil for no curves.
func meanArea(curves []Curve) *float64 {
	if len(curves) == 0 {
		return nil
	}
	var mean float64
	for _, c := range curves {
		mean += c.Area / float64(len(curves))
	}
	return &mean
}

// rocCurve orders the rows by their probability of the class, the most probable first.
func rocCurve(probabilities []float64, labels []int, class int) Curve {
	order := make([]int32, len(labels))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(probabilities[b], probabilities[a]) })
	var area, hits, misses float64
	points := []CurvePoint{{}}
	for i := 0; i < len(order); {
		threshold := probabilities[order[i]]
		var hit, miss float64 // of this probability
		for ; i < len(order) && probabilities[order[i]] == threshold; i++ {
			if labels[order[i]] == class {
				hit++
			} else {
				miss++
			}
		}
		area += miss * (hits + hit/2)
		hits, misses = hits+hit, misses+miss
		points = append(points, CurvePoint{FalsePositives: misses, TruePositives: hits})
	}
	for i := range points {
		points[i].FalsePositives /= misses
		points[i].TruePositives /= hits
	}
	return Curve{Class: class, Area: area / (hits * misses), Points: thinned(corners(points))}
}

// corners leaves out the points on a straight line between their neighbours.
func corners(points []CurvePoint) []CurvePoint {
	kept := points[:1]
	for i := 1; i < len(points)-1; i++ {
		a, b, c := kept[len(kept)-1], points[i], points[i+1]
		along := (b.FalsePositives - a.FalsePositives) * (c.TruePositives - a.TruePositives)
		across := (b.TruePositives - a.TruePositives) * (c.FalsePositives - a.FalsePositives)
		if along != across {
			kept = append(kept, b)
		}
	}
	return append(kept, points[len(points)-1])
}

// thinned leaves out all but evenly spaced ones of many points; the ends stay.
func thinned(points []CurvePoint) []CurvePoint {
	last := len(points) - 1
	if last < maxCurvePoints {
		return slices.Clone(points)
	}
	kept := make([]CurvePoint, maxCurvePoints)
	for i := range kept {
		kept[i] = points[i*last/(maxCurvePoints-1)]
	}
	return kept
}
