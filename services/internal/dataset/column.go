package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxCategories is the number of distinct values that a categorical column, or the label, may
// have.
const MaxCategories = 1000

// MaxMagnitude bounds the numbers of a column: the engine fits no larger ones.
const MaxMagnitude = 1e150

// column gathers what the cells of one column are. It stays open whether they are numbers or
// categories for as long as they can be either: an early "1" may be a category after all.
//
// Its errors lack the path of the file.
type column struct {
	name        string
	categorical bool // the cells are categories even if they read as numbers

	missing   []int            // rows without a value, ascending
	codes     []int32          // category of each row, -1 where missing; nil: too many distinct texts
	code      map[string]int32 // category of each distinct text
	texts     []string         // text of each category
	present   int              // cells with a value
	numbers   int              // cells that are finite numbers
	tooLarge  sighting         // first cell that is a number, but infinite or too large
	notNumber sighting         // first cell that is no number
}

// sighting is a cell worth telling of; line 0: none was seen.
type sighting struct {
	line int
	cell string
}

func newColumn(name string, categorical bool) *column {
	return &column{name: name, categorical: categorical, codes: []int32{}, code: map[string]int32{}}
}

// add takes the cell of the given row and returns its number, NaN if it is none.
func (c *column) add(cell string, row, line int) (number float64, failure *Error) {
	if Missing(cell) {
		c.missing = append(c.missing, row)
		if c.codes != nil {
			c.codes = append(c.codes, -1)
		}
		return math.NaN(), nil
	}
	c.present++
	number = c.parse(cell, line)
	if c.codes != nil {
		if failure := c.addCategory(cell, line); failure != nil {
			return 0, failure
		}
	}
	if c.codes == nil && !c.numeric() {
		return 0, c.tooMany(line)
	}
	return number, nil
}

func (c *column) parse(cell string, line int) float64 {
	number, err := strconv.ParseFloat(cell, 64)
	switch {
	case math.Abs(number) > MaxMagnitude: // also where err says that the number is out of range
		if c.tooLarge.line == 0 {
			c.tooLarge = sighting{line, strings.Clone(cell)}
		}
	case err != nil || math.IsNaN(number):
		if c.notNumber.line == 0 {
			c.notNumber = sighting{line, strings.Clone(cell)}
		}
	default:
		c.numbers++
		return number
	}
	return math.NaN()
}

func (c *column) addCategory(cell string, line int) *Error {
	code, known := c.code[cell]
	if !known {
		if len(c.texts) == MaxCategories {
			c.codes, c.code, c.texts = nil, nil, nil
			return nil
		}
		if !utf8.ValidString(cell) {
			return c.fail(line, "%q is not UTF-8 text", cell)
		}
		cell = strings.Clone(cell)
		code = int32(len(c.texts))
		c.code[cell] = code
		c.texts = append(c.texts, cell)
	}
	c.codes = append(c.codes, code)
	return nil
}

// numeric reports whether all the values seen are finite numbers and may be taken as such.
func (c *column) numeric() bool {
	return !c.categorical && c.tooLarge.line == 0 && c.notNumber.line == 0
}

// mostlyNumbers reports whether cells that are no numbers look like slips.
func (c *column) mostlyNumbers() bool { return !c.categorical && c.numbers > c.present/2 }

const notInRange = "%q is not a finite number of at most %g in magnitude"

// tooMany says why a column whose cells are not all numbers cannot have so many values.
func (c *column) tooMany(line int) *Error {
	if odd := c.notNumber; odd.line > 0 && c.mostlyNumbers() {
		return c.fail(odd.line, "%q is not a number, and with more than %d distinct values the column cannot be categorical; correct the cell, or drop the column",
			odd.cell, MaxCategories)
	}
	if odd := c.tooLarge; !c.categorical && odd.line > 0 && c.notNumber.line == 0 {
		return c.fail(odd.line, notInRange, odd.cell, MaxMagnitude)
	}
	return c.fail(line, "has more than %d distinct values, too many for a categorical column; if it identifies rows, drop it",
		MaxCategories)
}

func (c *column) fail(line int, format string, args ...any) *Error {
	return &Error{Line: line, Column: c.name, Problem: fmt.Sprintf(format, args...)}
}

// sort orders the categories by compare and returns them with the position of each code.
func (c *column) sort(compare func(a, b string) int) (categories []string, position []int) {
	categories = slices.SortedFunc(slices.Values(c.texts), compare)
	position = make([]int, len(categories))
	for i, text := range categories {
		position[c.code[text]] = i
	}
	return categories, position
}

// compareLabels orders labels by number if all of them are numbers, by text otherwise.
func compareLabels(labels *column) func(a, b string) int {
	if labels.tooLarge.line > 0 || labels.notNumber.line > 0 {
		return strings.Compare
	}
	return func(a, b string) int {
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a, b))
	}
}
