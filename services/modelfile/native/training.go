package native

import (
	"fmt"
	"math"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// checkTraining looks at what a reader of the report would stumble over: numbers out of their
// bounds, of which those that are not finite could not even be shown, and lists of the wrong
// length or order.
func checkTraining(r *modelv1.TrainingReport, m *softmax.Model) error {
	if r == nil {
		return nil
	}
	if err := checkPenalty("training", r); err != nil {
		return err
	}
	if err := checkFit("training", r, m.NumClasses()); err != nil {
		return err
	}
	if h := r.GetHoldOut(); h != nil {
		if err := checkHoldOut("training.hold_out", h, m.NumClasses()); err != nil {
			return err
		}
	}
	if c := r.GetCrossValidation(); c != nil {
		if err := checkCrossValidation("training.cross_validation", c); err != nil {
			return err
		}
	}
	if t := r.GetTuning(); t != nil {
		return checkTuning("training.tuning", t)
	}
	return nil
}

// checkPenalty lets C be 0 where it says nothing.
func checkPenalty(field string, r *modelv1.TrainingReport) error {
	check := checkPositive
	if r.GetUnpenalised() {
		check = checkAmount
	}
	if err := check(field+".regularisation_c", r.GetRegularisationC()); err != nil {
		return err
	}
	return checkShare(field+".l1_ratio", r.GetL1Ratio())
}

func checkFit(field string, r *modelv1.TrainingReport, classes int) error {
	if err := checkAmount(field+".objective", r.GetObjective()); err != nil {
		return err
	}
	if err := checkAmount(field+".gradient_max", r.GetGradientMax()); err != nil {
		return err
	}
	if err := checkAmount(field+".objective_gap", r.GetObjectiveGap()); err != nil {
		return err
	}
	if weights := r.GetClassWeights(); len(weights) > 0 {
		if len(weights) != classes {
			return refuse(field+".class_weights", "has %d values, expected none or %d", len(weights), classes)
		}
		for k, weight := range weights {
			if err := checkPositive(fmt.Sprintf("%s.class_weights[%d]", field, k), weight); err != nil {
				return err
			}
		}
	}
	if r.Temperature != nil {
		return checkPositive(field+".temperature", r.GetTemperature())
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
	if err := checkShare(field+".macro_f1", h.GetMacroF1()); err != nil {
		return err
	}
	if err := checkShare(field+".roc_auc", h.GetRocAuc()); err != nil {
		return err
	}
	if err := checkBrier(field+".brier", h.GetBrier()); err != nil {
		return err
	}
	if err := checkShare(field+".calibration_error", h.GetCalibrationError()); err != nil {
		return err
	}
	if err := checkShare(field+".mean_confidence", h.GetMeanConfidence()); err != nil {
		return err
	}
	return checkReliability(field+".reliability", h.GetReliability())
}

// checkBrier allows for rounding, as checkShare does.
func checkBrier(field string, v float64) error {
	const tolerance = 1e-9
	if !(v >= 0 && v <= 2+tolerance) {
		return refuse(field, "%v is not from 0 to 2", v)
	}
	return nil
}

// checkReliability takes a report without bins too: older ones have none.
func checkReliability(field string, bins []*modelv1.ReliabilityBin) error {
	const want = 10
	if len(bins) != 0 && len(bins) != want {
		return refuse(field, "has %d values, expected none or %d", len(bins), want)
	}
	for i, b := range bins {
		at := fmt.Sprintf("%s[%d]", field, i)
		if err := checkShare(at+".mean_confidence", b.GetMeanConfidence()); err != nil {
			return err
		}
		if err := checkShare(at+".accuracy", b.GetAccuracy()); err != nil {
			return err
		}
	}
	return nil
}

func checkCrossValidation(field string, c *modelv1.CrossValidationMetrics) error {
	if err := checkFolds(field+".folds", c.GetFolds()); err != nil {
		return err
	}
	if err := checkShare(field+".accuracy_mean", c.GetAccuracyMean()); err != nil {
		return err
	}
	if err := checkAmount(field+".accuracy_sd", c.GetAccuracySd()); err != nil {
		return err
	}
	return checkAmount(field+".log_loss_mean", c.GetLogLossMean())
}

func checkTuning(field string, t *modelv1.Tuning) error {
	if err := checkFolds(field+".folds", t.GetFolds()); err != nil {
		return err
	}
	if len(t.GetPoints()) == 0 {
		return refuse(field+".points", "is empty, expected at least one")
	}
	var before float64
	for i, p := range t.GetPoints() {
		at, c := fmt.Sprintf("%s.points[%d]", field, i), p.GetRegularisationC()
		if err := checkPositive(at+".regularisation_c", c); err != nil {
			return err
		}
		if c <= before {
			return refuse(at+".regularisation_c", "%v does not lie above the one before it, %v", c, before)
		}
		before = c
		if err := checkAmount(at+".log_loss_mean", p.GetLogLossMean()); err != nil {
			return err
		}
		if err := checkAmount(at+".log_loss_sd", p.GetLogLossSd()); err != nil {
			return err
		}
		if err := checkShare(at+".accuracy_mean", p.GetAccuracyMean()); err != nil {
			return err
		}
	}
	return nil
}

func checkFolds(field string, folds uint32) error {
	if folds < 2 {
		return refuse(field, "%d is not 2 or more", folds)
	}
	return nil
}

// checkPositive refuses what is not a finite number above 0.
func checkPositive(field string, v float64) error {
	if !(v > 0) || math.IsInf(v, 1) {
		return refuse(field, "%v is not a finite number above 0", v)
	}
	return nil
}

// checkAmount refuses what is not a finite number of at least 0.
func checkAmount(field string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 1) {
		return refuse(field, "%v is not a finite number of at least 0", v)
	}
	return nil
}
