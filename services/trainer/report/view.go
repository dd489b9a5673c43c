package report

import (
	"fmt"
	"strings"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/trainer"
)

// What is drawn of much.
const (
	maxClasses  = 20 // in the confusion matrix, and as counts
	maxCurves   = 10
	maxFeatures = 60
)

// view is what the page shows.
type view struct {
	Model, Version, Path, Digest string
	Rows, Features               int
	Notes                        []string
	Fit                          []fact
	Classes                      *bars
	HoldOut, Cross               []fact
	Confusion                    *heat
	ROC                          *chart
	Reliability                  *chart
	Tuning                       *chart
	Weights                      []*bars
	Histograms                   []*histogram
	MoreFeatures                 int
}

// fact is a line of a table of two columns.
type fact struct{ Name, Value string }

func newView(t *dataset.Table, r *trainer.Result) *view {
	m, report := r.Model, r.Model.GetTraining()
	v := &view{
		Model: m.GetName(), Version: m.GetVersion(), Path: t.Path, Digest: t.Digest,
		Rows: t.Len(), Features: t.Signature.Len(), Notes: r.Notes,
		Fit:     fitFacts(report, r.Calibration),
		Classes: classBars(t),
		Cross:   crossFacts(report.GetCrossValidation()),
		Tuning:  tuningChart(report.GetTuning(), report.GetRegularisationC()),
	}
	if h := report.GetHoldOut(); h != nil {
		v.HoldOut = holdOutFacts(h, report.GetRows())
		v.Confusion = confusionHeat(m.GetClasses(), h.GetConfusion())
		v.Reliability = reliabilityChart(h.GetReliability())
		v.ROC = rocChart(m.GetClasses(), r.Curves)
	}
	for _, l := range r.Largest[:min(len(r.Largest), maxClasses)] {
		v.Weights = append(v.Weights, weightBars(m.GetClasses()[l.Class], l.Weights))
	}
	profiles := m.GetReference().GetFeatures()
	for j, p := range profiles[:min(len(profiles), maxFeatures)] {
		v.Histograms = append(v.Histograms, newHistogram(t.Signature.Feature(j), p))
	}
	v.MoreFeatures = len(profiles) - len(v.Histograms)
	return v
}

func fitFacts(r *modelv1.TrainingReport, heat *trainer.Calibration) []fact {
	facts := []fact{{"Solver", r.GetSolver()}, {"Penalty", penalty(r)}}
	facts = append(facts,
		fact{"Iterations", fmt.Sprint(r.GetIterations())},
		fact{"Objective", number(r.GetObjective())},
		fact{"Largest gradient", number(r.GetGradientMax())},
		fact{"Seed", fmt.Sprint(r.GetSeed())})
	if heat != nil {
		facts = append(facts,
			fact{"Temperature", number(heat.Temperature)},
			fact{"Log-loss of the folds", number(heat.Before) + " → " + number(heat.After)})
	}
	return facts
}

func penalty(r *modelv1.TrainingReport) string {
	if r.GetUnpenalised() {
		return "none"
	}
	parts := []string{"L2"}
	switch ratio := r.GetL1Ratio(); {
	case ratio == 1:
		parts[0] = "L1"
	case ratio > 0:
		parts[0] = "elastic net, " + percent(ratio) + " L1"
	}
	parts = append(parts, "C "+number(r.GetRegularisationC()))
	if r.GetStandardised() {
		parts = append(parts, "standardised")
	}
	return strings.Join(parts, ", ")
}

func holdOutFacts(h *modelv1.HoldOutMetrics, rows uint32) []fact {
	facts := []fact{
		{"Rows held out", fmt.Sprintf("%d of %d", h.GetRows(), rows)},
		{"Accuracy", percent(h.GetAccuracy())},
		{"Macro F1", number(h.GetMacroF1())},
	}
	if h.RocAuc != nil {
		facts = append(facts, fact{"ROC AUC", number(h.GetRocAuc())})
	}
	return append(facts,
		fact{"Log-loss", number(h.GetLogLoss()) + " nats"},
		fact{"Brier score", number(h.GetBrier())},
		fact{"Calibration error", percent(h.GetCalibrationError())},
		fact{"Mean confidence", percent(h.GetMeanConfidence())})
}

func crossFacts(c *modelv1.CrossValidationMetrics) []fact {
	if c == nil {
		return nil
	}
	return []fact{
		{"Folds", fmt.Sprint(c.GetFolds())},
		{"Accuracy", percent(c.GetAccuracyMean()) + " ± " + percent(c.GetAccuracySd())},
		{"Log-loss", number(c.GetLogLossMean()) + " nats"},
	}
}
