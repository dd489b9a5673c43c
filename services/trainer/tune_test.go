package trainer

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// imputedFrom is all rows of a table, their missing values replaced by what is typical of the given
// rows.
func imputedFrom(table *dataset.Table, given []int) []float64 {
	p, rows := table.Signature.Len(), slices.Clone(table.Rows)
	for j, missing := range table.Missing {
		var values []float64
		for _, i := range given {
			if !slices.Contains(missing, i) {
				values = append(values, table.Row(i)[j])
			}
		}
		if len(values) == 0 {
			continue
		}
		value := typical(table.Signature.Feature(j), values)
		for _, i := range missing {
			rows[i*p+j] = value
		}
	}
	return rows
}

// byHand is samples of these rows of the table, imputed from them alone.
func byHand(table *dataset.Table, given, rows []int) softmax.Samples {
	p, values, samples := table.Signature.Len(), imputedFrom(table, given), softmax.Samples{}
	for _, i := range rows {
		samples.Rows = append(samples.Rows, values[i*p:(i+1)*p]...)
		samples.Labels = append(samples.Labels, table.Labels[i])
	}
	return samples
}

// TestTuningIsAsByHand fits each fold for each C from nothing.
func TestTuningIsAsByHand(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	o := options()
	o.Grid, o.Folds = []float64{10, 0.01, 1}, 3
	report := train(t, o, table).Model.GetTraining()
	train, held := dataset.HoldOut(table.Labels, 3, o.HoldOut, o.Seed)
	labels := make([]int, len(train))
	for i, row := range train {
		labels[i] = table.Labels[row]
	}
	folds := dataset.Folds(labels, 3, 3, o.Seed)
	best, bestLoss := 0.0, math.Inf(1)
	for i, c := range []float64{0.01, 1, 10} {
		var losses []float64
		var accuracy float64
		for _, fold := range folds {
			var fitted, checked []int
			for at, row := range train {
				if slices.Contains(fold, at) {
					checked = append(checked, row)
				} else {
					fitted = append(fitted, row)
				}
			}
			fit, err := softmax.Fit(t.Context(), table.Signature, table.Classes, byHand(table, fitted, fitted), softmax.FitOptions{C: c})
			if err != nil {
				t.Fatal(err)
			}
			s := newScore(3)
			check := byHand(table, fitted, checked)
			err = predictAll(t.Context(), fit.Model, check, func(row int, probabilities []float64, predicted int) {
				s.add(probabilities, predicted, check.Labels[row])
			})
			if err != nil {
				t.Fatal(err)
			}
			losses = append(losses, s.logLoss())
			accuracy += s.accuracy() / 3
		}
		mean, deviation := meanAndDeviation(losses)
		point := report.GetTuning().GetPoints()[i]
		if point.GetRegularisationC() != c || math.Abs(point.GetLogLossMean()-mean) > 1e-8 ||
			math.Abs(point.GetLogLossSd()-deviation) > 1e-8 || math.Abs(point.GetAccuracyMean()-accuracy) > 1e-12 {
			t.Errorf("C %v: point is %v, expected %v ± %v and %v", c, point, mean, deviation, accuracy)
		}
		if mean < bestLoss {
			best, bestLoss = c, mean
		}
	}
	if report.GetRegularisationC() != best || report.GetTuning().GetFolds() != 3 {
		t.Errorf("C is %v of %d folds, expected %v of 3", report.GetRegularisationC(), report.GetTuning().GetFolds(), best)
	}
	if report.GetHoldOut().GetRows() != uint32(len(held)) {
		t.Errorf("%d rows were held out, expected %d", report.GetHoldOut().GetRows(), len(held))
	}
}

