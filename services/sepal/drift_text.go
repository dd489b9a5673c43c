package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
)

// write writes the report in the form asked for.
func (c *driftCmd) write(out io.Writer, report *monitoringv1.DriftReport) error {
	if c.JSON {
		return writeJSON(out, report)
	}
	return writeCells(out, func(t *textTable) { t.drift(report) })
}

// drift writes a report.
func (t *textTable) drift(r *monitoringv1.DriftReport) {
	t.line("model\t%s %s", printable(r.GetModel()), printable(r.GetVersion()))
	t.line("state\t%s", driftSummary(r))
	if parts := goneMissing(r); len(parts) > 0 {
		t.line("missing\t%s", strings.Join(parts, ", "))
	}
	t.line("rows\t%s", driftRows(r))
	if len(r.GetFeatures()) == 0 && r.GetPredictions() == nil {
		return
	}
	t.line("")
	t.line("feature\tstate\tPSI\t\tcritical\tJS\tmissing\tout of range")
	for _, f := range r.GetFeatures() {
		missing := percent(f.GetMissingShare())
		if f.GetState() != monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE {
			missing += " (" + percent(f.GetReferenceMissingShare()) + ")"
		}
		outside := percent(f.GetOutOfRangeShare())
		if len(f.GetCategories()) > 0 {
			outside = ""
		}
		t.divergence(printable(f.GetFeature()), f.GetState(), f.GetDivergence(), missing+"\t"+outside)
	}
	t.divergence("(predictions)", r.GetPredictions().GetState(), r.GetPredictions().GetDivergence(), "\t")
	t.line("")
	t.predictionDrift(r)
}

func (t *textTable) divergence(name string, state monitoringv1.DriftState, d *monitoringv1.Divergence, rest string) {
	if d == nil {
		t.line("%s\t%s\t-\t\t-\t-\t%s", name, driftStateText(state), rest)
		return
	}
	t.line("%s\t%s\t%.4f\t%s\t%.4f\t%.4f\t%s", name, driftStateText(state),
		d.GetPsi(), psiBar(d.GetPsi()), d.GetPsiCritical(), d.GetJensenShannon(), rest)
}

// predictionDrift writes how the predictions compare.
func (t *textTable) predictionDrift(r *monitoringv1.DriftReport) {
	p := r.GetPredictions()
	if p == nil || r.GetRows() == 0 {
		return
	}
	confidence := fmt.Sprintf("confidence\t%.4f on average", p.GetMeanConfidence())
	if len(p.GetReferenceShares()) > 0 {
		confidence += fmt.Sprintf(" (%.4f)", p.GetReferenceMeanConfidence())
	}
	t.line("%s, below %g for %s of the rows", confidence, p.GetConfidenceThreshold(), percent(p.GetLowConfidenceShare()))
	if p.EstimatedAccuracy != nil {
		accuracy := fmt.Sprintf("%.4f estimated from it", p.GetEstimatedAccuracy())
		if p.ReferenceAccuracy != nil {
			accuracy += fmt.Sprintf(" (%.4f on the rows held out in training)", p.GetReferenceAccuracy())
		}
		t.line("accuracy\t%s", accuracy)
	}
	t.line("")
	t.line("class\tpredicted")
	for k, class := range p.GetClasses() {
		share, reference := "", ""
		if k < len(p.GetShares()) {
			share = percent(p.GetShares()[k])
		}
		if k < len(p.GetReferenceShares()) {
			reference = " (" + percent(p.GetReferenceShares()[k]) + ")"
		}
		t.line("%s\t%s%s", printable(class), share, reference)
	}
}

// driftSummary says what the report comes to.
func driftSummary(r *monitoringv1.DriftReport) string {
	text := driftStateText(r.GetState())
	switch r.GetState() {
	case monitoringv1.DriftState_DRIFT_STATE_DRIFTED:
		return text + ": " + strings.Join(driftedParts(r), ", ")
	case monitoringv1.DriftState_DRIFT_STATE_NOT_ENOUGH_DATA:
		return fmt.Sprintf("%s: %d rows, %d needed", text, r.GetRows(), r.GetRowsNeeded())
	case monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE:
		return text + ": the model file has no reference profile, so nothing can be said of drift"
	default:
		return text
	}
}

func driftStateText(state monitoringv1.DriftState) string {
	switch state {
	case monitoringv1.DriftState_DRIFT_STATE_NOT_ENOUGH_DATA:
		return "not enough data"
	case monitoringv1.DriftState_DRIFT_STATE_STABLE:
		return "stable"
	case monitoringv1.DriftState_DRIFT_STATE_DRIFTED:
		return "drifted"
	case monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE:
		return "no reference"
	default:
		return "unknown"
	}
}

// driftRows says how many rows are compared, of when.
func driftRows(r *monitoringv1.DriftReport) string {
	text := strconv.FormatUint(r.GetRows(), 10)
	if r.GetSince() != nil {
		text += fmt.Sprintf(" since %s UTC", moment(r.GetSince()))
	}
	if r.GetReferenceRows() > 0 {
		text += fmt.Sprintf(", %d in training", r.GetReferenceRows())
	}
	return text
}

// psiBar draws a population stability index: half its length is what matters.
func psiBar(psi float64) string {
	const length, full = 10, 0.4
	filled := int(min(max(psi/full, 0), 1)*length + 0.5)
	return strings.Repeat("█", filled) + strings.Repeat("·", length-filled)
}

// percent returns a share with up to one decimal place, such as "0.4 %".
func percent(share float64) string {
	text := strconv.FormatFloat(100*share, 'f', 1, 64)
	return strings.TrimSuffix(text, ".0") + " %"
}
