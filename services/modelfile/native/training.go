package native

import (
	"math"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// checkTraining looks at what a reader of the report would stumble over: numbers out of their
// bounds, of which those that are not finite could not even be shown, and a confusion matrix
// of the wrong shape.
func checkTraining(r *modelv1.TrainingReport, m *softmax.Model) error {
	if r == nil {
		return nil
	}
	if c := r.GetRegularisationC(); !(c > 0) || math.IsInf(c, 1) {
		return refuse("training.regularisation_c", "%v is not a finite number above 0", c)
	}
	if err := checkAmount("training.objective", r.GetObjective()); err != nil {
		return err
	}
	if err := checkAmount("training.gradient_max", r.GetGradientMax()); err != nil {
		return err
	}
	if h := r.GetHoldOut(); h != nil {
		if err := checkHoldOut("training.hold_out", h, m.NumClasses()); err != nil {
			return err
		}
	}
	if c := r.GetCrossValidation(); c != nil {
		return checkCrossValidation("training.cross_validation", c)
	}
	return nil
}

func checkHoldOut(field string, h *modelv1.HoldOutMetrics, classes int) error {
	if err := checkShare(field+".accuracy", h.GetAccuracy()); err != nil {
		return err
	}
	if err := checkAmount(field+".log_loss", h.GetLogLoss()); err != nil {
		return err
	}
	if got, want := len(h.GetConfusion()), classes*classes; got != want {
		return refuse(field+".confusion", "has %d values, expected %d", got, want)
	}
	return nil
}

func checkCrossValidation(field string, c *modelv1.CrossValidationMetrics) error {
	if c.GetFolds() < 2 {
		return refuse(field+".folds", "%d is not 2 or more", c.GetFolds())
	}
	if err := checkShare(field+".accuracy_mean", c.GetAccuracyMean()); err != nil {
		return err
	}
	if err := checkAmount(field+".accuracy_sd", c.GetAccuracySd()); err != nil {
		return err
	}
	return checkAmount(field+".log_loss_mean", c.GetLogLossMean())
}

// checkAmount refuses what is not a finite number of at least 0.
func checkAmount(field string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 1) {
		return refuse(field, "%v is not a finite number of at least 0", v)
	}
	return nil
}
