// Package report draws what is known of a training as one HTML page: data, metrics, curves, weights
// and the profile of the features. The page needs no network and no scripts, and follows the
// colour scheme of its reader. Texts from the data are shown as texts, whatever is in them.
package report

import (
	_ "embed"
	"io"
	"math"
	"strconv"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/trainer"
)

//go:embed page.css
var style markup

// Write writes the page of a training on a table. The error is that of the writer.
//
// It is written by hand: a template calls methods by their names, and with one the linker has to keep
// every exported method of every type of the program, a third of the binary.
func Write(w io.Writer, t *dataset.Table, r *trainer.Result) error {
	s := &sheet{out: w}
	s.page(newView(t, r))
	return s.err
}

// number writes a number for people: four digits, and no power of ten where it can be read without.
func number(v float64) string {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if magnitude := math.Abs(short); err != nil || magnitude >= 1e7 || magnitude < 1e-4 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}

// percent writes a share, 0 to 1.
func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }
