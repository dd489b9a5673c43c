package trainer

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/softmax"
)

// steep returns a model of one number and the classes "low" and "high", whose log-odds are
// slope × the number.
func steep(t *testing.T, slope float64) *softmax.Model {
	t.Helper()
	signature, err := softmax.NewSignature([]softmax.Feature{{Name: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := softmax.NewModel(softmax.Definition{
		Signature:  signature,
		Classes:    []string{"low", "high"},
		Weights:    []float64{0, slope},
		Intercepts: []float64{0, 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestScore(t *testing.T) {
	t.Parallel()
	model := steep(t, math.Log(3)) // at 1 the odds of high are 3 to 1, at -1 1 to 3
	s := newScore(2)
	samples := softmax.Samples{Rows: []float64{1, 1, 1, -1, -1}, Labels: []int{1, 1, 0, 0, 1}}
	err := predictAll(t.Context(), model, samples, func(row int, probabilities []float64, predicted int) {
		s.add(probabilities, predicted, samples.Labels[row])
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.accuracy(); got != 0.6 {
		t.Errorf("accuracy is %v, expected 0.6", got)
	}
	want := -(3*math.Log(0.75) + 2*math.Log(0.25)) / 5
	if got := s.logLoss(); math.Abs(got-want) > 1e-15 {
		t.Errorf("log-loss is %v, expected %v", got, want)
	}
	if want := []uint32{1, 1, 1, 2}; !slices.Equal(s.confusion, want) {
		t.Errorf("confusion is %v, expected %v", s.confusion, want)
	}
	if got := s.meanConfidence(); math.Abs(got-0.75) > 1e-15 {
		t.Errorf("mean confidence is %v, expected 0.75", got)
	}
}

func TestLogLossStaysFinite(t *testing.T) {
	t.Parallel()
	s := newScore(2)
	err := predictAll(t.Context(), steep(t, 1e6), softmax.Samples{Rows: []float64{1}, Labels: []int{0}}, func(_ int, p []float64, predicted int) {
		s.add(p, predicted, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.logLoss(); got < 708 || got > 709 {
		t.Errorf("log-loss is %v, expected about 708.4", got)
	}
}

func TestARowThatOverflowsIsNamed(t *testing.T) {
	t.Parallel()
	rows := make([]float64, 100_000)
	rows[99_998] = 1e300
	err := predictAll(t.Context(), steep(t, 1e100), softmax.Samples{Rows: rows, Labels: make([]int, len(rows))}, func(int, []float64, int) {})
	const want = `row 99999 of the data makes the logit of class "high" overflow: its values are too large`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, expected %s", err, want)
	}
	if err := describeRow(err, without(100_002, []int{4, 5})); !strings.HasPrefix(err.Error(), "row 100001 ") {
		t.Errorf("in the table the error is %v, expected row 100001", err)
	}
}

// TestCrossValidationIsAsByHand does it again in the plainest way.
func TestCrossValidationIsAsByHand(t *testing.T) {
	t.Parallel()
	table := tableOf(t, gappy)
	result := train(t, options(), table)
	p, k := table.Signature.Len(), len(table.Classes)
	var accuracies []float64
	var logLoss float64
	confusion := make([]uint32, k*k)
	folds := dataset.Folds(table.Labels, k, 3, 1)
	for _, held := range folds {
		var seen []int
		for i := range table.Len() {
			if !slices.Contains(held, i) {
				seen = append(seen, i)
			}
		}
		rows := imputedFrom(table, seen)
		samples := softmax.Samples{}
		for _, i := range seen {
			samples.Rows = append(samples.Rows, rows[i*p:(i+1)*p]...)
			samples.Labels = append(samples.Labels, table.Labels[i])
		}
		fit, err := softmax.Fit(t.Context(), table.Signature, table.Classes, samples, softmax.FitOptions{C: 1})
		if err != nil {
			t.Fatal(err)
		}
		var correct, loss float64
		for _, i := range held {
			probabilities := make([]float64, k)
			predicted, err := fit.Model.Predict(probabilities, rows[i*p:(i+1)*p])
			if err != nil {
				t.Fatal(err)
			}
			if predicted == table.Labels[i] {
				correct++
			}
			loss -= math.Log(probabilities[table.Labels[i]])
			confusion[table.Labels[i]*k+predicted]++
		}
		accuracies = append(accuracies, correct/float64(len(held)))
		logLoss += loss / float64(len(held)) / float64(len(folds))
	}
	mean := (accuracies[0] + accuracies[1] + accuracies[2]) / 3
	deviation := math.Sqrt((math.Pow(accuracies[0]-mean, 2) + math.Pow(accuracies[1]-mean, 2) + math.Pow(accuracies[2]-mean, 2)) / 3)
	got := result.Model.GetTraining().GetCrossValidation()
	for _, number := range []struct {
		name      string
		got, want float64
	}{
		{"accuracy", got.GetAccuracyMean(), mean},
		{"deviation", got.GetAccuracySd(), deviation},
		{"log-loss", got.GetLogLossMean(), logLoss},
	} {
		if math.Abs(number.got-number.want) > 1e-12 {
			t.Errorf("%s is %v, expected %v", number.name, number.got, number.want)
		}
	}
	if !slices.Equal(result.CrossConfusion, confusion) {
		t.Errorf("confusion is %v, expected %v", result.CrossConfusion, confusion)
	}
}

func TestHoldOutMetricsAgree(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	got := train(t, options(), table).Model.GetTraining().GetHoldOut()
	k := len(table.Classes)
	var diagonal uint32
	for class := range k {
		diagonal += got.GetConfusion()[class*k+class]
		if rows := sum(got.GetConfusion()[class*k : (class+1)*k]); rows != 10 {
			t.Errorf("%d rows of class %d were held out, expected 10", rows, class)
		}
	}
	if want := float64(diagonal) / 30; got.GetAccuracy() != want {
		t.Errorf("accuracy is %v, the matrix says %v", got.GetAccuracy(), want)
	}
}
