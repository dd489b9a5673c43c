package trainer

import (
	"context"
	"fmt"
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// maxPathWeights bounds the weights of the models of a part of a path: 128 MiB.
const maxPathWeights = 1 << 24

// tuning is what the folds say of each C.
type tuning struct {
	cs       []float64   // ascending
	losses   [][]float64 // by C and fold
	accuracy [][]float64
}

// tune chooses C among those of the grid. Each fold is fitted along the path from the smallest C,
// each fit begun where the one before ended.
func (r *training) tune(ctx context.Context, p *plan) (float64, *modelv1.Tuning, error) {
	cs := slices.Sorted(slices.Values(r.options.Grid))
	k := len(p.folds)
	t := &tuning{cs: cs, losses: make([][]float64, len(cs)), accuracy: make([][]float64, len(cs))}
	for f := range k {
		train, held := p.fold(f)
		fitted, check := r.rows.split(train, held)
		at := Progress{Stage: Tuning, Fold: f + 1, Folds: k}
		if err := r.path(ctx, t, fitted, check, held, at); err != nil {
			return 0, nil, err
		}
	}
	best, report := t.report(k)
	return cs[best], report, nil
}

// path fits one fold for each C and scores it, in parts whose models fit into memory.
func (r *training) path(ctx context.Context, t *tuning, fitted, check softmax.Samples, held []int, at Progress) error {
	size := max(1, maxPathWeights/(r.table.Signature.Width()*len(r.table.Classes)))
	options := r.fitOptions(fitted, at)
	for i := 0; i < len(t.cs); i += size {
		fits, err := softmax.FitPath(ctx, r.table.Signature, r.table.Classes, fitted, t.cs[i:min(i+size, len(t.cs))], options)
		if err != nil {
			at.C = t.cs[i+len(fits)]
			return failed(ctx, at, err)
		}
		for j, fit := range fits {
			at.C = t.cs[i+j]
			s, err := r.score(ctx, fit.Model, check, held, at)
			if err != nil {
				return err
			}
			t.losses[i+j] = append(t.losses[i+j], s.logLoss())
			t.accuracy[i+j] = append(t.accuracy[i+j], s.accuracy())
		}
		options.Start = fits[len(fits)-1].Model
	}
	return nil
}

// report returns the position of the best C: of equals, the one that keeps the weights smallest.
func (t *tuning) report(folds int) (best int, report *modelv1.Tuning) {
	report = &modelv1.Tuning{Folds: uint32(folds)}
	for i, c := range t.cs {
		point := &modelv1.TuningPoint{RegularisationC: c}
		point.LogLossMean, point.LogLossSd = meanAndDeviation(t.losses[i])
		point.AccuracyMean, _ = meanAndDeviation(t.accuracy[i])
		report.Points = append(report.Points, point)
		if point.LogLossMean < report.Points[best].GetLogLossMean() {
			best = i
		}
	}
	return best, report
}

// edgeNotes says that the best C may lie beyond those tried.
func edgeNotes(best float64, points []*modelv1.TuningPoint) []string {
	switch n := len(points); {
	case n < 2:
		return nil
	case best == points[n-1].GetRegularisationC():
		return []string{fmt.Sprintf("C %.6g was chosen, the largest that was tried: a larger one may be better", best)}
	case best == points[0].GetRegularisationC():
		return []string{fmt.Sprintf("C %.6g was chosen, the smallest that was tried: a smaller one may be better", best)}
	default:
		return nil
	}
}
