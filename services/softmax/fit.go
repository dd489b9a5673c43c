package softmax

import (
	"cmp"
	"context"
	"math"
)

// Samples are labelled rows to fit a model to. n is the number of labels.
type Samples struct {
	// Rows are row-major n × Signature.Len(); a category stands as its position. Every value
	// fits the signature and is at most 1e150 in magnitude.
	Rows []float64
	// Labels are n positions of classes. Every class has a row whose weight is not 0.
	Labels []int
	// Weights are n values from 0 to 1e150: a row of weight 2 counts as two rows, one of
	// weight 0 as none. Nil: every row weighs 1.
	Weights []float64
}

// FitOptions say how to fit. The zero value is scikit-learn's regularisation, fitted to a
// tolerance at which the weights agree with an exact solution to about six digits.
type FitOptions struct {
	// C is the inverse regularisation strength: the larger, the freer the weights. From 1e-150
	// to 1e150; 0: 1.
	C float64
	// NoIntercept fixes the intercepts at 0.
	NoIntercept bool
	// Tolerance says how small the gradient of the objective must become: the fit has converged
	// when its derivative by each weight and intercept is at most Tolerance × √(w·h), where w is
	// the sum of the rows' weights and h the objective's second derivative by the same weight
	// where all weights are 0; for this, the columns are centred at their means unless
	// NoIntercept is set. That is about Tolerance × half the number of rows × the standard
	// deviation of the column, so that neither the units of the features nor the number of rows
	// matter. Finite and not negative; 0: 1e-11.
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

// FitProgress is how far a fit has come.
type FitProgress struct {
	// Iteration counts from 1.
	Iteration int
	// Objective is the value of the objective, in nats.
	Objective float64
	// GradientMax is the largest magnitude among the objective's derivatives by the weights
	// and intercepts of the model.
	GradientMax float64
}

// FitResult is a fitted model and how it came about.
type FitResult struct {
	// Model is the model. Its reference row is the mean of the encoded rows, by weight.
	Model *Model
	// Solver is the name of the solver: "lbfgs".
	Solver string
	// Iterations is the number of iterations made.
	Iterations int
	// Converged says whether the tolerance was met.
	Converged bool
	// Objective and GradientMax are as in FitProgress, at the weights of the model.
	Objective, GradientMax float64
}

// Fit finds the weights that minimise
//
//	sum_i w_i · -ln p(label_i | row_i)  +  1/(2C) · sum_kd weights_kd²
//
// over the rows i with weight w_i, classes k and encoded columns d. The intercepts are not
// penalised. The minimum is unique: for three classes and more the intercepts, which only
// matter up to a common summand, sum to 0; of two classes the first has no weights and no
// intercept, so that those of the second are the log-odds (binomial logistic regression). Both
// are what scikit-learn's LogisticRegression minimises.
//
// Every class named must occur among the rows. The same arguments give the same bits on the
// same kind of processor. The solver's memory is one encoded copy of the rows.
//
// The error is the context's if that ends first; it is looked at at every evaluation of the
// objective. Trouble with the samples is a [*ShapeError], a [*ValueError], a [*WeightError], a
// [*LabelError] or an [*EmptyClassError]; with the classes or options, a [*DefinitionError]. A
// fit that stops short of its tolerance is a [*NotConvergedError], which has the result.
func Fit(ctx context.Context, signature *Signature, classes []string, samples Samples, options FitOptions) (*FitResult, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkSamples(signature, classes, &samples); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d := newDesign(signature, &samples, len(classes), options)
	run := newSolver(newObjective(d, len(classes)), options)
	if err := run.minimise(ctx); err != nil {
		return nil, err
	}
	model, err := NewModel(run.definition(signature, classes))
	if err != nil {
		return nil, err
	}
	result := &FitResult{
		Model:       model,
		Solver:      "lbfgs",
		Iterations:  run.progress.Iteration,
		Converged:   run.converged,
		Objective:   run.progress.Objective,
		GradientMax: run.progress.GradientMax,
	}
	if !result.Converged {
		return nil, &NotConvergedError{Result: result, Cause: run.stalled}
	}
	return result, nil
}

func (o FitOptions) withDefaults() (FitOptions, error) {
	o.C = cmp.Or(o.C, defaultC)
	o.Tolerance = cmp.Or(o.Tolerance, defaultTolerance)
	o.MaxIterations = cmp.Or(o.MaxIterations, defaultMaxIterations)
	switch {
	case !(o.C >= 1/maxMagnitude && o.C <= maxMagnitude):
		return o, undefined("options.C", "is %v, expected a number from 1e-150 to 1e150, or 0 for %v", o.C, defaultC)
	case !(o.Tolerance > 0) || math.IsInf(o.Tolerance, 1):
		return o, undefined("options.Tolerance", "is %v, expected a finite number above 0, or 0 for %v", o.Tolerance, defaultTolerance)
	case o.MaxIterations < 0:
		return o, undefined("options.MaxIterations", "is %d, expected at least 1, or 0 for %d", o.MaxIterations, defaultMaxIterations)
	}
	return o, nil
}
