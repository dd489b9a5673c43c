package softmax

import (
	"fmt"
	"strconv"
)

// LabelError says that a label is not the position of a class.
type LabelError struct {
	// Row is the zero-based position of the row.
	Row int
	// Label is the label refused.
	Label int
	// Classes is the number of classes.
	Classes int
}

func (e *LabelError) Error() string {
	return fmt.Sprintf("row %d: label %d is not the position of a class, 0 to %d", e.Row, e.Label, e.Classes-1)
}

// EmptyClassError says that a class has no row to learn from, or only rows of weight 0.
type EmptyClassError struct {
	// Class is the name of the class.
	Class string
}

func (e *EmptyClassError) Error() string {
	return fmt.Sprintf("class %q has no row of a weight above 0: give it rows or leave it out", e.Class)
}

// WeightError says that a row's weight is not a number from 0 to 1e150.
type WeightError struct {
	// Row is the zero-based position of the row.
	Row int
	// Weight is the weight refused.
	Weight float64
}

func (e *WeightError) Error() string {
	return fmt.Sprintf("row %d: weight %s is not a number from 0 to %g",
		e.Row, strconv.FormatFloat(e.Weight, 'g', -1, 64), float64(maxMagnitude))
}

// NotConvergedError says that a fit stopped before it met its tolerance.
type NotConvergedError struct {
	// Result is what was reached; its model is usable.
	Result *FitResult
	// Cause says why the solver could go no further; nil if it ran out of iterations.
	Cause error
}

func (e *NotConvergedError) Error() string {
	reached := fmt.Sprintf("the fit has not converged after %d iterations: the largest gradient is %.3g",
		e.Result.Iterations, e.Result.GradientMax)
	if e.Cause != nil {
		return fmt.Sprintf("%s and rounding lets the solver go no further: allow a larger tolerance (%v)", reached, e.Cause)
	}
	return reached + ": allow more iterations or a larger tolerance"
}

// Unwrap returns Cause.
func (e *NotConvergedError) Unwrap() error { return e.Cause }
