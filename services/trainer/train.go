package trainer

import (
	"context"
	"fmt"
	"math"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
)

// Result is a trained model.
type Result struct {
	// Model is the message of the model file, complete and valid.
	Model *modelv1.Model
	// CrossConfusion is the confusion matrix of the cross-validation, summed over the folds,
	// laid out as in HoldOutMetrics; nil if there was none.
	CrossConfusion []uint32
	// Curves are the ROC curves of the rows held out: of the second class of two, of each of
	// more. Nil where none were held out, or a class has no row among them.
	Curves []Curve
	// Calibration says how the temperature was chosen; nil if it was not asked for.
	Calibration *Calibration
	// Largest are the weights that matter most, by class; see [Weight].
	Largest []ClassWeights
	// Notes say in a sentence each what the model file lacks and why, and what of the choices may
	// be worth another look.
	Notes []string
}

// Train evaluates a classifier on the table's rows, fits it to all of them, and returns the
// model, with a report on the training, a profile of the rows to measure drift against, and
// golden rows, of which some are rows of the table. Where C or the temperature is chosen, that
// comes first, and the rows held out have no part in it.
//
// The metrics count every row once, whatever its weight.
//
// The table must not be used until Train returns: its rows are moved meanwhile. Then it is as it
// was, unless the context has ended, for which nothing is moved back: it is then not to be used.
//
// The error is a [*native.FormatError] for the name or version, an [*OptionError], a
// [*FitError], or the context's if that ends first. A fit that does not converge is an error,
// in the evaluation too: its metrics would be those of another model.
func Train(ctx context.Context, o Options, t *dataset.Table) (*Result, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	run := &training{options: o, table: t, rows: arrangement{
		table: t, ended: func() bool { return ctx.Err() != nil },
	}}
	defer run.rows.restore()
	if err := run.checkClasses(); err != nil {
		return nil, err
	}
	plan, err := run.plan()
	if err != nil {
		return nil, err
	}
	chosen, result, err := run.evaluate(ctx, plan)
	if err != nil {
		return nil, err
	}
	if err := run.finish(ctx, chosen, result); err != nil {
		return nil, err
	}
	return result, nil
}

// choices are what the evaluation chose.
type choices struct {
	c, temperature float64
	report         *modelv1.TrainingReport // what it found
}

func (r *training) evaluate(ctx context.Context, p *plan) (*choices, *Result, error) {
	chosen := &choices{c: r.options.C, temperature: 1, report: new(modelv1.TrainingReport)}
	result := new(Result)
	var err error
	if r.options.Grid != nil {
		if chosen.c, chosen.report.Tuning, err = r.tune(ctx, p); err != nil {
			return nil, nil, err
		}
		result.Notes = edgeNotes(chosen.c, chosen.report.GetTuning().GetPoints())
	}
	var heat *calibration
	if r.options.Calibrate {
		heat = newCalibration(len(p.within), len(r.table.Classes))
	}
	if chosen.report.CrossValidation, result.CrossConfusion, err = r.crossValidation(ctx, p, chosen.c, heat); err != nil {
		return nil, nil, err
	}
	if heat != nil {
		result.Calibration = heat.choose()
		chosen.temperature = result.Calibration.Temperature
		chosen.report.Temperature = &chosen.temperature
		result.Notes = append(result.Notes, result.Calibration.notes()...)
	}
	if chosen.report.HoldOut, result.Curves, err = r.holdOut(ctx, p, chosen.c, chosen.temperature); err != nil {
		return nil, nil, err
	}
	return chosen, result, nil
}

// finish fits all rows and completes the result.
func (r *training) finish(ctx context.Context, chosen *choices, result *Result) error {
	at := Progress{Stage: FinalFit}
	all := r.rows.all()
	fit, err := r.fit(ctx, all, chosen.c, at)
	if err != nil {
		return err
	}
	model, err := tempered(fit.Model, chosen.temperature)
	if err != nil {
		return failed(ctx, at, err)
	}
	m := native.Define(model)
	m.Name, m.Version = r.options.Name, r.options.Version
	m.Training = r.report(fit, all, chosen)
	if m.Reference, err = r.profile(ctx, model, all); err != nil {
		return failed(ctx, at, err)
	}
	if m.Reference == nil {
		result.Notes = append(result.Notes, fmt.Sprintf(
			"the model has no reference profile: it has %d features, and more than %d are not profiled", r.table.Signature.Len(), maxProfiled))
	}
	if m.GoldenRows, err = goldenRows(ctx, r.table, model); err != nil {
		return failed(ctx, at, err)
	}
	if result.Largest, err = largestWeights(ctx, model, all); err != nil {
		return err
	}
	result.Model = m
	return nil
}

// report completes what the evaluation has found with how the model was fitted.
func (r *training) report(fit *softmax.FitResult, all softmax.Samples, chosen *choices) *modelv1.TrainingReport {
	out, o := chosen.report, &r.options
	out.DataDigest = r.table.Digest
	out.Rows = uint32(r.table.Len())
	out.Solver = fit.Solver
	out.RegularisationC = chosen.c
	out.L1Ratio = o.L1Ratio
	out.Unpenalised = o.Unpenalised
	out.Standardised = o.Standardise
	out.ClassWeights = r.classWeights(all)
	out.Iterations = uint32(fit.Iterations)
	out.Passes = uint32(fit.Passes)
	out.Converged = fit.Converged
	out.Objective = fit.Objective
	out.GradientMax = fit.GradientMax
	if !math.IsInf(fit.Gap, 1) {
		out.ObjectiveGap = &fit.Gap
	}
	out.Seed = o.Seed
	return out
}
