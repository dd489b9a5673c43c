package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"unicode/utf8"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

// writeHoldOut writes the metrics of the rows held out, of so many rows in all.
func writeHoldOut(w io.Writer, classes []string, h *modelv1.HoldOutMetrics, rows uint32) {
	fmt.Fprintf(w, "hold-out, %d of %d rows\n\n", h.GetRows(), rows)
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "  accuracy\t%.4f\n", h.GetAccuracy())
	fmt.Fprintf(out, "  macro F1\t%.4f\n", h.GetMacroF1())
	if h.RocAuc != nil {
		fmt.Fprintf(out, "  ROC AUC\t%.4f\n", h.GetRocAuc())
	}
	fmt.Fprintf(out, "  log-loss\t%.4f\n", h.GetLogLoss())
	fmt.Fprintf(out, "  Brier score\t%.4f\n", h.GetBrier())
	fmt.Fprintf(out, "  calibration error\t%.4f\n", h.GetCalibrationError())
	fmt.Fprintf(out, "  mean confidence\t%.4f\n", h.GetMeanConfidence())
	_ = out.Flush() // into memory
	fmt.Fprintln(w)
	writeConfusion(w, classes, h.GetConfusion())
	writeReliability(w, h.GetReliability())
}

// writeReliability writes one line per bin of confidence that has rows.
func writeReliability(w io.Writer, bins []*modelv1.ReliabilityBin) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(out, "  confidence\trows\tmean\taccuracy\n")
	for i, b := range bins {
		if b.GetRows() > 0 {
			fmt.Fprintf(out, "  %.1f to %.1f\t%d\t%.4f\t%.4f\n", float64(i)/float64(len(bins)), float64(i+1)/float64(len(bins)),
				b.GetRows(), b.GetMeanConfidence(), b.GetAccuracy())
		}
	}
	_ = out.Flush() // into memory
	fmt.Fprintln(w)
}

// rounded returns a number with six digits, for people to read.
func rounded(v float64) float64 {
	if v == 0 {
		return 0
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil || math.IsInf(short, 0) {
		return v
	}
	return short
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
		names[i] = shortName(class)
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
