package trainer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// training is the data that the steps of one call of Train share.
type training struct {
	options Options
	table   *dataset.Table
	rows    arrangement
}

// fit fits a model for that C.
func (r *training) fit(ctx context.Context, samples softmax.Samples, c float64, at Progress) (*softmax.FitResult, error) {
	options := r.fitOptions(samples, at)
	if !r.options.Unpenalised {
		options.C = c
	}
	fit, err := softmax.Fit(ctx, r.table.Signature, r.table.Classes, samples, options)
	if err != nil {
		return nil, failed(ctx, at, err)
	}
	return fit, nil
}

// failed returns the error of a fit, or the context's if that has ended.
func failed(ctx context.Context, at Progress, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &FitError{At: at, Err: err}
}

// fitOptions returns what all fits have in common: C is left out.
func (r *training) fitOptions(samples softmax.Samples, stage Progress) softmax.FitOptions {
	o := &r.options
	options := softmax.FitOptions{
		Unpenalised:   o.Unpenalised,
		L1Ratio:       o.L1Ratio,
		Standardise:   o.Standardise,
		ClassWeights:  r.classWeights(samples),
		NoIntercept:   o.NoIntercept,
		Tolerance:     o.Tolerance,
		MaxIterations: o.MaxIterations,
		Workers:       o.Workers,
		Float32:       o.Float32,
	}
	if o.Progress != nil {
		options.Progress = func(p softmax.FitProgress) {
			stage.Iteration, stage.Objective, stage.GradientMax = p.Iteration, p.Objective, p.GradientMax
			o.Progress(stage)
		}
	}
	return options
}

// classWeights returns the weight of each class among these samples; nil: 1 each.
func (r *training) classWeights(samples softmax.Samples) []float64 {
	classes := r.table.Classes
	if r.options.Balanced {
		return softmax.BalancedWeights(samples.Labels, len(classes), samples.Weights)
	}
	if r.options.ClassWeights == nil {
		return nil
	}
	weights := make([]float64, len(classes))
	for k, class := range classes {
		weight, given := r.options.ClassWeights[class]
		if !given {
			weight = 1
		}
		weights[k] = weight
	}
	return weights
}

// checkClasses refuses weights of classes that the table does not have.
func (r *training) checkClasses() error {
	for _, name := range sortedKeys(r.options.ClassWeights) {
		if !slices.Contains(r.table.Classes, name) {
			return refuse("ClassWeights", "has class %q, which no row has; there are %s", name, listed(r.table.Classes))
		}
	}
	return nil
}

// listed joins names, the first few of them where they are many.
func listed(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

func sortedKeys(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }

// describeRow puts the position in the table into the error of a prediction; rows are those
// predicted, nil: all, in their order.
func describeRow(err error, rows []int) error {
	var at *rowError
	if errors.As(err, &at) && rows != nil {
		return &rowError{row: rows[at.row], err: at.err}
	}
	return err
}
