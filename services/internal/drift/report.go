package drift

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
)

const (
	noReference = monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE
	notEnough   = monitoringv1.DriftState_DRIFT_STATE_NOT_ENOUGH_DATA
	stable      = monitoringv1.DriftState_DRIFT_STATE_STABLE
	drifted     = monitoringv1.DriftState_DRIFT_STATE_DRIFTED
)

// Report compares the rows of the window with those of training. It has every row whose Add, or
// Flush, returned before; of rows that are counted meanwhile it may have some features and not
// yet others, so that shares are of what was counted of their feature. Model and version are
// those that the file names. The caller owns the message.
//
// The values of a feature decide about it alone, so a feature that is mostly missing needs as
// many rows with a value as the others need rows.
func (w *Window) Report() *monitoringv1.DriftReport {
	until := w.options.Now()
	now := w.stepOf(until)
	l, sum := w.layout, w.total(now)
	since := w.start.Add(time.Duration(max(now-steps+1, 0)) * w.step)
	out := &monitoringv1.DriftReport{
		Model:         l.model.GetName(),
		Version:       l.model.GetVersion(),
		State:         noReference,
		Rows:          sum.rows,
		RowsNeeded:    uint64(w.options.MinRows),
		ReferenceRows: uint64(l.reference.GetRows()),
		Since:         timestamppb.New(since),
		Until:         timestamppb.New(until),
		Window:        durationpb.New(w.options.Window),
	}
	if l.reference == nil {
		return out
	}
	for j, f := range l.model.GetSignature().GetFeatures() {
		out.Features = append(out.Features, l.feature(j, f, sum, out.GetRowsNeeded()))
	}
	out.Predictions = l.predictions(sum, out.GetRowsNeeded())
	out.State = worst(out)
	return out
}

// worst returns the worst that is said in a report. A feature that cannot be judged says nothing
// where others can.
func worst(r *monitoringv1.DriftReport) monitoringv1.DriftState {
	said := map[monitoringv1.DriftState]bool{r.GetPredictions().GetState(): true}
	for _, f := range r.GetFeatures() {
		said[f.GetState()] = true
	}
	if r.GetRows() < r.GetRowsNeeded() {
		return notEnough
	}
	for _, state := range []monitoringv1.DriftState{drifted, stable, notEnough} {
		if said[state] {
			return state
		}
	}
	return noReference
}

func (l *layout) feature(j int, f *modelv1.Feature, sum *totals, needed uint64) *monitoringv1.FeatureDrift {
	at := &l.features[j]
	cells := sum.cells[at.at : at.at+firstBin+at.bins]
	missing, outside, bins := cells[0], cells[1], cells[firstBin:]
	values := total(bins)
	out := &monitoringv1.FeatureDrift{
		Feature:         f.GetName(),
		MissingShare:    ratio(missing, missing+values),
		OutOfRangeShare: ratio(outside, values),
		Categories:      slices.Clone(f.GetCategorical().GetCategories()),
		Shares:          sharesOf(bins, values),
	}
	if at.profile == nil {
		out.State = noReference
		if out.Categories == nil {
			out.Shares = nil // of a single bin
		}
		return out
	}
	out.ReferenceMissingShare = at.profile.GetMissingShare()
	out.Edges = slices.Clone(at.profile.GetEdges())
	out.ReferenceShares = slices.Clone(at.profile.GetShares())
	out.Divergence = divergence(out.ReferenceShares, out.Shares, values, at.values, at.quantile)
	out.State = judge(out.Divergence, values, needed)
	return out
}

func (l *layout) predictions(sum *totals, needed uint64) *monitoringv1.PredictionDrift {
	counted := sum.cells[:l.classes]
	rows := total(counted)
	out := &monitoringv1.PredictionDrift{
		State:               noReference,
		Classes:             slices.Clone(l.model.GetClasses()),
		Shares:              sharesOf(counted, rows),
		LowConfidenceShare:  ratio(sum.unsure, sum.rows),
		ConfidenceThreshold: l.threshold,
	}
	if sum.rows > 0 {
		out.MeanConfidence = sum.confidence / float64(sum.rows)
		out.EstimatedAccuracy = proto.Float64(out.MeanConfidence)
	}
	if m := l.model.GetTraining().GetHoldOut(); m != nil {
		out.ReferenceAccuracy = proto.Float64(m.GetAccuracy())
	}
	if l.classesKnown {
		out.ReferenceShares = slices.Clone(l.reference.GetPredictedClassShares())
		out.ReferenceMeanConfidence = l.reference.GetMeanConfidence()
		out.Divergence = divergence(out.ReferenceShares, out.Shares, rows, float64(l.reference.GetRows()), l.classQuantile)
		out.State = judge(out.Divergence, rows, needed)
	}
	return out
}

// divergence compares shares of n values in the window with those of m in training; nil where
// there is no value.
func divergence(reference, shares []float64, n uint64, m, quantile float64) *monitoringv1.Divergence {
	if n == 0 {
		return nil
	}
	return &monitoringv1.Divergence{
		Psi:           psi(reference, shares),
		PsiCritical:   critical(reference, shares, float64(n), m, quantile),
		JensenShannon: jensenShannon(reference, shares),
	}
}

func judge(d *monitoringv1.Divergence, n, needed uint64) monitoringv1.DriftState {
	switch {
	case n < needed:
		return notEnough
	case d.GetPsi() > psiLimit && d.GetPsi() > d.GetPsiCritical():
		return drifted
	default:
		return stable
	}
}

func total(counted []uint64) uint64 {
	var sum uint64
	for _, n := range counted {
		sum += n
	}
	return sum
}

func ratio(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return min(float64(part)/float64(whole), 1) // the two are not read at the same moment
}

func sharesOf(counted []uint64, whole uint64) []float64 {
	shares := make([]float64, len(counted))
	for i, n := range counted {
		shares[i] = ratio(n, whole)
	}
	return shares
}
