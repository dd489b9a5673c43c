package native_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
)

// unpenalisedFish is fish as it is without all that a report may leave out.
func unpenalisedFish() *modelv1.Model {
	m := fish()
	r := m.GetTraining()
	r.Unpenalised, r.RegularisationC, r.L1Ratio, r.Standardised = true, 0, 0, false
	r.ObjectiveGap, r.ClassWeights, r.Temperature, r.Tuning = nil, nil, nil, nil
	r.HoldOut.RocAuc, r.HoldOut.Reliability = nil, nil
	return m
}

// What lies on the edge of a bound, or beyond it by the rounding of a sum, is a report all the same.
func TestReportsAtTheirBoundsAreRead(t *testing.T) {
	t.Parallel()
	const above1 = 1 + 2e-16
	for name, change := range map[string]func(r *modelv1.TrainingReport){
		"no penalty, and the C that was given": func(r *modelv1.TrainingReport) { r.Unpenalised = true },
		"a fit of nothing":                     func(r *modelv1.TrainingReport) { r.Objective, r.GradientMax, r.Passes = 0, 0, 0 },
		"the smallest numbers": func(r *modelv1.TrainingReport) {
			r.RegularisationC, r.Temperature = math.SmallestNonzeroFloat64, proto.Float64(math.SmallestNonzeroFloat64)
			r.ClassWeights = []float64{math.SmallestNonzeroFloat64, 1, math.MaxFloat64}
		},
		"the largest numbers": func(r *modelv1.TrainingReport) {
			r.RegularisationC, r.Temperature, r.ObjectiveGap = math.MaxFloat64, proto.Float64(math.MaxFloat64), proto.Float64(math.MaxFloat64)
		},
		"sums that were rounded up": func(r *modelv1.TrainingReport) {
			h := r.GetHoldOut()
			h.Accuracy, h.MacroF1, h.RocAuc, h.Brier = above1, above1, proto.Float64(above1), 2*above1
			h.CalibrationError, h.MeanConfidence, h.Reliability[9].MeanConfidence = above1, above1, above1
		},
		"one C": func(r *modelv1.TrainingReport) { r.Tuning.Points = r.Tuning.Points[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fish()
			change(want.GetTraining())
			for _, format := range formats {
				if diff := cmp.Diff(want, decode(t, encode(t, want, format)), protocmp.Transform()); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestReportsMayLeaveOut(t *testing.T) {
	t.Parallel()
	want := unpenalisedFish()
	for _, format := range formats {
		if diff := cmp.Diff(want, decode(t, encode(t, want, format)), protocmp.Transform()); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	}
}
