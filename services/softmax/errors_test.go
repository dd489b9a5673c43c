package softmax_test

import (
	"errors"
	"math"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestErrorsSayWhatAndWhere(t *testing.T) {
	t.Parallel()
	short := &softmax.FitResult{Iterations: 7, GradientMax: 0.03125}
	for want, err := range map[string]error{
		"row 3 has 2 values, expected 4": &softmax.ShapeError{Row: 3, Got: 2, Want: 4},
		"row 3, column 1 (age): NaN is not a finite number": &softmax.ValueError{
			Row: 3, Column: 1, Feature: "age", Value: math.NaN(), Want: "a finite number",
		},
		`row 3: the logit of class "yes" is not finite: the values are too large`: &softmax.OverflowError{Row: 3, Class: "yes"},
		"features[2].name: is empty":                                                                                                &softmax.DefinitionError{Field: "features[2].name", Problem: "is empty"},
		"row 3: label 5 is not the position of a class, 0 to 2":                                                                     &softmax.LabelError{Row: 3, Label: 5, Classes: 3},
		`class "yes" has no row of a weight above 0: give it rows or leave it out`:                                                  &softmax.EmptyClassError{Class: "yes"},
		"row 3: weight -0.5 is not a number from 0 to 1e+150":                                                                       &softmax.WeightError{Row: 3, Weight: -0.5},
		"the fit has not converged after 7 iterations: the largest gradient is 0.0312: allow more iterations or a larger tolerance": &softmax.NotConvergedError{Result: short},
		"the fit has not converged after 7 iterations: the largest gradient is 0.0312 and rounding lets the solver go no further: allow a larger tolerance (stuck)": &softmax.NotConvergedError{
			Result: short, Cause: errors.New("stuck"),
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%T says %q, expected %q", err, got, want)
		}
	}
}