func TestTheRowsHeldOutHaveNoPartInTheChoice(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	o := options()
	o.Grid, o.Calibrate, o.Standardise = []float64{0.01, 1, 100}, true, true
	before := train(t, o, table).Model.GetTraining()
	_, held := dataset.HoldOut(table.Labels, 3, o.HoldOut, o.Seed)
	for _, row := range held {
		for j := range 4 {
			table.Rows[row*4+j] = float64(row*(j+3)%17) - 5
		}
	}
	after := train(t, o, table).Model.GetTraining()
	if before.GetTemperature() != after.GetTemperature() || before.GetCrossValidation().GetLogLossMean() != after.GetCrossValidation().GetLogLossMean() {
		t.Errorf("the choice went from %v to %v with the rows held out", before, after)
	}
	for i, point := range before.GetTuning().GetPoints() {
		if point.GetLogLossMean() != after.GetTuning().GetPoints()[i].GetLogLossMean() {
			t.Errorf("C %v went from %v to %v with the rows held out", point.GetRegularisationC(), point, after.GetTuning().GetPoints()[i])
		}
	}
	if before.GetHoldOut().GetLogLoss() == after.GetHoldOut().GetLogLoss() {
		t.Error("the metrics do not depend on the rows held out")
	}
}

func TestOfEqualCsTheSmallestIsChosen(t *testing.T) {
	t.Parallel()
	tied := &tuning{cs: []float64{1, 2, 3}, losses: [][]float64{{0.5, 0.7}, {0.4, 0.6}, {0.4, 0.6}}, accuracy: [][]float64{{1}, {1}, {1}}}
	if best, _ := tied.report(2); best != 1 {
		t.Errorf("position %d is chosen, expected 1", best)
	}
}

func TestTheTemperatureIsInTheWeights(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	o := options()
	o.C, o.HoldOut = 100, 0
	plain := train(t, o, table)
	o.Calibrate = true
	warm := train(t, o, table)
	report := warm.Model.GetTraining()
	temperature := report.GetTemperature()
	if report.Temperature == nil || temperature == 1 || warm.Calibration.Temperature != temperature || warm.Calibration.Rows != 150 {
		t.Fatalf("the temperature is %v of %+v", report.Temperature, warm.Calibration)
	}
	if warm.Calibration.After >= warm.Calibration.Before || math.Abs(warm.Calibration.Before-report.GetCrossValidation().GetLogLossMean()) > 1e-9 {
		t.Errorf("the log-loss goes from %v to %v, of folds of %v", warm.Calibration.Before, warm.Calibration.After, report.GetCrossValidation().GetLogLossMean())
	}
	for i, w := range plain.Model.GetWeights() {
		if got := warm.Model.GetWeights()[i] * temperature; math.Abs(got-w) > 1e-12*math.Abs(w) {
			t.Errorf("weight %d times the temperature is %v, expected %v", i, got, w)
		}
	}
	if report.GetObjective() != plain.Model.GetTraining().GetObjective() || plain.Model.GetTraining().Temperature != nil {
		t.Error("the report of the fit depends on the temperature")
	}
	decode(t, warm.Model) // the golden rows are those of the divided weights
}

func TestTheReportSaysHowTheFitWasAsked(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	o := options()
	o.HoldOut, o.Folds, o.Standardise, o.ClassWeights = 0, 0, true, map[string]float64{"virginica": 3}
	report := train(t, o, table).Model.GetTraining()
	if !report.GetStandardised() || !slices.Equal(report.GetClassWeights(), []float64{1, 1, 3}) || report.GetPasses() == 0 || report.ObjectiveGap == nil {
		t.Errorf("report is %v", report)
	}
	o.ClassWeights, o.Balanced = nil, true
	if report := train(t, o, table).Model.GetTraining(); !slices.Equal(report.GetClassWeights(), []float64{1, 1, 1}) {
		t.Errorf("of balanced data the class weights are %v", report.GetClassWeights())
	}
	o = options()
	o.Unpenalised, o.HoldOut, o.Folds = true, 0, 0
	o.Unpenalised, o.L1Ratio = false, 0.5
	if report := train(t, o, table).Model.GetTraining(); report.GetL1Ratio() != 0.5 {
		t.Errorf("report is %v", report)
	}
	o.Unpenalised, o.L1Ratio = true, 0
	overlapping := tableOf(t, "x,y\n1,a\n2,b\n3,a\n4,b\n2,a\n1,b\n4,b\n")
	if report := train(t, o, overlapping).Model.GetTraining(); !report.GetUnpenalised() || report.ObjectiveGap != nil {
		t.Errorf("report is %v", report)
	}
}

