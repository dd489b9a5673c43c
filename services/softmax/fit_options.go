package softmax

import (
	"cmp"
	"math"
)

// FitOptions say how to fit. The zero value is scikit-learn's regularisation, fitted to a
// tolerance at which the weights agree with an exact solution to about six digits; where columns are
// nearly sums of others, and without an intercept far from 0, to fewer: [FitResult.Distance] tells.
type FitOptions struct {
	// C is the inverse regularisation strength: the larger, the freer the weights. From 1e-150
	// to 1e150; 0: 1.
	C float64
	// Unpenalised leaves the penalty out; C and L1Ratio are then not set. Rows that a linear rule
	// tells apart without a mistake have no best weights then: they grow until the tolerance is
	// met, when every such row has its class almost for certain.
	Unpenalised bool
	// L1Ratio is the share of the penalty that goes by the magnitudes of the weights in place of
	// their squares, from 0 to 1: the penalty is (1/C) · (L1Ratio · Σ|w| + (1-L1Ratio)/2 · Σw²).
	// Above 0, weights of no use are exactly 0.
	L1Ratio float64
	// Standardise applies the penalty to the weights that the numeric columns would have if each
	// were divided by its standard deviation over the rows, not weighted, with a divisor of n; a
	// constant column counts as one of deviation 1. One-hot columns are penalised as they are.
	// The weights of the model are those for the values as given all the same.
	Standardise bool
	// NoIntercept fixes the intercepts at 0.
	NoIntercept bool
	// ClassWeights, one per class, from 0 to 1e150, multiply the weights of the rows of each
	// class. Nil: 1. See [BalancedWeights].
	ClassWeights []float64
	// Start is a model of the same encoded columns and classes to start from; nil: weights of 0.
	// It changes how long a fit takes, and the result no more than the tolerance allows.
	Start *Model
	// Workers is the number of goroutines that share the work, at least 0; 0: GOMAXPROCS. The
	// result is the same, bit for bit, for any number.
	Workers int
	// Float32 makes the fit work on a copy of the rows rounded to float32, in half of their
	// memory: each value is off by at most 6e-8 of its magnitude, after each column was centred at
	// its mean, and the model is the exact one of rows so rounded. Sparse rows stay as they are.
	Float32 bool
	// Tolerance says how small the gradient of the objective must become: the fit has converged
	// when its derivative by each weight and intercept is at most Tolerance × √(w·h), where w is
	// the sum of the rows' weights and h the objective's second derivative by the same weight
	// where all weights are 0; for this, the columns are centred at their means unless
	// NoIntercept is set. That is about Tolerance × half the number of rows × the standard
	// deviation of the column, so that neither the units of the features nor the number of rows
	// matter. Where there is a penalty, up to five more iterations see to it that the weights'
	// part of [FitResult.Gap] is at most Tolerance × the objective, and the derivatives by the
	// intercepts at most 100 × that, as far as rounding allows.
	// Finite and not negative; 0: 1e-11.
	Tolerance float64
	// MaxIterations bounds the iterations of the solver. Not negative; 0: 10000.
	MaxIterations int
	// Progress, unless nil, is called after each iteration, on the goroutine that called Fit:
	// the solver waits for it.
	Progress func(FitProgress)
}

const (
	defaultC             = 1.0
	defaultTolerance     = 1e-11
	defaultMaxIterations = 10000
)

func (o FitOptions) withDefaults() (FitOptions, error) {
	if o.Unpenalised && (o.C != 0 || o.L1Ratio != 0) {
		return o, undefined("options.Unpenalised", "there is no penalty for C or L1Ratio to set: leave them 0")
	}
	o.C = cmp.Or(o.C, defaultC)
	o.Tolerance = cmp.Or(o.Tolerance, defaultTolerance)
	o.MaxIterations = cmp.Or(o.MaxIterations, defaultMaxIterations)
	switch {
	case !(o.C >= 1/maxMagnitude && o.C <= maxMagnitude):
		return o, undefined("options.C", "is %v, expected a number from 1e-150 to 1e150, or 0 for %v", o.C, defaultC)
	case !(o.L1Ratio >= 0 && o.L1Ratio <= 1):
		return o, undefined("options.L1Ratio", "is %v, expected a number from 0 to 1", o.L1Ratio)
	case !(o.Tolerance > 0) || math.IsInf(o.Tolerance, 1):
		return o, undefined("options.Tolerance", "is %v, expected a finite number above 0, or 0 for %v", o.Tolerance, defaultTolerance)
	case o.MaxIterations < 0:
		return o, undefined("options.MaxIterations", "is %d, expected at least 1, or 0 for %d", o.MaxIterations, defaultMaxIterations)
	case o.Workers < 0:
		return o, undefined("options.Workers", "is %d, expected at least 1, or 0 for one per processor", o.Workers)
	}
	return o, nil
}

// fits returns an error unless the options suit signature and classes.
func (o *FitOptions) fits(signature *Signature, classes []string) error {
	if o.ClassWeights != nil && len(o.ClassWeights) != len(classes) {
		return undefined("options.ClassWeights", "has %d values, expected %d: one per class", len(o.ClassWeights), len(classes))
	}
	for k, w := range o.ClassWeights {
		if !(w >= 0 && w <= maxMagnitude) {
			return undefined("options.ClassWeights", "value %d is %v, expected a number from 0 to 1e150", k, w)
		}
		if w == 0 {
			return &EmptyClassError{Class: classes[k]}
		}
	}
	if o.Start == nil || signature == nil {
		return nil
	}
	start := o.Start
	switch {
	case start.link != LinkSoftmax:
		return undefined("options.Start", "was fitted one class against the rest, expected a softmax")
	case len(start.classes) != len(classes):
		return undefined("options.Start", "has %d classes, expected %d", len(start.classes), len(classes))
	case start.signature.width != signature.width:
		return undefined("options.Start", "has %d encoded columns, expected %d", start.signature.width, signature.width)
	}
	return nil
}
