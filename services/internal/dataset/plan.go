package dataset

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/sepal-ml/sepal/services/softmax"
)

// header is the names of the columns of a source, and how to tell of them.
type header struct {
	path string
	noun string // what holds the names, such as "the header"
	line int    // where it stands, 0: in no line
	name []string
}

func (h *header) fail(column, format string, args ...any) *Error {
	return &Error{Path: h.path, Line: h.line, Column: column, Problem: fmt.Sprintf(format, args...)}
}

// check refuses names that are empty, no text, or stand twice.
func (h *header) check() error {
	first := make(map[string]int, len(h.name))
	for i, name := range h.name {
		if name == "" && h.line > 0 {
			return h.fail("", "column %d has no name in %s; name it, or write the file without it (in pandas, index=False)", i+1, h.noun)
		}
		if name == "" {
			return h.fail("", "column %d has no name in %s", i+1, h.noun)
		}
		if !utf8.ValidString(name) {
			return h.fail("", "the name of column %d is not UTF-8 text", i+1)
		}
		if at, taken := first[name]; taken {
			return h.fail(name, "stands twice in %s, as columns %d and %d", h.noun, at+1, i+1)
		}
		first[name] = i
	}
	return nil
}

// find returns the positions of the columns of those names.
func (h *header) find(names ...string) ([]int, error) {
	at := make(map[string]int, len(h.name))
	for i, name := range h.name {
		at[name] = i
	}
	positions := make([]int, len(names))
	for i, name := range names {
		position, ok := at[name]
		if !ok {
			return nil, h.fail(name, "is not in %s, which has %s", h.noun, listNames(h.name))
		}
		positions[i] = position
	}
	return positions, nil
}

// plan decides what each column of the header is for.
func (b *builder) plan(h *header) error {
	b.path = h.path
	if err := b.checkOptions(h); err != nil {
		return err
	}
	o := b.options
	if o.Label == "" {
		return h.fail("", "no label column was named, %s has %s", h.noun, listNames(h.name))
	}
	b.label = newColumn(o.Label, true)
	named := slices.Concat(o.Drop, o.Categorical)
	if !b.labelsApart {
		named = append(named, o.Label)
	}
	if o.Weight != "" {
		named = append(named, o.Weight)
	}
	if _, err := h.find(named...); err != nil {
		return err
	}
	if b.labelAt = slices.Index(h.name, o.Label); b.labelsApart {
		b.labelAt = -1
	}
	b.weightAt = -1
	if o.Weight != "" {
		b.weightAt = slices.Index(h.name, o.Weight)
	}
	if o.Schema != nil {
		return b.planSchema(h)
	}
	b.planFeatures(h)
	return b.checkPlan(h)
}

func (b *builder) checkOptions(h *header) error {
	o := b.options
	switch {
	case slices.Contains(o.Drop, o.Label):
		return h.fail(o.Label, "cannot be dropped: it is the label")
	case o.Weight != "" && slices.Contains(o.Drop, o.Weight):
		return h.fail(o.Weight, "cannot be dropped: it is the weight")
	case o.Weight != "" && o.Weight == o.Label:
		return h.fail(o.Label, "cannot be both the label and the weight")
	case o.Schema != nil && (len(o.Categorical) > 0 || o.RareBelow > 0 || o.Other):
		return h.fail("", "a schema says what is a category, and which: no columns can be made categorical, and no categories be merged, beside it")
	}
	return nil
}

func (b *builder) planFeatures(h *header) {
	o := b.options
	for i, name := range h.name {
		if i == b.labelAt || i == b.weightAt || slices.Contains(o.Drop, name) {
			continue
		}
		c := newColumn(name, slices.Contains(o.Categorical, name))
		c.needed = !o.Impute
		if o.RareBelow > 1 {
			c.limit = MaxTexts
		}
		b.addFeature(c, i)
	}
}

func (b *builder) planSchema(h *header) error {
	o := b.options
	for j := range o.Schema.Len() {
		f := o.Schema.Feature(j)
		position, err := h.find(f.Name)
		if err != nil {
			return err
		}
		at := position[0]
		switch {
		case at == b.labelAt:
			return h.fail(f.Name, "cannot be the label: the schema has it as a feature")
		case at == b.weightAt:
			return h.fail(f.Name, "cannot be the weight: the schema has it as a feature")
		case slices.Contains(o.Drop, f.Name):
			return h.fail(f.Name, "cannot be dropped: the schema has it as a feature")
		case !f.Categorical() && f.Impute != nil && math.Abs(*f.Impute) > MaxMagnitude:
			return h.fail(f.Name, "has the stand-in %g for missing values in the schema, expected at most %g in magnitude", *f.Impute, MaxMagnitude)
		}
		c := newFixed(f)
		c.needed = !o.Impute && f.Impute == nil
		b.addFeature(c, at)
	}
	return b.checkPlan(h)
}

func (b *builder) addFeature(c *column, at int) {
	j := len(b.features)
	c.closing = func(numbers []float64) { b.decode(j, numbers) }
	b.features = append(b.features, c)
	b.at = append(b.at, at)
	b.store.width++
}

func (b *builder) checkPlan(h *header) error {
	isFeature := func(name string) bool {
		return slices.ContainsFunc(b.features, func(c *column) bool { return c.name == name })
	}
	if len(b.features) == 0 {
		return h.fail("", "there is no feature: %s has no column but the label and those dropped", h.noun)
	}
	for _, name := range b.options.Categorical {
		if !isFeature(name) {
			return h.fail(name, "cannot be categorical: it is not a feature")
		}
	}
	units := make([]string, 0, len(b.options.Units))
	for name := range b.options.Units {
		units = append(units, name)
	}
	slices.Sort(units)
	for _, name := range units {
		if !isFeature(name) {
			return h.fail(name, "cannot have a unit: it is not a feature")
		}
	}
	return nil
}

// newFeature returns feature j as far as it is known before the values are.
func (b *builder) newFeature(j int) softmax.Feature {
	c := b.features[j]
	f := softmax.Feature{Name: c.name}
	if c.fixed != nil {
		f = *c.fixed
		f.Range = nil
	}
	if unit, given := b.options.Units[c.name]; given {
		f.Unit = unit
	}
	return f
}