func TestChoicesAreChecked(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	for _, test := range []struct {
		want string
		set  func(*Options)
	}{
		{"Grid: is given, but there is no penalty", func(o *Options) { o.Grid, o.Unpenalised = []float64{1}, true }},
		{"Grid: is empty", func(o *Options) { o.Grid = []float64{} }},
		{"Grid: has 0, expected", func(o *Options) { o.Grid = []float64{1, 0} }},
		{"Grid: has 1 twice", func(o *Options) { o.Grid = []float64{1, 2, 1} }},
		{"Folds: is 0, expected at least 2: C is chosen", func(o *Options) { o.Grid, o.Folds = []float64{1}, 0 }},
		{"Folds: is 0, expected at least 2: the temperature", func(o *Options) { o.Calibrate, o.Folds = true, 0 }},
		{"L1Ratio: is 2, expected", func(o *Options) { o.L1Ratio = 2 }},
		{"L1Ratio: is NaN, expected", func(o *Options) { o.L1Ratio = math.NaN() }},
		{"L1Ratio: is 1, expected 0", func(o *Options) { o.L1Ratio, o.Unpenalised = 1, true }},
		{"Workers: is -1, expected", func(o *Options) { o.Workers = -1 }},
		{"ClassWeights: are given, but", func(o *Options) { o.Balanced, o.ClassWeights = true, map[string]float64{"setosa": 1} }},
		{`ClassWeights: has -1 for class "setosa"`, func(o *Options) { o.ClassWeights = map[string]float64{"setosa": -1} }},
		{`ClassWeights: has 0 for class "setosa", expected a number above 0, of at most 1e150; to leave a class out`, func(o *Options) { o.ClassWeights = map[string]float64{"setosa": 0} }},
		{`ClassWeights: has class "rose", which no row has; there are setosa, versicolor, virginica`, func(o *Options) { o.ClassWeights = map[string]float64{"rose": 1} }},
	} {
		o := options()
		test.set(&o)
		_, err := Train(t.Context(), o, table)
		var refused *OptionError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error is %v, expected %s", err, test.want)
		}
	}
}

func TestABestCAtTheEdgeIsTold(t *testing.T) {
	t.Parallel()
	points := []*modelv1.TuningPoint{{RegularisationC: 0.5}, {RegularisationC: 1}, {RegularisationC: 2}}
	for best, want := range map[float64]string{
		0.5: "C 0.5 was chosen, the smallest that was tried: a smaller one may be better",
		1:   "",
		2:   "C 2 was chosen, the largest that was tried: a larger one may be better",
	} {
		if got := strings.Join(edgeNotes(best, points), ""); got != want {
			t.Errorf("of C %v the note is %q, expected %q", best, got, want)
		}
	}
	if got := edgeNotes(1, points[1:2]); got != nil {
		t.Errorf("of a single C the note is %q", got)
	}
}

func TestAClassMayBeTooSmallBesideTheRowsHeldOut(t *testing.T) {
	t.Parallel()
	table := tableOf(t, "x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n7,b\n8,b\n")
	o := options()
	o.HoldOut, o.Calibrate = 0.5, true
	const want = `Folds: is 5, but class "b" has a single row beside those held out, and`
	if _, err := Train(t.Context(), o, table); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is %v, expected %s", err, want)
	}
	o.Calibrate = false // the folds take the rows held out too
	if got := train(t, o, table).Model.GetTraining().GetCrossValidation().GetFolds(); got != 2 {
		t.Errorf("there were %d folds, expected 2", got)
	}
}
