package softmax

import (
	"fmt"
	"strconv"
)

// ShapeError says that a row has the wrong number of values.
type ShapeError struct {
	// Row is the zero-based position of the row among the rows given.
	Row int
	// Got and Want are numbers of values.
	Got, Want int
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("row %d has %d values, expected %d", e.Row, e.Got, e.Want)
}

// ValueError says that a value of a row cannot be used: it is NaN or infinite, or it is no
// category of its feature.
type ValueError struct {
	// Row and Column are the zero-based position of the value; Column counts features.
	Row, Column int
	// Feature is the name of the feature.
	Feature string
	// Value is the value refused.
	Value float64
	// Want says what is expected, such as "a finite number".
	Want string
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("row %d, column %d (%s): %s is not %s",
		e.Row, e.Column, e.Feature, strconv.FormatFloat(e.Value, 'g', -1, 64), e.Want)
}

// OverflowError says that a row of finite values is so large that a logit is not finite.
type OverflowError struct {
	// Row is the zero-based position of the row among the rows given.
	Row int
	// Class is the name of the class whose logit overflows.
	Class string
}

func (e *OverflowError) Error() string {
	return fmt.Sprintf("row %d: the logit of class %q is not finite: the values are too large", e.Row, e.Class)
}

// DefinitionError says that a signature or a model cannot be made as asked.
type DefinitionError struct {
	// Field names the part at fault, such as "features[2].name" or "weights".
	Field string
	// Problem says what is wrong with it.
	Problem string
}

func (e *DefinitionError) Error() string { return e.Field + ": " + e.Problem }

func undefined(field, format string, args ...any) error {
	return &DefinitionError{Field: field, Problem: fmt.Sprintf(format, args...)}
}
