package main

import (
	"fmt"
	"io"
)

// print writes the tables, in Markdown.
func (o *outcome) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s\n\n", o.Machine)
	peer := o.Peer
	if peer == "" {
		peer = "no scikit-learn"
	}
	_, _ = fmt.Fprintf(w, "Beside it: %s.\n\n", peer)
	_, _ = fmt.Fprintln(w, "| set | rows × columns × classes | Sepal | solver | passes | scikit-learn's best | its solver | ratio | target | whole fit | memory over data |")
	_, _ = fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, l := range o.Fits {
		theirs, solver := "–", "–"
		if l.Theirs != nil {
			theirs, solver = seconds(l.Theirs.Seconds), fmt.Sprintf("%s, threads: %d", l.Theirs.Solver, l.Theirs.Threads)
		}
		memory := "–"
		if l.Memory > 0 {
			memory = fmt.Sprintf("+%.0f %%", 100*l.Memory)
		}
		_, _ = fmt.Fprintf(w, "| %s | %d × %d × %d | %s | %s | %d | %s | %s | %s | %s | %s | %s |\n", l.Set, l.Rows, l.Columns, l.Classes,
			seconds(l.Seconds), l.Solver, l.Passes, theirs, solver, times(l.Ratio), verdict(l.Ratio, l.Want), seconds(l.Whole), memory)
	}
	_, _ = fmt.Fprintln(w, "\n| probabilities of | Sepal, rows/s | scikit-learn, rows/s | ratio | target |")
	_, _ = fmt.Fprintln(w, "| --- | --- | --- | --- | --- |")
	for _, b := range o.Batches {
		_, _ = fmt.Fprintf(w, "| %s | %.3g million | %.3g million | %s | %s |\n", b.Set, b.Ours/1e6, b.Theirs/1e6, times(b.Ratio), verdict(b.Ratio, b.Want))
	}
}

func seconds(s float64) string {
	switch {
	case s <= 0:
		return "not reached"
	case s < 1e-3:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g s", s)
}

func times(ratio float64) string {
	if ratio == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f ×", ratio)
}

func verdict(ratio, want float64) string {
	text := fmt.Sprintf("≥ %g", want)
	switch {
	case ratio == 0:
		return text
	case ratio < want:
		return text + " missed"
	}
	return text + " met"
}
