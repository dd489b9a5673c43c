package trainer

import (
	"context"
	"slices"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// plan says which rows serve what.
type plan struct {
	train, held []int   // of the hold-out; held is empty for none
	folds       [][]int // of the cross-validation, each ascending
	within      []int   // what the folds divide, ascending
}

// plan divides the rows. Where the folds choose C or the temperature, they leave the rows held
// out alone.
func (r *training) plan() (*plan, error) {
	t, o := r.table, &r.options
	p := new(plan)
	p.train, p.held = dataset.HoldOut(t.Labels, len(t.Classes), o.HoldOut, o.Seed)
	p.within = p.train
	if o.Grid == nil && !o.Calibrate {
		p.within = without(t.Len(), nil)
	}
	if o.Folds == 0 {
		return p, nil
	}
	labels := make([]int, len(p.within))
	for i, row := range p.within {
		labels[i] = t.Labels[row]
	}
	k, err := r.foldsFor(labels, len(p.held) > 0 && len(labels) < t.Len())
	if err != nil {
		return nil, err
	}
	p.folds = dataset.Folds(labels, len(t.Classes), k, o.Seed)
	for _, fold := range p.folds {
		for i, at := range fold {
			fold[i] = p.within[at]
		}
	}
	return p, nil
}

// foldsFor returns how many folds to make: as many as asked for, or as the smallest class has
// rows, so that every fold has rows of every class.
func (r *training) foldsFor(labels []int, apart bool) (int, error) {
	counts, asked := make([]int, len(r.table.Classes)), r.options.Folds
	for _, label := range labels {
		counts[label]++
	}
	smallest := slices.Min(counts)
	if smallest < 2 {
		class, among := r.table.Classes[slices.Index(counts, smallest)], ""
		if apart {
			among = " beside those held out"
		}
		return 0, refuse("Folds", "is %d, but class %q has a single row%s, and cross-validation needs two of each; add rows of it, or cross-validate with 0 folds",
			asked, class, among)
	}
	return min(asked, smallest), nil
}

// fold returns the rows to fit and those held out of fold f.
func (p *plan) fold(f int) (train, held []int) {
	held = p.folds[f]
	return difference(p.within, held), held
}

// holdOut fits without the rows held out, and scores them after dividing by the temperature.
func (r *training) holdOut(ctx context.Context, p *plan, c, temperature float64) (*modelv1.HoldOutMetrics, []Curve, error) {
	if len(p.held) == 0 {
		return nil, nil, nil
	}
	at := Progress{Stage: HoldOut}
	fitted, check := r.rows.split(p.train, p.held)
	fit, err := r.fit(ctx, fitted, c, at)
	if err != nil {
		return nil, nil, err
	}
	model, err := tempered(fit.Model, temperature)
	if err != nil {
		return nil, nil, failed(ctx, at, err)
	}
	s, err := r.score(ctx, model, check, p.held, at)
	if err != nil {
		return nil, nil, err
	}
	curves, err := rocCurves(ctx, model, check)
	if err != nil {
		return nil, nil, failed(ctx, at, err)
	}
	metrics := s.metrics()
	metrics.RocAuc = meanArea(curves)
	return metrics, curves, nil
}

// crossValidation fits without each fold, and scores it.
func (r *training) crossValidation(ctx context.Context, p *plan, c float64, heat *calibration) (*modelv1.CrossValidationMetrics, []uint32, error) {
	k := len(p.folds)
	if k == 0 {
		return nil, nil, nil
	}
	accuracies := make([]float64, k)
	confusion := make([]uint32, len(r.table.Classes)*len(r.table.Classes))
	metrics := &modelv1.CrossValidationMetrics{Folds: uint32(k)}
	for f := range k {
		train, held := p.fold(f)
		at := Progress{Stage: CrossValidation, Fold: f + 1, Folds: k}
		fitted, check := r.rows.split(train, held)
		fit, err := r.fit(ctx, fitted, c, at)
		if err != nil {
			return nil, nil, err
		}
		s, err := r.scoreWith(ctx, fit.Model, check, held, at, heat)
		if err != nil {
			return nil, nil, err
		}
		accuracies[f] = s.accuracy()
		metrics.LogLossMean += s.logLoss() / float64(k)
		for i, n := range s.confusion {
			confusion[i] += n
		}
	}
	metrics.AccuracyMean, metrics.AccuracySd = meanAndDeviation(accuracies)
	return metrics, confusion, nil
}

// score scores a model on samples, which are these rows of the table; nil: all.
func (r *training) score(ctx context.Context, m *softmax.Model, samples softmax.Samples, rows []int, at Progress) (*score, error) {
	return r.scoreWith(ctx, m, samples, rows, at, nil)
}

// scoreWith is score, which shows the rows to the calibration too, unless that is nil.
func (r *training) scoreWith(
	ctx context.Context, m *softmax.Model, samples softmax.Samples, rows []int, at Progress, heat *calibration,
) (*score, error) {
	s := newScore(m.NumClasses())
	err := predictAll(ctx, m, samples, func(row int, probabilities []float64, predicted int) {
		s.add(probabilities, predicted, samples.Labels[row])
		heat.add(probabilities, samples.Labels[row])
	})
	if err != nil {
		return nil, failed(ctx, at, describeRow(err, rows))
	}
	return s, nil
}

// without returns the numbers from 0 to n-1 but for those left out, which ascend.
func without(n int, out []int) []int {
	kept := make([]int, 0, n-len(out))
	for i := range n {
		if len(out) > 0 && out[0] == i {
			out = out[1:]
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

// difference returns the rows that are not left out; both ascend.
func difference(rows, out []int) []int {
	kept := make([]int, 0, len(rows)-len(out))
	for _, row := range rows {
		if len(out) > 0 && out[0] == row {
			out = out[1:]
			continue
		}
		kept = append(kept, row)
	}
	return kept
}
