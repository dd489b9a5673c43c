package dataset

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/sepal-ml/sepal/services/softmax"
)

// table makes the table of what was gathered; at least one row was. The error may be that of ctx.
func (b *builder) table(ctx context.Context) (*Table, error) {
	t := &Table{Path: b.path, Label: b.label.name, Labels: b.labels, Weights: b.weights, Missing: make([][]int, len(b.features))}
	if err := b.settleLabels(t); err != nil {
		return nil, err
	}
	features := make([]softmax.Feature, len(b.features))
	for j, c := range b.features {
		t.Missing[j] = c.missing
		features[j] = b.newFeature(j)
		if err := b.settle(t, j, &features[j]); err != nil {
			return nil, err
		}
	}
	t.Rows = b.store.join()
	if err := b.complete(ctx, t, features); err != nil {
		return nil, err
	}
	return t, b.sign(t, features)
}

func (b *builder) sign(t *Table, features []softmax.Feature) (err error) {
	if t.Signature, err = softmax.NewSignature(features); err != nil {
		failure := &Error{Path: b.path, Problem: "the columns make no features", Err: err}
		if !b.byRow {
			failure.Line = 1
		}
		return failure
	}
	return nil
}

// settleLabels puts the classes in order and the positions of the labels in place of their codes.
func (b *builder) settleLabels(t *Table) error {
	classes, position := b.label.sort(compareLabels(b.label))
	if len(classes) < 2 {
		return b.inFile(b.label.fail(0, "every row has the label %q; a classifier needs at least two classes", brief(classes[0])))
	}
	t.Classes = classes
	for i, code := range t.Labels {
		t.Labels[i] = position[code]
	}
	if t.Weights == nil {
		return nil
	}
	weighty := make([]bool, len(classes))
	for i, class := range t.Labels {
		weighty[class] = weighty[class] || t.Weights[i] > 0
	}
	if class := slices.Index(weighty, false); class >= 0 {
		return b.inFile(b.failWeight(0, "every row of the class "+strconv.Quote(brief(classes[class]))+" has the weight 0; a class needs a row that counts"))
	}
	return nil
}

// settle decides what feature j is, and replaces codes by what they stand for.
func (b *builder) settle(t *Table, j int, f *softmax.Feature) error {
	c := b.features[j]
	switch {
	case c.present == 0:
		return b.inFile(c.fail(0, "has no value in any row; drop the column"))
	case c.numeric || c.fixed != nil:
		return nil
	case c.allNumbers():
		b.decode(j, c.numbers)
		return nil
	case !c.categorical && c.notNumber.at == 0:
		return b.inFile(c.fail(c.tooLarge.at, notInRange, c.tooLarge.text, MaxMagnitude))
	}
	switch odd := c.turned; {
	case odd.at > 0 && c.numbersPrevail():
		t.Warnings = append(t.Warnings, b.inFile(c.fail(odd.at,
			"%q is a text, so the column is categorical with %d categories", odd.text, len(c.texts))))
	case c.mostlyNumbers():
		t.Warnings = append(t.Warnings, b.inFile(c.fail(c.notNumber.at,
			"%q is not a number, so the column is categorical with %d categories", c.notNumber.text, len(c.texts))))
	case c.numbersWithCommas():
		t.Warnings = append(t.Warnings, b.inFile(c.fail(c.notNumber.at,
			"%q is not a number, for which a comma stands for nothing, so the column is categorical with %d categories", c.notNumber.text, len(c.texts))))
	}
	return b.settleCategories(t, j, f)
}

func (b *builder) settleCategories(t *Table, j int, f *softmax.Feature) error {
	c := b.features[j]
	rare := func(text string) bool { return c.counts[c.code[text]] < b.options.RareBelow }
	categories, _ := c.sort(strings.Compare)
	distinct := len(categories)
	categories = slices.DeleteFunc(categories, rare)
	merged := distinct - len(categories)
	if merged > 0 || b.options.Other {
		other := len(categories)
		f.Other = &other
		categories = append(categories, freeName("other", c.code))
		if merged == distinct {
			t.Warnings = append(t.Warnings, b.inFile(c.fail(0,
				"each of the %d categories is rare, so that all are one; drop the column", distinct)))
		}
	}
	if len(categories) > MaxCategories {
		return b.inFile(c.fail(0, "has %d categories, at most %d are allowed; merge more rare ones, or drop the column", len(categories), MaxCategories))
	}
	f.Categories = categories
	values := make([]float64, distinct)
	for code, text := range c.texts {
		position, kept := slices.BinarySearch(categories[:distinct-merged], text)
		if !kept {
			position = *f.Other
		}
		values[code] = float64(position)
	}
	b.decode(j, values)
	return nil
}

// freeName returns name, or name and a number, such that it is not taken.
func freeName(name string, taken map[string]int32) string {
	free := name
	for i := 2; ; i++ {
		if _, is := taken[free]; !is {
			return free
		}
		free = name + " " + strconv.Itoa(i)
	}
}

// complete adds to the features what the values tell: ranges and, where asked for, what stands
// in for missing values, which it also writes into the table.
func (b *builder) complete(ctx context.Context, t *Table, features []softmax.Feature) error {
	p := len(features)
	t.Settled = make([]bool, p)
	ranges := extents(t.Rows, p)
	var values []float64
	for j := range features {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, missing := &features[j], t.Missing[j]
		t.Settled[j] = b.features[j].fixed != nil && f.Impute != nil
		if !f.Categorical() {
			f.Range = &ranges[j]
		}
		if f.Impute == nil && b.options.Impute {
			values = t.AppendPresent(values[:0], j)
			value := typical(f, values)
			f.Impute = &value
		}
		for _, i := range missing {
			t.Rows[i*p+j] = *f.Impute
		}
	}
	return nil
}
