package main

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// reported is a model with all that a training report may hold.
const reported = "models-reported/customers.json"

func TestInspectShowsWhatAReportLeavesOut(t *testing.T) {
	t.Parallel()
	weights := func(n int) []float64 {
		all := make([]float64, n)
		for i := range all {
			all[i] = float64(i + 1)
		}
		return all
	}
	tests := []struct {
		name    string
		classes int
		change  func(r *modelv1.TrainingReport)
		want    []string
		absent  []string
	}{
		{name: "no penalty", change: func(r *modelv1.TrainingReport) { r.Unpenalised, r.RegularisationC = true, 0 },
			want: []string{"on 9 rows, no penalty, newton, "}, absent: []string{"C 0", "C 1"}},
		{name: "L2", change: func(*modelv1.TrainingReport) {}, want: []string{"on 9 rows, C 1, newton, 3 iterations, converged, seed 7\n"}},
		{name: "L1", change: func(r *modelv1.TrainingReport) { r.L1Ratio = 1 }, want: []string{"C 1, L1, newton"}},
		{name: "elastic net of standardised columns", change: func(r *modelv1.TrainingReport) { r.L1Ratio, r.Standardised = 0.25, true },
			want: []string{"C 1, elastic net with 0.25 of L1, on the standardised scale, newton"}},
		{name: "passes", change: func(r *modelv1.TrainingReport) { r.Passes, r.Converged = 5, false }, want: []string{"3 iterations in 5 passes, not converged"}},
		{name: "a gap of nothing", change: func(r *modelv1.TrainingReport) { r.ObjectiveGap = proto.Float64(0) },
			want: []string{"objective\t2.5, at most 0.0e+00 above its minimum\n"}},
		{name: "no gap", change: func(*modelv1.TrainingReport) {}, absent: []string{"objective", "temperature", "tuning", "class weights", "hold-out", "-fold"}},
		{name: "more classes than can be read", classes: 23, change: func(r *modelv1.TrainingReport) { r.ClassWeights = weights(23) },
			want: []string{"class weights\tc 1, c 2, ", ", c 20, … 3 more\n"}},
		{name: "a class that commands the terminal", classes: -1, change: func(r *modelv1.TrainingReport) { r.ClassWeights = weights(2) },
			want: []string{`class weights	c 1, "\x1b[2J" 2`}},
		{name: "the choice of one C", change: func(r *modelv1.TrainingReport) {
			r.Tuning = &modelv1.Tuning{Folds: 3, Points: []*modelv1.TuningPoint{{RegularisationC: 1}}}
		}, want: []string{"tuning\tC 1 chosen of 1, by 3-fold cross-validation\n"}},
		{name: "C with a rounding error", change: func(r *modelv1.TrainingReport) {
			r.RegularisationC = math.Pow(10, -0.5)
			r.Tuning = &modelv1.Tuning{Folds: 3, Points: []*modelv1.TuningPoint{{RegularisationC: 0.1}, {RegularisationC: math.Pow(10, -0.5)}}}
		}, want: []string{"on 9 rows, C 0.316228, newton", "tuning\tC 0.316228 chosen of 2 from 0.1 to 0.316228, by "}},
		{name: "an older hold-out", change: func(r *modelv1.TrainingReport) {
			r.HoldOut = &modelv1.HoldOutMetrics{Rows: 3, Accuracy: 1, LogLoss: 0.5}
		}, want: []string{"hold-out\taccuracy 1.0000, log-loss 0.5000 on 3 rows\n"}, absent: []string{"F1", "Brier"}},
		{name: "a hold-out without all classes", change: func(r *modelv1.TrainingReport) {
			r.HoldOut = &modelv1.HoldOutMetrics{Rows: 3, Accuracy: 1, MacroF1: 0.5, Reliability: make([]*modelv1.ReliabilityBin, 10)}
		}, want: []string{"hold-out\taccuracy 1.0000, macro F1 0.5000 on 3 rows\n"}, absent: []string{"ROC"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := &modelv1.Model{Training: &modelv1.TrainingReport{
				Rows: 9, RegularisationC: 1, Solver: "newton", Iterations: 3, Converged: true, Objective: 2.5, Seed: 7,
			}}
			for range test.classes {
				file.Classes = append(file.Classes, "c")
			}
			if test.classes < 0 {
				file.Classes = []string{"c", clearScreen}
			}
			test.change(file.Training)
			var out bytes.Buffer
			writeTraining(&out, file)
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the output lacks %q:\n%s", want, out.String())
				}
			}
			for _, absent := range test.absent {
				if strings.Contains(out.String(), absent) {
					t.Errorf("the output has %q:\n%s", absent, out.String())
				}
			}
		})
	}
}

func TestInspectShowsWhatStandsForOtherTexts(t *testing.T) {
	t.Parallel()
	for want, feature := range map[string]*modelv1.CategoricalFeature{
		"2 categories":                          {Categories: []string{"a", "b"}},
		"2 categories, all else: b":             {Categories: []string{"a", "b"}, Other: proto.String("b")},
		"2 categories, missing: a, all else: b": {Categories: []string{"a", "b"}, Impute: proto.String("a"), Other: proto.String("b")},
		`2 categories, all else: "\x1b[2J"`:     {Categories: []string{"a", clearScreen}, Other: proto.String(clearScreen)},
	} {
		if got := takesOf(&modelv1.Feature{Kind: &modelv1.Feature_Categorical{Categorical: feature}}); got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
}

// What --json writes is the file, and may be served in its place.
func TestInspectWritesAllOfAReport(t *testing.T) {
	t.Parallel()
	got := sepalCommand(t, "", "inspect", "--json", testenv.Testdata(reported))
	if got.code != exitOK {
		t.Fatalf("got %v", got)
	}
	shown := new(modelv1.Model)
	if err := protojson.Unmarshal([]byte(got.stdout), shown); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decodeFile(t, testenv.Testdata(reported)), shown, protocmp.Transform()); diff != "" {
		t.Errorf("model (-file +shown):\n%s", diff)
	}
}
