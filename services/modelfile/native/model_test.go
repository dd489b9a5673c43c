package native_test

import (
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// fish returns a valid model with everything that a file may hold: numeric features with and
// without a range, categorical ones, stand-ins for missing values, and all the reports.
func fish() *modelv1.Model {
	m := &modelv1.Model{
		FormatVersion: 1,
		Name:          "fish",
		Version:       "v1.2.0-rc.1+build.7",
		Signature: &modelv1.Signature{Features: []*modelv1.Feature{
			{
				Name: "length_cm", Unit: "cm", Description: "from the snout to the fork of the tail",
				Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{
					Min: proto.Float64(0), Max: proto.Float64(61.5), Impute: proto.Float64(0),
				}},
			},
			{
				Name: "water",
				Kind: &modelv1.Feature_Categorical{Categorical: &modelv1.CategoricalFeature{
					Categories: []string{"süß", "salt"}, Impute: proto.String("salt"), Other: proto.String("salt"),
				}},
			},
			{Name: "fins", Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{}}},
		}},
		Classes: []string{"carp", "cod", "eel"},
		Training: &modelv1.TrainingReport{
			DataDigest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			Rows:       40, Solver: "lbfgs", RegularisationC: 1, Iterations: 12, Converged: true,
			Objective: 3.5, GradientMax: 1e-11, Seed: 1,
			HoldOut: &modelv1.HoldOutMetrics{
				Rows: 8, Accuracy: 0.875, LogLoss: 0.3, Confusion: []uint32{3, 0, 0, 0, 2, 1, 0, 0, 2},
				MacroF1: 0.8667, RocAuc: proto.Float64(0.98), Brier: 1.25, CalibrationError: 0.05, MeanConfidence: 0.825,
				Reliability: bins(),
			},
			CrossValidation: &modelv1.CrossValidationMetrics{Folds: 5, AccuracyMean: 1, LogLossMean: 0.25},
			Passes:          14, ObjectiveGap: proto.Float64(0), L1Ratio: 1, Standardised: true,
			ClassWeights: []float64{1, 0.5, 2}, Temperature: proto.Float64(0.8),
			Tuning: &modelv1.Tuning{Folds: 2, Points: []*modelv1.TuningPoint{
				{RegularisationC: 0.1, LogLossMean: 0.5, LogLossSd: 0.1, AccuracyMean: 0.75},
				{RegularisationC: 1, LogLossMean: 0.25, AccuracyMean: 1},
			}},
		},
		Reference: &modelv1.ReferenceProfile{
			Rows: 40,
			Features: []*modelv1.FeatureProfile{
				{MissingShare: 0.1, Edges: []float64{10, 20.5}, Shares: []float64{0.25, 0.5, 0.25}},
				{Shares: []float64{0.4, 0.6}},
				{Shares: []float64{1}},
			},
			PredictedClassShares: []float64{0.5, 0.25, 0.25},
			MeanConfidence:       0.9,
		},
		ReferenceRow: []float64{25, 0.4, 0.6, 7},
		Weights: []float64{
			0.05, 2, -1, 0.25,
			-0.02, -3, 1.5, 0.125,
			-0.03, 1, -0.5, -0.375,
		},
		Intercepts: []float64{-1.5, 0.5, 1},
	}
	for _, row := range [][]float64{{42, 0, 8}, {17.5, 1, 3}} {
		m.GoldenRows = append(m.GoldenRows, &modelv1.GoldenRow{Features: row, Probabilities: expected(m, row)})
	}
	return m
}

// bins are those of eight predictions, seven of them right.
func bins() []*modelv1.ReliabilityBin {
	all := make([]*modelv1.ReliabilityBin, 10)
	for i := range all {
		all[i] = &modelv1.ReliabilityBin{}
	}
	all[5] = &modelv1.ReliabilityBin{Rows: 2, MeanConfidence: 0.6, Accuracy: 0.5}
	all[9] = &modelv1.ReliabilityBin{Rows: 6, MeanConfidence: 0.9, Accuracy: 1}
	return all
}

// fishEach is fish, one class against the rest.
func fishEach() *modelv1.Model {
	m := fish()
	m.Link = modelv1.Link_LINK_ONE_VS_REST
	for _, row := range m.GetGoldenRows() {
		row.Probabilities = expected(m, row.GetFeatures())
	}
	return m
}

// expected computes the probabilities of a row of the model as the contract defines them,
// without the engine.
func expected(m *modelv1.Model, row []float64) []float64 {
	var encoded []float64
	for j, f := range m.GetSignature().GetFeatures() {
		categories := f.GetCategorical().GetCategories()
		if categories == nil {
			encoded = append(encoded, row[j])
		}
		for i := range categories {
			var hot float64
			if float64(i) == row[j] {
				hot = 1
			}
			encoded = append(encoded, hot)
		}
	}
	probabilities := make([]float64, len(m.GetClasses()))
	var sum float64
	for k := range probabilities {
		z := m.GetIntercepts()[k]
		for d, x := range encoded {
			z += m.GetWeights()[k*len(encoded)+d] * x
		}
		probabilities[k] = math.Exp(z)
		if m.GetLink() == modelv1.Link_LINK_ONE_VS_REST {
			probabilities[k] = 1 / (1 + math.Exp(-z))
		}
		sum += probabilities[k]
	}
	for k := range probabilities {
		probabilities[k] /= sum
	}
	return probabilities
}

// small returns a valid model of few bytes, with golden rows.
func small() *modelv1.Model {
	m := &modelv1.Model{
		FormatVersion: 1,
		Name:          "s",
		Version:       "v1.0.0",
		Signature: &modelv1.Signature{Features: []*modelv1.Feature{
			{Name: "x", Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{}}},
			{Name: "c", Kind: &modelv1.Feature_Categorical{Categorical: &modelv1.CategoricalFeature{
				Categories: []string{"p", "q"}, Impute: proto.String("q"),
			}}},
		}},
		Classes:    []string{"n", "y"},
		Weights:    []float64{1, -0.5, 0.25, -1, 0.5, 0.75},
		Intercepts: []float64{0.5, -0.5},
	}
	row := []float64{1.5, 1}
	m.GoldenRows = []*modelv1.GoldenRow{{Features: row, Probabilities: expected(m, row)}}
	return m
}

func encode(t testing.TB, m *modelv1.Model, f native.Format) []byte {
	t.Helper()
	data, err := native.Encode(m, f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t testing.TB, data []byte) *modelv1.Model {
	t.Helper()
	m, _, err := native.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
