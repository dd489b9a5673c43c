package dataset

import (
	"context"
	"fmt"
	"math"
	"strconv"
)

// builder gathers a table while its source is read.
type builder struct {
	path        string
	options     Options
	byRow       bool // the source has rows but no lines
	labelsApart bool // the labels come from elsewhere

	label    *column
	labelAt  int // position of the label's column in the source, -1: none
	weightAt int // of that of the weights, -1: none
	features []*column
	at       []int // positions of the features' columns

	store   store
	labels  []int // code of each row's label
	weights []float64
	n       int // rows read
}

// reserve makes room for so many rows before the first.
func (b *builder) reserve(rows int) {
	b.store.reserve(rows)
	b.labels = make([]int, 0, rows)
	if b.weightAt >= 0 {
		b.weights = make([]float64, 0, rows)
	}
}

// rowsPerCheck is how many rows are read between two looks at the context.
const rowsPerCheck = 1024

// due returns the error of ctx if it is done, looking at it now and then.
func (b *builder) due(ctx context.Context) error {
	if b.n%rowsPerCheck != 0 {
		return nil
	}
	return ctx.Err()
}

// inFile completes an error of a column.
func (b *builder) inFile(e *Error) *Error {
	e.Path = b.path
	if b.byRow {
		e.Line, e.Row = 0, e.Line
	}
	return e
}

// addTexts takes a row whose cells are texts, from the given line.
func (b *builder) addTexts(cells [][]byte, line int) error {
	if failure := b.addLabel(cells[b.labelAt], line); failure != nil {
		return b.inFile(failure)
	}
	if b.weightAt >= 0 {
		if failure := b.addWeightText(cells[b.weightAt], line); failure != nil {
			return b.inFile(failure)
		}
	}
	row := b.store.add()
	for j, c := range b.features {
		value, failure := c.add(cells[b.at[j]], b.n, line)
		if failure != nil {
			return b.inFile(failure)
		}
		row[j] = value
	}
	b.n++
	return nil
}

func (b *builder) addLabel(text []byte, at int) *Error {
	if missing(text) {
		return b.label.fail(at, "the label is missing; every row needs one")
	}
	code, failure := b.label.add(text, b.n, at)
	if failure != nil {
		if len(b.label.texts) == MaxCategories {
			failure.Problem = fmt.Sprintf("has more than %d distinct values, too many for classes; is it a number to estimate, or an identifier?", MaxCategories)
		}
		return failure
	}
	b.labels = append(b.labels, int(code))
	return nil
}

func (b *builder) addWeightText(text []byte, at int) *Error {
	number, ok := parseNumber(text)
	if !ok {
		if missing(text) {
			return b.failWeight(at, "the weight is missing; every row needs one")
		}
		return b.failWeight(at, strconv.Quote(brief(text))+notWeight)
	}
	return b.addWeight(number, at)
}

const notWeight = " is not a weight, a number from 0 to 1e150"

func (b *builder) addWeight(weight float64, at int) *Error {
	if !(weight >= 0 && weight <= MaxMagnitude) {
		return b.failWeight(at, strconv.FormatFloat(weight, 'g', -1, 64)+notWeight)
	}
	b.weights = append(b.weights, weight)
	return nil
}

func (b *builder) failWeight(at int, problem string) *Error {
	return &Error{Line: at, Column: b.options.Weight, Problem: problem}
}

// decode replaces the codes of feature j by what they stand for.
func (b *builder) decode(j int, values []float64) {
	b.store.rewrite(j, b.n, func(code float64) float64 {
		if math.IsNaN(code) {
			return code
		}
		return values[int(code)]
	})
}
