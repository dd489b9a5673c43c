package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
	"github.com/sepal-ml/sepal/services/trainer"
)

// writeTable says what was read: the features and the classes.
func writeTable(w io.Writer, t *dataset.Table) error {
	var text bytes.Buffer
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "data\t%s, %d rows\n", t.Path, t.Len())
	fmt.Fprintf(out, "digest\tsha256:%s\n", t.Digest)
	fmt.Fprint(out, "\nfeature\tkind\tvalues\tmissing\n")
	for j := range t.Signature.Len() {
		f := t.Signature.Feature(j)
		fmt.Fprintf(out, "%s\t%s\t%s\n", printable(f.Name), describeFeature(f), describeMissing(t, j))
	}
	fmt.Fprintf(out, "\n%s\trows\n", printable(t.Label))
	for class, n := range t.ClassCounts() {
		fmt.Fprintf(out, "%s\t%d\n", printable(t.Classes[class]), n)
	}
	fmt.Fprintln(out)
	return flushTo(w, out, &text)
}

// describeFeature returns the kind of a feature and its values, as two cells.
func describeFeature(f *softmax.Feature) string {
	const most = 6
	if !f.Categorical() {
		return fmt.Sprintf("number\t%s", strings.TrimSpace(fmt.Sprintf("%s to %s %s",
			shortest(f.Range.Min), shortest(f.Range.Max), printable(f.Unit))))
	}
	names := make([]string, 0, most+1)
	for i, category := range f.Categories {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, printable(category))
	}
	return fmt.Sprintf("category\t%d: %s", len(f.Categories), strings.Join(names, ", "))
}

func describeMissing(t *dataset.Table, j int) string {
	text, f := strconv.Itoa(len(t.Missing[j])), t.Signature.Feature(j)
	switch {
	case f.Impute == nil:
		return text
	case f.Categorical():
		return text + ", taken as " + printable(f.Categories[int(*f.Impute)])
	default:
		return text + ", taken as " + shortest(*f.Impute)
	}
}

// writeResult says how the model does, how it was fitted and where it is. folds is the number
// asked for.
func writeResult(w io.Writer, result *trainer.Result, folds int, file writtenFile) error {
	var text bytes.Buffer
	m, report := result.Model, result.Model.GetTraining()
	if h := report.GetHoldOut(); h != nil {
		fmt.Fprintf(&text, "hold-out, %d of %d rows: accuracy %.4f, log-loss %.4f\n\n",
			h.GetRows(), report.GetRows(), h.GetAccuracy(), h.GetLogLoss())
		writeConfusion(&text, m.GetClasses(), h.GetConfusion())
	}
	if v := report.GetCrossValidation(); v != nil {
		fmt.Fprintf(&text, "cross-validation, %d folds%s: accuracy %.4f ± %.4f, log-loss %.4f\n\n",
			v.GetFolds(), fewer(folds, v.GetFolds()), v.GetAccuracyMean(), v.GetAccuracySd(), v.GetLogLossMean())
		writeConfusion(&text, m.GetClasses(), result.CrossConfusion)
	}
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	writeFit(out, report)
	fmt.Fprintf(out, "model\t%s %s in %s, %d bytes\n", m.GetName(), m.GetVersion(), file.path, file.bytes)
	fmt.Fprintf(out, "digest\tsha256:%x\n", file.digest)
	return flushTo(w, out, &text)
}

func fewer(asked int, made uint32) string {
	if asked == int(made) {
		return ""
	}
	return fmt.Sprintf(" (the smallest class has no rows for %d)", asked)
}

func writeFit(out io.Writer, report *modelv1.TrainingReport) {
	fmt.Fprintf(out, "fit\t%s, C %s, seed %d\n", report.GetSolver(), shortest(report.GetRegularisationC()), report.GetSeed())
	fmt.Fprintf(out, "\tconverged after %d iterations, objective %.4f, largest gradient %.1e\n",
		report.GetIterations(), report.GetObjective(), report.GetGradientMax())
}

// maxClassesShown is the number of classes whose confusion matrix can be read on a terminal.
const maxClassesShown = 20

// writeConfusion writes one line per true class and one column per predicted class.
func writeConfusion(out io.Writer, classes []string, confusion []uint32) {
	k := len(classes)
	if k > maxClassesShown {
		fmt.Fprintf(out, "  The confusion matrix of %d classes is too large to show.\n\n", k)
		return
	}
	const corner = "true \\ predicted"
	names := make([]string, k)
	first, widths := len(corner), make([]int, k)
	for i, class := range classes {
		names[i] = printable(class)
		widths[i] = utf8.RuneCountInString(names[i])
		first = max(first, widths[i])
	}
	fmt.Fprintf(out, "  %-*s", first, corner)
	for i, name := range names {
		for label := range k {
			widths[i] = max(widths[i], len(strconv.Itoa(int(confusion[label*k+i]))))
		}
		fmt.Fprintf(out, "  %*s", widths[i], name)
	}
	fmt.Fprintln(out)
	for label, name := range names {
		fmt.Fprintf(out, "  %-*s", first, name)
		for i := range k {
			fmt.Fprintf(out, "  %*d", widths[i], confusion[label*k+i])
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out)
}

// flushTo writes what out has put into text to w.
func flushTo(w io.Writer, out *tabwriter.Writer, text *bytes.Buffer) error {
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := text.WriteTo(w)
	return err
}
