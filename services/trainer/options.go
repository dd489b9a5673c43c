package trainer

import (
	"fmt"
	"math"
	"slices"

	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// Options say how to train. Start from [DefaultOptions]: the zero value is not valid.
type Options struct {
	// Name and Version are those of the model; see [native.CheckName], [native.CheckVersion].
	Name, Version string
	// C is the inverse regularisation strength, from 1e-150 to 1e150: the larger, the freer the
	// weights. It says nothing where Unpenalised or Grid is set.
	C float64
	// Grid are the values of C to choose from by cross-validation: each from 1e-150 to 1e150,
	// distinct. The one of the lowest mean log-loss wins, the smallest of several. Nil: C is used.
	// It needs Folds, and cannot be set with Unpenalised.
	Grid []float64
	// Unpenalised leaves the penalty out.
	Unpenalised bool
	// L1Ratio is the share of the penalty that goes by the magnitudes of the weights, 0 to 1: 0 is
	// L2, 1 is L1; see [softmax.FitOptions].
	L1Ratio float64
	// Standardise applies the penalty to the weights of standardised numeric features. The
	// weights of the model are for the values as they are all the same.
	Standardise bool
	// Balanced weighs the rows of each class so that every class counts the same; see
	// [softmax.BalancedWeights]. In an evaluation it goes by the rows that are fitted.
	Balanced bool
	// ClassWeights multiply the weights of the rows of the classes of these names, above 0 and
	// at most 1e150; those not named weigh 1. Not with Balanced.
	ClassWeights map[string]float64
	// Calibrate divides the logits by a temperature, chosen so that the probabilities of the rows
	// of each fold, by the model fitted without them, have the lowest log-loss. It needs Folds.
	Calibrate bool
	// NoIntercept fixes the intercepts at 0.
	NoIntercept bool
	// Tolerance is when a fit has converged; see [softmax.FitOptions]. Finite and at least 0;
	// 0: what the engine takes by default.
	Tolerance float64
	// MaxIterations bounds the iterations of each fit, at least 0; 0: as many as the engine
	// allows by default.
	MaxIterations int
	// Workers is the number of goroutines that share the work, at least 0; 0: one per processor.
	// The model does not depend on it.
	Workers int
	// Float32 fits on a copy of the rows rounded to float32; see [softmax.FitOptions].
	Float32 bool
	// HoldOut is the share of the rows to hold out for evaluation, at least 0 and less than 1;
	// 0: none. With Grid or Calibrate these rows have no part in the cross-validation: they stay
	// unseen.
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

// DefaultGrid returns the values of C that are worth a try, from 1e-4 to 1e4, two to a decade.
func DefaultGrid() []float64 {
	grid := make([]float64, 17)
	for i := range grid {
		grid[i] = math.Pow(10, float64(i)/2-4)
	}
	return grid
}

// OptionError says that an option has a value that it cannot have.
type OptionError struct {
	// Option is the name of the field of [Options].
	Option string
	// Problem says what is wrong and what was expected.
	Problem string
}

func (e *OptionError) Error() string { return e.Option + ": " + e.Problem }

func refuse(option, format string, args ...any) error {
	return &OptionError{Option: option, Problem: fmt.Sprintf(format, args...)}
}

// The engine's bounds; see [softmax.FitOptions].
const (
	minC, maxC     = 1e-150, 1e150
	maxClassWeight = 1e150
)

// Check returns a [*native.FormatError] for a name or version, or an [*OptionError], if Train would.
func (o *Options) Check() error {
	if err := native.CheckName(o.Name); err != nil {
		return err
	}
	if err := native.CheckVersion(o.Version); err != nil {
		return err
	}
	switch {
	case !(o.C >= minC && o.C <= maxC):
		return refuse("C", "is %v, expected a number from 1e-150 to 1e150", o.C)
	case !(o.L1Ratio >= 0 && o.L1Ratio <= 1):
		return refuse("L1Ratio", "is %v, expected a number from 0 to 1", o.L1Ratio)
	case o.L1Ratio > 0 && o.Unpenalised:
		return refuse("L1Ratio", "is %v, expected 0: there is no penalty to share out", o.L1Ratio)
	case !(o.Tolerance >= 0) || math.IsInf(o.Tolerance, 1):
		return refuse("Tolerance", "is %v, expected a finite number of at least 0", o.Tolerance)
	case o.MaxIterations < 0:
		return refuse("MaxIterations", "is %d, expected at least 0", o.MaxIterations)
	case o.Workers < 0:
		return refuse("Workers", "is %d, expected at least 1, or 0 for one per processor", o.Workers)
	case !(o.HoldOut >= 0 && o.HoldOut < 1):
		return refuse("HoldOut", "is %v, expected a share of at least 0 and less than 1", o.HoldOut)
	case o.Folds < 0 || o.Folds == 1:
		return refuse("Folds", "is %d, expected 0 for no cross-validation, or at least 2", o.Folds)
	case o.Folds == 0 && o.Grid != nil:
		return refuse("Folds", "is 0, expected at least 2: C is chosen by cross-validation")
	case o.Folds == 0 && o.Calibrate:
		return refuse("Folds", "is 0, expected at least 2: the temperature is chosen on the rows of the folds")
	}
	if err := o.checkGrid(); err != nil {
		return err
	}
	return o.checkClassWeights()
}

func (o *Options) checkGrid() error {
	switch {
	case o.Grid == nil:
		return nil
	case o.Unpenalised:
		return refuse("Grid", "is given, but there is no penalty to choose")
	case len(o.Grid) == 0:
		return refuse("Grid", "is empty, expected at least one value of C")
	}
	for i, c := range o.Grid {
		if !(c >= minC && c <= maxC) {
			return refuse("Grid", "has %v, expected numbers from 1e-150 to 1e150", c)
		}
		if slices.Contains(o.Grid[:i], c) {
			return refuse("Grid", "has %v twice", c)
		}
	}
	return nil
}

func (o *Options) checkClassWeights() error {
	if o.Balanced && o.ClassWeights != nil {
		return refuse("ClassWeights", "are given, but the classes are to be balanced, expected one of the two")
	}
	for _, name := range sortedKeys(o.ClassWeights) {
		if w := o.ClassWeights[name]; !(w > 0 && w <= maxClassWeight) {
			return refuse("ClassWeights", "has %v for class %q, expected a number above 0, of at most 1e150; to leave a class out, leave out its rows", w, name)
		}
	}
	return nil
}
