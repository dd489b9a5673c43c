package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/trainer"
)

// writeResult says how the model does, how it was fitted and where it is. folds is the number
// asked for.
func writeResult(w io.Writer, result *trainer.Result, folds int, file writtenFile, page string) error {
	var text bytes.Buffer
	m, report := result.Model, result.Model.GetTraining()
	if t := report.GetTuning(); t != nil {
		writeTuning(&text, t, report.GetRegularisationC())
	}
	if v := report.GetCrossValidation(); v != nil {
		fmt.Fprintf(&text, "cross-validation, %d folds%s: accuracy %.4f ± %.4f, log-loss %.4f\n\n",
			v.GetFolds(), fewer(folds, v.GetFolds()), v.GetAccuracyMean(), v.GetAccuracySd(), v.GetLogLossMean())
		writeConfusion(&text, m.GetClasses(), result.CrossConfusion)
	}
	if h := report.GetHoldOut(); h != nil {
		writeHoldOut(&text, m.GetClasses(), h, report.GetRows())
	}
	writeLargest(&text, m.GetClasses(), result.Largest)
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	writeFit(out, m, result.Calibration)
	fmt.Fprintf(out, "model\t%s %s in %s, %d bytes\n", m.GetName(), m.GetVersion(), file.path, file.bytes)
	fmt.Fprintf(out, "digest\tsha256:%x\n", file.digest)
	if page != "" {
		fmt.Fprintf(out, "report\t%s\n", page)
	}
	return flushTo(w, out, &text)
}

func fewer(asked int, made uint32) string {
	if asked == int(made) {
		return ""
	}
	return fmt.Sprintf(" (the smallest class has no rows for %d)", asked)
}

func writeFit(out io.Writer, m *modelv1.Model, heat *trainer.Calibration) {
	report := m.GetTraining()
	fmt.Fprintf(out, "fit\t%s, %s, seed %d\n", printable(report.GetSolver()), describePenalty(report), report.GetSeed())
	gap := ""
	if report.ObjectiveGap != nil {
		gap = fmt.Sprintf(" (at most %.1e above the minimum)", report.GetObjectiveGap())
	}
	fmt.Fprintf(out, "\tconverged after %d iterations, objective %.6g%s, largest gradient %.1e\n",
		report.GetIterations(), report.GetObjective(), gap, report.GetGradientMax())
	if report.GetL1Ratio() > 0 {
		used := 0
		for _, w := range m.GetWeights() {
			if w != 0 {
				used++
			}
		}
		fmt.Fprintf(out, "\t%d of %d weights are not 0\n", used, len(m.GetWeights()))
	}
	if weights := report.GetClassWeights(); len(weights) > 0 {
		parts := make([]string, 0, len(weights))
		for k, weight := range weights[:min(len(weights), maxClassesShown)] {
			parts = append(parts, fmt.Sprintf("%s %.4g", shortName(m.GetClasses()[k]), weight))
		}
		fmt.Fprintf(out, "\tclass weights %s\n", strings.Join(parts, ", "))
	}
	if heat != nil {
		fmt.Fprintf(out, "\tlogits divided by the temperature %.4g, which takes the log-loss of %d rows of the folds from %.4f to %.4f\n",
			heat.Temperature, heat.Rows, heat.Before, heat.After)
	}
}

// describePenalty says what kept the weights small.
func describePenalty(report *modelv1.TrainingReport) string {
	if report.GetUnpenalised() {
		return "no penalty"
	}
	text := "C " + shortest(rounded(report.GetRegularisationC()))
	switch ratio := report.GetL1Ratio(); {
	case ratio == 1:
		text += ", L1"
	case ratio > 0:
		text += fmt.Sprintf(", elastic net with %s of L1", shortest(ratio))
	}
	if report.GetStandardised() {
		text += ", on the standardised scale"
	}
	return text
}

// writeTuning writes one line per C.
func writeTuning(w io.Writer, t *modelv1.Tuning, best float64) {
	fmt.Fprintf(w, "tuning, %d folds\n\n", t.GetFolds())
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "  C\tlog-loss\taccuracy\n")
	for _, p := range t.GetPoints() {
		mark := ""
		if p.GetRegularisationC() == best {
			mark = "\tchosen"
		}
		fmt.Fprintf(out, "  %s\t%.4f ± %.4f\t%.4f%s\n",
			shortest(rounded(p.GetRegularisationC())), p.GetLogLossMean(), p.GetLogLossSd(), p.GetAccuracyMean(), mark)
	}
	_ = out.Flush() // into memory
	fmt.Fprintln(w)
}

// maxClassesSide is how many classes have a column of weights each beside the others.
const maxClassesSide = 6

// writeLargest writes the largest weights, a column per class.
func writeLargest(w io.Writer, classes []string, largest []trainer.ClassWeights) {
	if len(largest) == 0 || len(largest) > maxClassesSide {
		return
	}
	const shown = 5
	fmt.Fprint(w, "largest weights, per standard deviation\n\n")
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	names := make([]string, len(largest))
	for i, l := range largest {
		names[i] = "  " + shortName(classes[l.Class])
	}
	fmt.Fprintln(out, strings.Join(names, "\t\t"))
	for i := range shown {
		line, found := weightsAt(largest, i)
		if !found {
			break
		}
		fmt.Fprintln(out, line)
	}
	_ = out.Flush() // into memory
	fmt.Fprintln(w)
}

// weightsAt returns the cells of the weights of that rank; false: no class has one.
func weightsAt(largest []trainer.ClassWeights, rank int) (line string, found bool) {
	cells := make([]string, len(largest))
	for i, l := range largest {
		cells[i] = "  \t"
		if rank < len(l.Weights) {
			cells[i] = fmt.Sprintf("  %s\t%+.3f", shortName(l.Weights[rank].Column), l.Weights[rank].PerDeviation)
			found = true
		}
	}
	return strings.TrimRight(strings.Join(cells, "\t"), "\t "), found
}
