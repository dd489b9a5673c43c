package softmax

import (
	"context"

	"github.com/sepal-ml/sepal/services/softmax/internal/solver"
)

// Fit finds the weights that minimise
//
//	sum_i w_i · -ln p(label_i | row_i)  +  1/(2C) · sum_kd weights_kd²
//
// over the rows i with weight w_i (times that of the class), classes k and encoded columns d; the
// options tell of other penalties. The intercepts are not penalised. The minimum is unique: for three classes and more the intercepts, which only
// matter up to a common summand, sum to 0; of two classes the first has no weights and no
// intercept, so that those of the second are the log-odds (binomial logistic regression). Both
// are what scikit-learn's LogisticRegression minimises.
//
// Every class named must occur among the rows. The same arguments give the same bits on the
// same kind of processor, for any number of workers. Rows of numbers are read where they lie, and
// one-hot columns are made a block of rows at a time: where rows take many megabytes, the fit takes
// less than a fifth of that beside them, and some twenty vectors as long as the model's weights.
// Sparse rows are copied once, by columns, and where features have so many categories that there
// are more than 256 columns, the rows are copied as sparse ones first.
//
// The error is the context's if that ends first; it is looked at at every block of rows. Trouble
// with the samples is a [*ShapeError], a [*ValueError], a [*WeightError], a [*LabelError] or an
// [*EmptyClassError]; with the classes or options, a [*DefinitionError]. A fit that stops short of
// its tolerance is a [*NotConvergedError], which has the result.
func Fit(ctx context.Context, signature *Signature, classes []string, samples Samples, options FitOptions) (*FitResult, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := options.fits(signature, classes); err != nil {
		return nil, err
	}
	if err := checkSamples(ctx, signature, classes, &samples, options.ClassWeights); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	problem, err := design(ctx, signature, len(classes), &samples, options)
	if err != nil {
		return nil, err
	}
	defer problem.Release()
	found, err := solver.Minimise(ctx, problem, options.forSolver(problem))
	if err != nil {
		return nil, err
	}
	result, err := newResult(signature, classes, problem, found)
	if err != nil {
		return nil, err
	}
	if !result.Converged {
		return nil, &NotConvergedError{Result: result, Cause: found.Stalled}
	}
	return result, nil
}

func (o *FitOptions) forSolver(problem *solver.Problem) solver.Options {
	options := solver.Options{Tolerance: o.Tolerance, MaxIterations: o.MaxIterations}
	if o.Start != nil {
		d := o.Start.Definition()
		options.Start = problem.Variables(d.Weights, d.Intercepts)
	}
	if o.Progress != nil {
		options.Report = func(p solver.Progress) { o.Progress(FitProgress(p)) }
	}
	return options
}

func newResult(signature *Signature, classes []string, problem *solver.Problem, found *solver.Result) (*FitResult, error) {
	weights, intercepts := problem.Weights(found.X)
	model, err := NewModel(Definition{
		Signature: signature, Classes: classes,
		Weights: weights, Intercepts: intercepts, Reference: problem.Mean(),
	})
	if err != nil {
		return nil, err
	}
	return &FitResult{
		Model:        model,
		Solver:       found.Method,
		Iterations:   found.Iteration,
		Passes:       int(found.Passes + 0.5),
		Converged:    found.Converged,
		Objective:    found.Objective,
		GradientMax:  found.GradientMax,
		GradientNorm: problem.GradientNorm(found.Gradient),
		Gap:          found.Gap,
		Distance:     found.Distance,
	}, nil
}
