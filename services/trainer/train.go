package trainer

import (
	"context"
	"fmt"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
)

// Stage is a part of a training.
type Stage string

const (
	// HoldOut is the fit that is evaluated on the rows held out.
	HoldOut Stage = "hold-out"
	// CrossValidation is the fits that are evaluated on a fold each.
	CrossValidation Stage = "cross-validation"
	// FinalFit is the fit of the model to all rows.
	FinalFit Stage = "final fit"
)

// Progress is how far a training has come.
type Progress struct {
	// Stage is the part under way.
	Stage Stage
	// Fold counts from 1 to Folds in a cross-validation; both are 0 elsewhere.
	Fold, Folds int
	// Iteration counts from 1 in each fit.
	Iteration int
	// Objective and GradientMax are as in [softmax.FitProgress].
	Objective, GradientMax float64
}

// String says where the training is, such as "cross-validation, fold 2 of 5".
func (p Progress) String() string {
	if p.Fold == 0 {
		return string(p.Stage)
	}
	return fmt.Sprintf("%s, fold %d of %d", p.Stage, p.Fold, p.Folds)
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

// Result is a trained model.
type Result struct {
	// Model is the message of the model file, complete and valid.
	Model *modelv1.Model
	// CrossConfusion is the confusion matrix of the cross-validation, summed over the folds,
	// laid out as in HoldOutMetrics; nil if there was none.
	CrossConfusion []uint32
}

// Train evaluates a classifier on the table's rows, fits it to all of them, and returns the
// model, with a report on the training, a profile of the rows to measure drift against, and
// golden rows, of which some are rows of the table.
//
// The error is a [*native.FormatError] for the name or version, an [*OptionError], a
// [*FitError], or the context's if that ends first. A fit that does not converge is an error,
// in the evaluation too: its metrics would be those of another model.
func Train(ctx context.Context, o Options, t *dataset.Table) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	folds, err := foldsFor(o.Folds, t)
	if err != nil {
		return nil, err
	}
	run := &training{options: o, table: t}
	holdOut, err := run.holdOut(ctx)
	if err != nil {
		return nil, err
	}
	cross, confusion, err := run.crossValidation(ctx, folds)
	if err != nil {
		return nil, err
	}
	fit, err := run.fit(ctx, t.Rows, t.Labels, Progress{Stage: FinalFit})
	if err != nil {
		return nil, err
	}
	model, err := run.model(fit)
	if err != nil {
		return nil, err
	}
	model.Training.HoldOut, model.Training.CrossValidation = holdOut, cross
	return &Result{Model: model, CrossConfusion: confusion}, nil
}

// training is the data that the steps of one call of Train share.
type training struct {
	options Options
	table   *dataset.Table
}

func (r *training) fit(ctx context.Context, rows []float64, labels []int, at Progress) (*softmax.FitResult, error) {
	t := r.table
	fit, err := softmax.Fit(ctx, t.Signature, t.Classes, softmax.Samples{Rows: rows, Labels: labels}, r.options.fitOptions(at))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &FitError{At: at, Err: err}
	}
	return fit, nil
}

// model puts the message together, but for the metrics.
func (r *training) model(fit *softmax.FitResult) (*modelv1.Model, error) {
	t, o := r.table, r.options
	reference, err := profile(t, fit.Model)
	if err != nil {
		return nil, &FitError{At: Progress{Stage: FinalFit}, Err: err}
	}
	golden, err := goldenRows(t, fit.Model)
	if err != nil {
		return nil, &FitError{At: Progress{Stage: FinalFit}, Err: err}
	}
	m := native.Define(fit.Model)
	m.Name, m.Version = o.Name, o.Version
	m.Reference, m.GoldenRows = reference, golden
	m.Training = &modelv1.TrainingReport{
		DataDigest:      t.Digest,
		Rows:            uint32(t.Len()),
		Solver:          fit.Solver,
		RegularisationC: o.C,
		Iterations:      uint32(fit.Iterations),
		Converged:       fit.Converged,
		Objective:       fit.Objective,
		GradientMax:     fit.GradientMax,
		Seed:            o.Seed,
	}
	return m, nil
}
