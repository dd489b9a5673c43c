package trainer

import (
	"fmt"
	"math"

	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
)

// Options say how to train. Start from [DefaultOptions]: the zero value is not valid.
type Options struct {
	// Name and Version are those of the model; see [native.CheckName], [native.CheckVersion].
	Name, Version string
	// C is the inverse regularisation strength, from 1e-150 to 1e150: the larger, the freer the
	// weights.
	C float64
	// NoIntercept fixes the intercepts at 0.
	NoIntercept bool
	// Tolerance is when a fit has converged; see [softmax.FitOptions]. Finite and at least 0;
	// 0: what the engine takes by default.
	Tolerance float64
	// MaxIterations bounds the iterations of each fit, at least 0; 0: as many as the engine
	// allows by default.
	MaxIterations int
	// HoldOut is the share of the rows to hold out for evaluation, at least 0 and less than 1;
	// 0: none.
	HoldOut float64
	// Folds is the number of folds of the cross-validation, 0 or at least 2; 0: none. Where a
	// class has fewer rows than there are folds, as many folds are made as it has rows.
	Folds int
	// Seed is the seed of the choice of the rows held out and of the folds.
	Seed uint32
	// Progress, unless nil, is called after each iteration of each fit, on the goroutine that
	// called Train, which waits for it.
	Progress func(Progress)
}

// DefaultOptions returns what is sensible where nothing else is said. The name is left empty.
func DefaultOptions() Options {
	return Options{
		Version: "v1.0.0",
		C:       1,
		HoldOut: 0.2,
		Folds:   5,
		Seed:    1,
	}
}

// OptionError says that an option has a value that it cannot have.
type OptionError struct {
	// Option is the name of the field of [Options].
	Option string
	// Problem says what is wrong and what was expected.
	Problem string
}

func (e *OptionError) Error() string { return e.Option + ": " + e.Problem }

// The engine's bounds; see [softmax.FitOptions].
const minC, maxC = 1e-150, 1e150

// Check returns a [*native.FormatError] for a name or version, or an [*OptionError], if Train would.
func (o *Options) Check() error {
	if err := native.CheckName(o.Name); err != nil {
		return err
	}
	if err := native.CheckVersion(o.Version); err != nil {
		return err
	}
	refuse := func(option string, got any, want string) error {
		return &OptionError{Option: option, Problem: fmt.Sprintf("is %v, expected %s", got, want)}
	}
	switch {
	case !(o.C >= minC && o.C <= maxC):
		return refuse("C", o.C, "a number from 1e-150 to 1e150")
	case !(o.Tolerance >= 0) || math.IsInf(o.Tolerance, 1):
		return refuse("Tolerance", o.Tolerance, "a finite number of at least 0")
	case o.MaxIterations < 0:
		return refuse("MaxIterations", o.MaxIterations, "at least 0")
	case !(o.HoldOut >= 0 && o.HoldOut < 1):
		return refuse("HoldOut", o.HoldOut, "a share of at least 0 and less than 1")
	case o.Folds < 0 || o.Folds == 1:
		return refuse("Folds", o.Folds, "0 for no cross-validation, or at least 2")
	}
	return nil
}

func (o *Options) fitOptions(stage Progress) softmax.FitOptions {
	options := softmax.FitOptions{
		C:             o.C,
		NoIntercept:   o.NoIntercept,
		Tolerance:     o.Tolerance,
		MaxIterations: o.MaxIterations,
	}
	if o.Progress != nil {
		options.Progress = func(p softmax.FitProgress) {
			stage.Iteration, stage.Objective, stage.GradientMax = p.Iteration, p.Objective, p.GradientMax
			o.Progress(stage)
		}
	}
	return options
}
