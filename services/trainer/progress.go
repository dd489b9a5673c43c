package trainer

import "fmt"

// Stage is a part of a training.
type Stage string

const (
	// Tuning is the fits of each fold for each C to choose from.
	Tuning Stage = "tuning"
	// CrossValidation is the fits that are evaluated on a fold each.
	CrossValidation Stage = "cross-validation"
	// HoldOut is the fit that is evaluated on the rows held out.
	HoldOut Stage = "hold-out"
	// FinalFit is the fit of the model to all rows.
	FinalFit Stage = "final fit"
)

// Progress is how far a training has come.
type Progress struct {
	// Stage is the part under way.
	Stage Stage
	// Fold counts from 1 to Folds in tuning and in a cross-validation; both are 0 elsewhere.
	Fold, Folds int
	// C is, in the error of a fit of the tuning, the C that was tried; 0 elsewhere.
	C float64
	// Iteration counts from 1 in each fit.
	Iteration int
	// Objective and GradientMax are as in [softmax.FitProgress].
	Objective, GradientMax float64
}

// String says where the training is, such as "cross-validation, fold 2 of 5".
func (p Progress) String() string {
	text := string(p.Stage)
	if p.Fold > 0 {
		text += fmt.Sprintf(", fold %d of %d", p.Fold, p.Folds)
	}
	if p.C > 0 {
		text += fmt.Sprintf(", C %g", p.C)
	}
	return text
}

// FitError says in which part of a training a fit failed.
type FitError struct {
	// At is the part; its Iteration is 0.
	At Progress
	// Err is the engine's error, such as a [*softmax.NotConvergedError].
	Err error
}

func (e *FitError) Error() string { return e.At.String() + ": " + e.Err.Error() }

func (e *FitError) Unwrap() error { return e.Err }
