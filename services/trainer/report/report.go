// Package report draws what is known of a training as one HTML page: data, metrics, curves, weights
// and the profile of the features. The page needs no network and no scripts, and follows the
// colour scheme of its reader. Texts from the data are shown as texts, whatever is in them.
package report

import (
	_ "embed"
	"html/template"
	"io"
	"math"
	"strconv"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/trainer"
)

//go:embed page.html
var page string

// Write writes the page of a training on a table. The error is that of the writer.
func Write(w io.Writer, t *dataset.Table, r *trainer.Result) error {
	parsed, err := template.New("page").Funcs(template.FuncMap{
		"px":      px,
		"number":  number,
		"percent": percent,
	}).Parse(page)
	if err != nil {
		return err
	}
	return parsed.Execute(w, newView(t, r))
}

// px writes a length, in the units of a drawing.
func px(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

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
