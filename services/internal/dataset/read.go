package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sepal-ml/sepal/services/softmax"
)

// Options say how to read a table. Label is required; the rest may be left out.
type Options struct {
	// Label is the name of the column that holds the class of each row.
	Label string
	// Drop names columns to leave out, such as identifiers.
	Drop []string
	// Categorical names columns to take as categories even if all their cells are numbers.
	Categorical []string
	// Units gives units to features, by name; for people only.
	Units map[string]string
	// Impute replaces missing values by the median of the feature, or its most frequent
	// category, and writes that value into the signature of every feature, so that the model
	// accepts missing values when it serves. False: a missing value is an error.
	Impute bool
}

// Read reads a table from a CSV file; path names the file in errors.
//
// A column is numeric if all its values are numbers of at most MaxMagnitude; otherwise it is categorical, with
// its distinct texts as categories in the order of their bytes. The error is an [*Error], or
// that of the context.
func Read(ctx context.Context, r io.Reader, path string, o Options) (*Table, error) {
	digest := sha256.New()
	rows, err := ReadRows(io.TeeReader(r, digest), path)
	if err != nil {
		return nil, err
	}
	b := &builder{rows: rows, options: o}
	if err := b.plan(); err != nil {
		return nil, err
	}
	if err := b.read(ctx); err != nil {
		return nil, err
	}
	t, err := b.table()
	if err != nil {
		return nil, err
	}
	t.Path, t.Digest, t.Label = path, hex.EncodeToString(digest.Sum(nil)), o.Label
	return t, nil
}

// builder gathers a table while its file is read.
type builder struct {
	rows    *Rows
	options Options

	label    *column
	labelAt  int // position of the label column in the file
	features []*column
	at       []int     // positions of the features' columns in the file
	values   []float64 // row-major, rows × features; NaN where there is no number
	n        int       // rows read
}

func (b *builder) plan() error {
	o, header := b.options, b.rows.Header()
	if o.Label == "" {
		return b.rows.Fail("", "no label column was named, the header has "+listNames(header))
	}
	named := slices.Concat([]string{o.Label}, o.Drop, o.Categorical)
	positions, err := b.rows.Columns(named...)
	if err != nil {
		return err
	}
	b.label, b.labelAt = newColumn(o.Label, true), positions[0]
	for i, name := range header {
		switch {
		case i == b.labelAt:
		case slices.Contains(o.Drop, name):
		default:
			b.features = append(b.features, newColumn(name, slices.Contains(o.Categorical, name)))
			b.at = append(b.at, i)
		}
	}
	return b.checkPlan()
}

func (b *builder) checkPlan() error {
	isFeature := func(name string) bool {
		return slices.ContainsFunc(b.features, func(c *column) bool { return c.name == name })
	}
	if slices.Contains(b.options.Drop, b.options.Label) {
		return b.rows.Fail(b.options.Label, "cannot be dropped: it is the label")
	}
	if len(b.features) == 0 {
		return b.rows.Fail("", "there is no feature: the header has no column but the label and those dropped")
	}
	for _, name := range b.options.Categorical {
		if !isFeature(name) {
			return b.rows.Fail(name, "cannot be categorical: it is not a feature")
		}
	}
	units := make([]string, 0, len(b.options.Units))
	for name := range b.options.Units {
		units = append(units, name)
	}
	slices.Sort(units)
	for _, name := range units {
		if !isFeature(name) {
			return b.rows.Fail(name, "cannot have a unit: it is not a feature")
		}
	}
	return nil
}

// rowsPerCheck is how many rows are read between two looks at the context.
const rowsPerCheck = 1024

func (b *builder) read(ctx context.Context) error {
	for {
		if b.n%rowsPerCheck == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		cells, err := b.rows.Next()
		switch {
		case errors.Is(err, io.EOF) && b.n == 0:
			return b.rows.Fail("", "the file has a header but no rows")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := b.add(cells); err != nil {
			return err
		}
	}
}

func (b *builder) add(cells []string) error {
	line := b.rows.Line()
	if Missing(cells[b.labelAt]) {
		return b.rows.Fail(b.label.name, "the label is missing; every row needs one")
	}
	if _, failure := b.label.add(cells[b.labelAt], b.n, line); failure != nil {
		if b.label.codes == nil {
			failure.Problem = fmt.Sprintf("has more than %d distinct values, too many for classes; is it a number to estimate, or an identifier?", MaxCategories)
		}
		return b.inFile(failure)
	}
	for j, c := range b.features {
		cell := cells[b.at[j]]
		if !b.options.Impute && Missing(cell) {
			return b.rows.Fail(c.name, fmt.Sprintf("the value is missing (%q); impute missing values, or remove the row", cell))
		}
		number, failure := c.add(cell, b.n, line)
		if failure != nil {
			return b.inFile(failure)
		}
		b.values = append(b.values, number)
	}
	b.n++
	return nil
}

func (b *builder) inFile(e *Error) *Error {
	e.Path = b.rows.path
	return e
}

func (b *builder) table() (*Table, error) {
	t := &Table{Rows: b.values, Labels: make([]int, b.n), Missing: make([][]int, len(b.features))}
	classes, position := b.label.sort(compareLabels(b.label))
	if len(classes) < 2 {
		return nil, b.inFile(b.label.fail(0, "every row has the label %q; a classifier needs at least two classes", classes[0]))
	}
	t.Classes = classes
	for i, code := range b.label.codes {
		t.Labels[i] = position[code]
	}
	features := make([]softmax.Feature, len(b.features))
	for j, c := range b.features {
		t.Missing[j] = c.missing
		features[j] = softmax.Feature{Name: c.name, Unit: b.options.Units[c.name]}
		if err := b.settle(t, j, &features[j]); err != nil {
			return nil, err
		}
	}
	b.complete(t, features)
	var err error
	if t.Signature, err = softmax.NewSignature(features); err != nil {
		return nil, &Error{Path: b.rows.path, Line: 1, Problem: "the columns make no features", Err: err}
	}
	return t, nil
}

// settle decides what feature j is, and writes its categories' positions into the table.
func (b *builder) settle(t *Table, j int, f *softmax.Feature) error {
	c := b.features[j]
	switch {
	case c.present == 0:
		return b.inFile(c.fail(0, "has no value in any row; drop the column"))
	case c.numeric():
		return nil
	case !c.categorical && c.notNumber.line == 0:
		return b.inFile(c.fail(c.tooLarge.line, notInRange, c.tooLarge.cell, MaxMagnitude))
	}
	if c.mostlyNumbers() {
		t.Warnings = append(t.Warnings, b.inFile(c.fail(c.notNumber.line,
			"%q is not a number, so the column is categorical with %d categories", c.notNumber.cell, len(c.texts))))
	}
	categories, position := c.sort(strings.Compare)
	f.Categories = categories
	for i, code := range c.codes {
		if code >= 0 {
			t.Rows[i*len(b.features)+j] = float64(position[code])
		}
	}
	return nil
}

// complete adds to the features what the values tell: ranges and, where asked for, what stands
// in for missing values, which it also writes into the table.
func (b *builder) complete(t *Table, features []softmax.Feature) {
	for j := range features {
		values := t.present(j, nil)
		if !features[j].Categorical() {
			r := extent(values)
			features[j].Range = &r
		}
		if !b.options.Impute {
			continue
		}
		value := typical(&features[j], values)
		features[j].Impute = &value
		for _, i := range t.Missing[j] {
			t.Rows[i*len(features)+j] = value
		}
	}
}
