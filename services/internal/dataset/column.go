package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sepal-ml/sepal/services/softmax"
)

const (
	// MaxCategories is the number of categories that a column, and of classes that the label, may
	// have.
	MaxCategories = 1000
	// MaxTexts is the number of distinct texts that a column may have where rare categories are
	// merged. They are held until the last row is read.
	MaxTexts = 100_000
	// MaxMagnitude bounds the numbers of a column: the engine fits no larger ones.
	MaxMagnitude = 1e150
)

// column gathers what the values of one column are. It stays open whether they are numbers or
// categories for as long as they can be either: an early "1" may be a category after all. While
// it is open, each distinct text has a code, and the codes stand where the values will.
//
// Its errors lack the path of the file, and have their place as a line.
type column struct {
	name        string
	categorical bool // the values are categories even if they read as numbers
	numeric     bool // what stands in the rows are numbers, not codes
	needed      bool // a missing value is an error
	limit       int  // of distinct texts, unless all are numbers

	fixed    *softmax.Feature   // the feature of the schema; nil: none, and what follows counts
	position map[string]float64 // of its categories

	code      map[string]int32 // of each distinct text
	texts     []string         // of each code
	numbers   []float64        // of each code, NaN where the text is none
	counts    []int            // rows of each code
	closing   func(numbers []float64)
	missing   []int    // rows without a value, ascending
	present   int      // rows with one
	tooLarge  sighting // first value that is a number, but infinite or too large
	notNumber sighting // first value that is no number
	turned    sighting // first value that is a text by its type, and made the column categorical
}

// sighting is a value worth telling of; at 0: none was seen.
type sighting struct {
	at   int
	text string
}

func newColumn(name string, categorical bool) *column {
	return &column{name: name, categorical: categorical, limit: MaxCategories, code: make(map[string]int32)}
}

// miss takes a row that has no value but that text, nil for the null of a typed format.
func (c *column) miss(text []byte, row, at int) (float64, *Error) {
	if c.needed {
		shown := "null"
		if text != nil {
			shown = strconv.Quote(brief(text))
		}
		return 0, c.fail(at, "the value is missing (%s); impute missing values, or remove the row", shown)
	}
	c.missing = append(c.missing, row)
	return math.NaN(), nil
}

// add takes the text of a row and returns what is to stand there: a number, a code, or NaN
// where the value is missing.
func (c *column) add(text []byte, row, at int) (float64, *Error) {
	if c.numeric {
		if number, ok := parseNumber(text); ok && math.Abs(number) <= MaxMagnitude {
			c.present++
			return number, nil
		}
	}
	if missing(text) {
		if text == nil { // an empty cell, not null
			text = []byte{}
		}
		return c.miss(text, row, at)
	}
	c.present++
	if c.fixed != nil {
		return c.fit(text, at)
	}
	if !c.numeric {
		if code, known := c.code[string(text)]; known {
			c.counts[code]++
			return float64(code), nil
		}
		return c.addNew(string(text), at)
	}
	c.parse(string(text), at)
	return 0, c.tooMany(at)
}

// addNumber takes the number of a row, of a column whose values are numbers by their type.
func (c *column) addNumber(number float64, row, at int) (float64, *Error) {
	if math.IsNaN(number) {
		return c.miss([]byte("NaN"), row, at)
	}
	c.present++
	if math.Abs(number) > MaxMagnitude {
		return 0, c.fail(at, notInRange, strconv.FormatFloat(number, 'g', -1, 64), MaxMagnitude)
	}
	return number, nil
}

// addNew takes a text that was not seen before.
func (c *column) addNew(text string, at int) (float64, *Error) {
	number := c.parse(text, at)
	if len(c.texts) >= MaxCategories && c.allNumbers() {
		c.closing(c.numbers)
		c.code, c.texts, c.numbers, c.counts = nil, nil, nil, nil
		c.numeric = true
		return number, nil
	}
	if len(c.texts) >= c.limit || c.allNumbers() && len(c.texts) >= MaxCategories {
		return 0, c.tooMany(at)
	}
	if !utf8.ValidString(text) {
		return 0, c.fail(at, "%q is not UTF-8 text", brief(text))
	}
	code := int32(len(c.texts))
	c.code[text] = code
	c.texts = append(c.texts, text)
	c.numbers = append(c.numbers, number)
	c.counts = append(c.counts, 1)
	return float64(code), nil
}

// parse returns the number that text is, NaN if it is none, and remembers it if it is odd.
func (c *column) parse(text string, at int) float64 {
	number, ok := parseNumber([]byte(text))
	switch {
	case math.Abs(number) > MaxMagnitude: // infinite too
		if c.tooLarge.at == 0 {
			c.tooLarge = sighting{at, brief(text)}
		}
	case !ok:
		if c.notNumber.at == 0 {
			c.notNumber = sighting{at, brief(text)}
		}
	default:
		return number
	}
	return math.NaN()
}

// allNumbers reports whether all the values seen are finite numbers and may be taken as such.
func (c *column) allNumbers() bool {
	return !c.categorical && c.tooLarge.at == 0 && c.notNumber.at == 0
}

// mostlyNumbers reports whether values that are no numbers look like slips.
func (c *column) mostlyNumbers() bool {
	if c.categorical {
		return false
	}
	return c.numeric || c.numbersPrevail()
}

// numbersPrevail reports whether more than half of the values read as numbers.
func (c *column) numbersPrevail() bool {
	numbers := 0
	for code, n := range c.counts {
		if !math.IsNaN(c.numbers[code]) {
			numbers += n
		}
	}
	return numbers > c.present/2
}

// numbersWithCommas reports whether all the texts would be numbers if commas were points, or nothing.
func (c *column) numbersWithCommas() bool {
	if c.categorical || len(c.texts) == 0 {
		return false
	}
	return !slices.ContainsFunc(c.texts, func(text string) bool {
		_, decimal := parseNumber([]byte(strings.Replace(text, ",", ".", 1)))
		_, grouped := parseNumber([]byte(strings.ReplaceAll(text, ",", "")))
		return !decimal && !grouped
	})
}

const notInRange = "%q is not a finite number of at most %g in magnitude"

// tooMany says why a column whose values are not all numbers cannot have so many of them.
func (c *column) tooMany(at int) *Error {
	if odd := c.notNumber; odd.at > 0 && c.mostlyNumbers() {
		return c.fail(odd.at, "%q is not a number, and with more than %d distinct values the column cannot be categorical; correct the cell, or drop the column",
			odd.text, c.limit)
	}
	if odd := c.notNumber; odd.at > 0 && c.numbersWithCommas() {
		return c.fail(odd.at, "%q is not a number, for which a comma stands for nothing; write a point before decimals, and nothing between thousands", odd.text)
	}
	if odd := c.tooLarge; !c.categorical && odd.at > 0 && c.notNumber.at == 0 {
		return c.fail(odd.at, notInRange, odd.text, MaxMagnitude)
	}
	return c.fail(at, "has more than %d distinct values, too many for a categorical column; if it identifies rows, drop it", c.limit)
}

func (c *column) fail(at int, format string, args ...any) *Error {
	return &Error{Line: at, Column: c.name, Problem: fmt.Sprintf(format, args...)}
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
	if labels.tooLarge.at > 0 || labels.notNumber.at > 0 {
		return strings.Compare
	}
	number := func(text string) float64 { return labels.numbers[labels.code[text]] }
	return func(a, b string) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), strings.Compare(a, b))
	}
}
