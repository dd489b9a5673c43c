package trainer

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
)

func irisTable(t *testing.T) *dataset.Table {
	t.Helper()
	const path = "../../testdata/datasets/iris.csv"
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := dataset.Read(t.Context(), file, path, dataset.Options{Label: "species"})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func tableOf(t *testing.T, text string) *dataset.Table {
	t.Helper()
	table, err := dataset.Read(t.Context(), strings.NewReader(text), "data.csv", dataset.Options{Label: "y", Impute: true})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// gappy is a table of a number and a category, with values missing of both, and three rows of
// the smallest class.
const gappy = "x,c,y\n1,red,a\n2,red,a\n,blue,a\n2.5,,a\n3,blue,b\n4,blue,b\n8,,b\n,red,b\n5,green,c\n7,green,c\n6.5,red,c\n"

func options() Options {
	o := DefaultOptions()
	o.Name = "test"
	return o
}

func train(t *testing.T, o Options, table *dataset.Table) *Result {
	t.Helper()
	result, err := Train(t.Context(), o, table)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestIrisIsLearned(t *testing.T) {
	t.Parallel()
	result := train(t, options(), irisTable(t))
	report := result.Model.GetTraining()
	if got := report.GetCrossValidation(); got.GetFolds() != 5 || got.GetAccuracyMean() < 0.95 || got.GetAccuracyMean() > 0.99 {
		t.Errorf("cross-validation is %v, expected 5 folds and an accuracy of about 0.97", got)
	}
	if got := report.GetHoldOut(); got.GetRows() != 30 || got.GetAccuracy() < 0.9 {
		t.Errorf("hold-out is %v, expected 30 rows and an accuracy of about 0.97", got)
	}
	if !report.GetConverged() || report.GetRows() != 150 || report.GetSeed() != 1 || report.GetRegularisationC() != 1 || report.GetSolver() == "" {
		t.Errorf("report is %v", report)
	}
	if got := sum(result.CrossConfusion); got != 150 {
		t.Errorf("the confusion matrix of the cross-validation counts %d rows, expected 150", got)
	}
}

func TestTheModelFileIsValidAndReproducible(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]*dataset.Table{"iris": irisTable(t), "gappy": tableOf(t, gappy)} {
		for _, format := range []native.Format{native.Binary, native.JSON} {
			first, err := native.Encode(train(t, options(), table).Model, format)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			again, err := native.Encode(train(t, options(), table).Model, format)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first, again) {
				t.Errorf("%s: the same data and options give other bytes", name)
			}
			if _, _, err := native.Decode(first); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTheSeedChoosesTheRows(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	o := options()
	first := train(t, o, table).Model
	o.Seed = 2
	other := train(t, o, table).Model
	if first.GetTraining().GetHoldOut().GetLogLoss() == other.GetTraining().GetHoldOut().GetLogLoss() {
		t.Error("another seed holds out the same rows")
	}
	if !slices.Equal(first.GetWeights(), other.GetWeights()) {
		t.Error("the final weights depend on the seed")
	}
}

func TestTheObjectiveIsThatOfTheWeights(t *testing.T) {
	t.Parallel()
	table := irisTable(t)
	o := options()
	o.C = 0.25
	m := train(t, o, table).Model
	_, compiled := decode(t, m)
	var want float64
	probabilities := make([]float64, len(table.Classes))
	for i, label := range table.Labels {
		if _, err := compiled.Predict(probabilities, table.Row(i)); err != nil {
			t.Fatal(err)
		}
		want -= math.Log(probabilities[label])
	}
	for _, w := range m.GetWeights() {
		want += w * w / (2 * 0.25)
	}
	if got := m.GetTraining().GetObjective(); math.Abs(got-want) > 1e-9*want {
		t.Errorf("objective is %v, expected %v", got, want)
	}
}

func decode(t *testing.T, m *modelv1.Model) (*modelv1.Model, *softmax.Model) {
	t.Helper()
	data, err := native.Encode(m, native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	decoded, compiled, err := native.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return decoded, compiled
}

func TestImputationIsInTheSignature(t *testing.T) {
	t.Parallel()
	features := train(t, options(), tableOf(t, gappy)).Model.GetSignature().GetFeatures()
	if n := features[0].GetNumeric(); n.Impute == nil || n.GetImpute() != 4 || n.GetMin() != 1 || n.GetMax() != 8 {
		t.Errorf("the numeric feature is %v", n)
	}
	if c := features[1].GetCategorical(); c.Impute == nil || c.GetImpute() != "red" {
		t.Errorf("the categorical feature is %v", c)
	}
}

func TestEvaluationMayBeLeftOut(t *testing.T) {
	t.Parallel()
	o := options()
	o.HoldOut, o.Folds = 0, 0
	result := train(t, o, tableOf(t, "x,y\n1,a\n2,b\n")) // one row of each class: nothing to spare
	if report := result.Model.GetTraining(); report.HoldOut != nil || report.CrossValidation != nil || result.CrossConfusion != nil {
		t.Errorf("report has metrics: %v", report)
	}
}

func TestFoldsAreAsManyAsTheSmallestClassAllows(t *testing.T) {
	t.Parallel()
	if got := train(t, options(), tableOf(t, gappy)).Model.GetTraining().GetCrossValidation().GetFolds(); got != 3 {
		t.Errorf("there were %d folds, expected 3", got)
	}
	_, err := Train(t.Context(), options(), tableOf(t, "x,y\n1,a\n2,a\n3,lonely\n"))
	var refused *OptionError
	if !errors.As(err, &refused) || refused.Option != "Folds" || !strings.Contains(err.Error(), `"lonely" has a single row`) {
		t.Errorf("error is %v", err)
	}
}

func TestAFitThatDoesNotConvergeIsAnError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		holdOut float64
		folds   int
		want    string
	}{
		{"in the hold-out", 0.2, 0, "hold-out: the fit has not converged after 1 iterations"},
		{"in a fold", 0, 5, "cross-validation, fold 1 of 5: the fit has not converged after 1 iterations"},
		{"in the final fit", 0, 0, "final fit: the fit has not converged after 1 iterations"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := options()
			o.MaxIterations, o.HoldOut, o.Folds = 1, test.holdOut, test.folds
			result, err := Train(t.Context(), o, irisTable(t))
			var notConverged *softmax.NotConvergedError
			if result != nil || !errors.As(err, &notConverged) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v and the error %v, expected %q alone", result, err, test.want)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	table := tableOf(t, "x,y\n1,a\n2,b\n")
	tests := []struct {
		want string
		set  func(*Options)
	}{
		{`name: "Iris" is not`, func(o *Options) { o.Name = "Iris" }},
		{`version: "v1" is not`, func(o *Options) { o.Version = "v1" }},
		{"C: is 0, expected", func(o *Options) { o.C = 0 }},
		{"C: is +Inf, expected", func(o *Options) { o.C = math.Inf(1) }},
		{"Tolerance: is NaN, expected", func(o *Options) { o.Tolerance = math.NaN() }},
		{"MaxIterations: is -1, expected", func(o *Options) { o.MaxIterations = -1 }},
		{"HoldOut: is 1, expected", func(o *Options) { o.HoldOut = 1 }},
		{"HoldOut: is NaN, expected", func(o *Options) { o.HoldOut = math.NaN() }},
		{"Folds: is 1, expected", func(o *Options) { o.Folds = 1 }},
		{"Folds: is -1, expected", func(o *Options) { o.Folds = -1 }},
	}
	for _, test := range tests {
		o := options()
		test.set(&o)
		if _, err := Train(t.Context(), o, table); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error is %v, expected %s", err, test.want)
		}
	}
}

func TestProgressTellsEachStageInOrder(t *testing.T) {
	t.Parallel()
	var stages []string
	o := options()
	o.Folds = 2
	o.Progress = func(p Progress) {
		if place := p.String(); p.Iteration == 1 {
			stages = append(stages, place)
		} else if place != stages[len(stages)-1] {
			t.Errorf("iteration %d of %s comes after %s", p.Iteration, place, stages[len(stages)-1])
		}
	}
	train(t, o, irisTable(t))
	want := []string{"cross-validation, fold 1 of 2", "cross-validation, fold 2 of 2", "hold-out", "final fit"}
	if !slices.Equal(stages, want) {
		t.Errorf("stages are %q, expected %q", stages, want)
	}
}

func TestTrainStopsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, stage := range []Stage{HoldOut, CrossValidation, FinalFit} {
		ctx, cancel := context.WithCancel(t.Context())
		o := options()
		o.Progress = func(p Progress) {
			if p.Stage == stage {
				cancel()
			}
		}
		if result, err := Train(ctx, o, irisTable(t)); result != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v and the error %v", stage, result, err)
		}
		cancel()
	}
}

func sum(counts []uint32) (total uint32) {
	for _, n := range counts {
		total += n
	}
	return total
}

// The bounds are the engine's: what passes the check can be fitted.
func TestStrengthsThatTheEngineRefusesAreRefusedFirst(t *testing.T) {
	t.Parallel()
	for c, ok := range map[float64]bool{
		0: false, -1: false, math.NaN(): false, math.Inf(1): false, 1e300: false, 1e151: false, 1e-151: false,
		1e-150: true, 1: true, 1e150: true,
	} {
		o := options()
		o.C = c
		err := o.Check()
		var refused *OptionError
		if ok && err != nil || !ok && (!errors.As(err, &refused) || refused.Option != "C") {
			t.Errorf("C %g: error is %v", c, err)
		}
	}
}
