package main

import (
	"fmt"
	"io"
	"strings"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

// writeTraining says how a model was fitted and how it does on rows that it was not fitted on.
func writeTraining(out io.Writer, file *modelv1.Model) {
	t := file.GetTraining()
	if t == nil {
		fmt.Fprintln(out, "trained\tnot by Sepal")
		return
	}
	fmt.Fprintf(out, "trained\ton %d rows, %s, %s, %s, seed %d\n",
		t.GetRows(), describePenalty(t), printable(t.GetSolver()), describeEffort(t), t.GetSeed())
	if t.ObjectiveGap != nil {
		fmt.Fprintf(out, "objective\t%.6g, at most %.1e above its minimum\n", t.GetObjective(), t.GetObjectiveGap())
	}
	if weights := t.GetClassWeights(); len(weights) > 0 {
		fmt.Fprintf(out, "class weights\t%s\n", describeWeights(file.GetClasses(), weights))
	}
	if t.Temperature != nil {
		fmt.Fprintf(out, "temperature\t%.4g, by which the logits of the fit were divided\n", t.GetTemperature())
	}
	if tuning := t.GetTuning(); len(tuning.GetPoints()) > 0 {
		fmt.Fprintf(out, "tuning\t%s\n", describeTuning(tuning, t.GetRegularisationC()))
	}
	fmt.Fprintf(out, "data\tsha256:%s\n", printable(t.GetDataDigest()))
	if m := t.GetHoldOut(); m != nil {
		writeHeldOut(out, m)
	}
	if m := t.GetCrossValidation(); m != nil {
		fmt.Fprintf(out, "%d-fold\taccuracy %.4f ± %.4f, log-loss %.4f\n", m.GetFolds(), m.GetAccuracyMean(), m.GetAccuracySd(), m.GetLogLossMean())
	}
}

// describeEffort says what the fit took. Older reports do not count the passes.
func describeEffort(t *modelv1.TrainingReport) string {
	text := fmt.Sprintf("%d iterations", t.GetIterations())
	if t.GetPasses() > 0 {
		text += fmt.Sprintf(" in %d passes", t.GetPasses())
	}
	if t.GetConverged() {
		return text + ", converged"
	}
	return text + ", not converged"
}

// describeWeights names the first classes of many.
func describeWeights(classes []string, weights []float64) string {
	parts := make([]string, 0, maxClassesShown+1)
	for k, weight := range weights[:min(len(weights), maxClassesShown)] {
		parts = append(parts, fmt.Sprintf("%s %.4g", printable(classes[k]), weight))
	}
	if more := len(weights) - maxClassesShown; more > 0 {
		parts = append(parts, fmt.Sprintf("… %d more", more))
	}
	return strings.Join(parts, ", ")
}

// describeTuning says among which C one was chosen; there is one at least.
func describeTuning(t *modelv1.Tuning, chosen float64) string {
	points := t.GetPoints()
	c := func(v float64) string { return shortest(rounded(v)) }
	text := fmt.Sprintf("C %s chosen of %d", c(chosen), len(points))
	if len(points) > 1 {
		text += fmt.Sprintf(" from %s to %s", c(points[0].GetRegularisationC()), c(points[len(points)-1].GetRegularisationC()))
	}
	return text + fmt.Sprintf(", by %d-fold cross-validation", t.GetFolds())
}

// writeHeldOut writes the metrics on the rows held out. Older reports, which have no bins, have
// the accuracy and the log-loss alone.
func writeHeldOut(out io.Writer, m *modelv1.HoldOutMetrics) {
	if len(m.GetReliability()) == 0 {
		fmt.Fprintf(out, "hold-out\taccuracy %.4f, log-loss %.4f on %d rows\n", m.GetAccuracy(), m.GetLogLoss(), m.GetRows())
		return
	}
	area := ""
	if m.RocAuc != nil {
		area = fmt.Sprintf(", ROC AUC %.4f", m.GetRocAuc())
	}
	fmt.Fprintf(out, "hold-out\taccuracy %.4f, macro F1 %.4f%s on %d rows\n", m.GetAccuracy(), m.GetMacroF1(), area, m.GetRows())
	fmt.Fprintf(out, "\tlog-loss %.4f, Brier score %.4f, calibration error %.4f, mean confidence %.4f\n",
		m.GetLogLoss(), m.GetBrier(), m.GetCalibrationError(), m.GetMeanConfidence())
}
