package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// maxFeaturesShown is the number of features of a table that can be read on a terminal.
const maxFeaturesShown = 50

// writeTable says what was read: the features and the classes.
func writeTable(w io.Writer, t *dataset.Table) error {
	var text bytes.Buffer
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "data\t%s, %d rows%s\n", t.Path, t.Len(), describeSparse(t))
	fmt.Fprintf(out, "digest\tsha256:%s\n", t.Digest)
	fmt.Fprint(out, "\nfeature\tkind\tvalues\tmissing\n")
	for j := range min(t.Signature.Len(), maxFeaturesShown) {
		f := t.Signature.Feature(j)
		fmt.Fprintf(out, "%s\t%s\t%s\n", shortName(f.Name), describeFeature(f), describeMissing(t, j))
	}
	if more := t.Signature.Len() - maxFeaturesShown; more > 0 {
		fmt.Fprintf(out, "… %d more\n", more)
	}
	writeClasses(out, t)
	fmt.Fprintln(out)
	return flushTo(w, out, &text)
}

func writeClasses(out io.Writer, t *dataset.Table) {
	sums := make([]float64, len(t.Classes))
	for i, w := range t.Weights {
		sums[t.Labels[i]] += w
	}
	fmt.Fprintf(out, "\n%s\trows", shortName(t.Label))
	if t.Weights != nil {
		fmt.Fprint(out, "\tweight")
	}
	fmt.Fprintln(out)
	for class, n := range t.ClassCounts() {
		fmt.Fprintf(out, "%s\t%d", shortName(t.Classes[class]), n)
		if t.Weights != nil {
			fmt.Fprintf(out, "\t%.6g", sums[class])
		}
		fmt.Fprintln(out)
	}
}

// maxNameShown is how many bytes of a name or a category stand on a terminal.
const maxNameShown = 60

// shortName returns a text of the data as a terminal may show it, its beginning if it is long.
func shortName(text string) string {
	if len(text) > maxNameShown {
		end := maxNameShown
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	return printable(text)
}

func describeSparse(t *dataset.Table) string {
	if t.Sparse == nil {
		return ""
	}
	return fmt.Sprintf(" of %d features, %.3g %% of the values not 0", t.Signature.Len(),
		100*float64(len(t.Sparse.Values))/(float64(t.Len())*float64(t.Signature.Len())))
}

// describeFeature returns the kind of a feature and its values, as two cells.
func describeFeature(f *softmax.Feature) string {
	const most = 6
	if !f.Categorical() && f.Range == nil {
		return "number\t" + shortName(f.Unit)
	}
	if !f.Categorical() {
		return fmt.Sprintf("number\t%s", strings.TrimSpace(fmt.Sprintf("%s to %s %s",
			shortest(f.Range.Min), shortest(f.Range.Max), shortName(f.Unit))))
	}
	names := make([]string, 0, most+1)
	for i, category := range f.Categories {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, shortName(category))
	}
	text := fmt.Sprintf("category\t%d: %s", len(f.Categories), strings.Join(names, ", "))
	if f.Other != nil {
		text += "; all else as " + shortName(f.Categories[*f.Other])
	}
	return text
}

func describeMissing(t *dataset.Table, j int) string {
	missing, f := 0, t.Signature.Feature(j)
	if t.Missing != nil {
		missing = len(t.Missing[j])
	}
	text := strconv.Itoa(missing)
	switch {
	case f.Impute == nil:
		return text
	case f.Categorical():
		return text + ", taken as " + shortName(f.Categories[int(*f.Impute)])
	default:
		return text + ", taken as " + shortest(*f.Impute)
	}
}

// flushTo writes what out has put into text to w.
func flushTo(w io.Writer, out *tabwriter.Writer, text *bytes.Buffer) error {
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := text.WriteTo(w)
	return err
}
