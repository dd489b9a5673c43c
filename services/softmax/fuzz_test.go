package softmax_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// numbers reads float64s from bytes, eight each.
func numbers(data []byte) []float64 {
	values := make([]float64, len(data)/8)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return values
}

func encoded(values ...float64) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	return data
}

func isFinite(v float64) bool { return v-v == 0 }

// checkPrediction fails unless the outcome is a distribution or an error about the row.
func checkPrediction(t *testing.T, row, probabilities []float64, class int, err error) {
	t.Helper()
	var (
		shape    *softmax.ShapeError
		value    *softmax.ValueError
		overflow *softmax.OverflowError
	)
	switch {
	case errors.As(err, &shape), errors.As(err, &value), errors.As(err, &overflow):
		return
	case err != nil:
		t.Fatalf("row %v: error %v (%T)", row, err, err)
	}
	var sum float64
	for _, p := range probabilities {
		if !(p >= 0 && p <= 1) || p > probabilities[class] {
			t.Fatalf("row %v: class %d of %v", row, class, probabilities)
		}
		sum += p
	}
	if !(math.Abs(sum-1) < 1e-12) {
		t.Fatalf("row %v: probabilities %v sum to %v", row, probabilities, sum)
	}
}

func FuzzPredict(f *testing.F) {
	f.Add(encoded(1, 2, 3, 1))
	f.Add(encoded(1, 2, 3))
	f.Add(encoded(math.NaN(), 0, math.Inf(1), 0))
	f.Add(encoded(math.MaxFloat64, 0, -math.MaxFloat64, 0))
	f.Add(encoded(math.SmallestNonzeroFloat64, math.Copysign(0, -1), 0, 0.5))
	m := randomModel(f, random(40), mixed(), 3)
	d := m.Definition()
	d.Link = softmax.LinkOneVsRest
	each := newModel(f, d)
	f.Fuzz(func(t *testing.T, data []byte) {
		row := numbers(data)
		probabilities := make([]float64, 3)
		class, err := m.Predict(probabilities, row)
		checkPrediction(t, row, probabilities, class, err)
		fits := len(row) == 4
		for j, v := range row {
			fits = fits && m.Signature().Feature(j%4).Accepts(v)
		}
		if check := m.Signature().Check(row, 0); (check == nil) != fits {
			t.Fatalf("Check(%v) = %v", row, check)
		}
		if err != nil {
			return
		}
		class, err = each.Predict(probabilities, row)
		checkPrediction(t, row, probabilities, class, err)
		margin := m.Explain(make([]float64, 4), row, class, (class+1)%3)
		for _, c := range append(margin.Contributions, margin.Baseline) {
			if isFinite(margin.Total) && !isFinite(c) {
				t.Fatalf("row %v: %+v", row, margin)
			}
		}
	})
}

func FuzzNewSignature(f *testing.F) {
	f.Add("age", "", 1.0, 0.0, 2.0)
	f.Add("colour", "red|green|red", 1.0, math.NaN(), 0.0)
	f.Add("", "|", math.Inf(1), 3.0, 2.0)
	f.Add("\xff", "\xff", -1.0, 0.0, 0.0)
	f.Fuzz(func(t *testing.T, name, categories string, impute, low, high float64) {
		features := []softmax.Feature{
			{Name: name, Impute: &impute},
			{Name: "fixed", Range: &softmax.Range{Min: low, Max: high}},
		}
		if categories != "" {
			features[0].Categories = strings.Split(categories, "|")
		}
		s, err := softmax.NewSignature(features)
		if err != nil {
			var undefined *softmax.DefinitionError
			if !errors.As(err, &undefined) || undefined.Field == "" {
				t.Fatalf("error %v (%T)", err, err)
			}
			return
		}
		// Whatever it takes, the stand-in and the range it does.
		for _, v := range []float64{low, high} {
			row := []float64{impute, v}
			if err := s.Check(row, 0); err != nil {
				t.Fatalf("%+v: %v", features, err)
			}
			var ones float64
			for _, x := range s.Encode(make([]float64, s.Width()), row)[:s.Width()-1] {
				ones += x
			}
			if features[0].Categorical() && ones != 1 {
				t.Fatalf("%+v: the one-hot columns sum to %v", features, ones)
			}
		}
	})
}

func FuzzNewModel(f *testing.F) {
	f.Add("no", "yes", encoded(1, 2, 3, 4), encoded(5, 6), encoded(7, 8))
	f.Add("a", "a", encoded(1), encoded(), encoded(math.NaN()))
	f.Add("no", "yes", encoded(math.MaxFloat64, -math.MaxFloat64, 1, 1), encoded(math.MaxFloat64, 0), encoded(0, 0))
	signature := newSignature(f, numeric(2))
	f.Fuzz(func(t *testing.T, first, second string, weights, intercepts, reference []byte) {
		m, err := softmax.NewModel(softmax.Definition{
			Signature: signature, Classes: []string{first, second},
			Weights: numbers(weights), Intercepts: numbers(intercepts), Reference: numbers(reference),
		})
		if err != nil {
			var undefined *softmax.DefinitionError
			if !errors.As(err, &undefined) || undefined.Field == "" {
				t.Fatalf("error %v (%T)", err, err)
			}
			return
		}
		for _, row := range [][]float64{{0, 0}, {1, -1}, {math.MaxFloat64, math.MaxFloat64}} {
			probabilities := make([]float64, 2)
			class, err := m.Predict(probabilities, row)
			checkPrediction(t, row, probabilities, class, err)
		}
	})
}

func FuzzFit(f *testing.F) {
	f.Add(encoded(1, 0, 1, 2, 1, 1, 3, 2, 1, 4, 0, 1), 1.0, true)
	f.Add(encoded(1e150, 0, 1e150, -1e150, 0, 1e-300, 5, 1, 1), 1e-150, false)
	f.Add(encoded(math.NaN(), 0, 1, 1, 1, -1), 1e150, true)
	f.Add(encoded(0, 0, 1, 0, 0, 1, 0, 0, 1), 1.0, true)
	signature := newSignature(f, []softmax.Feature{{Name: "x"}, {Name: "y", Categories: []string{"a", "b", "c"}}})
	f.Fuzz(func(t *testing.T, data []byte, c float64, intercept bool) {
		var samples softmax.Samples
		values := numbers(data)
		for i := 0; i+3 <= len(values); i += 3 {
			samples.Rows = append(samples.Rows, values[i], values[i+1])
			samples.Weights = append(samples.Weights, values[i+2])
			samples.Labels = append(samples.Labels, i/3%2)
		}
		result, err := softmax.Fit(context.Background(), signature, names("class", 2), samples,
			softmax.FitOptions{C: c, NoIntercept: !intercept, MaxIterations: 50})
		var short *softmax.NotConvergedError
		if errors.As(err, &short) {
			result, err = short.Result, nil
		}
		if err != nil {
			checkFitError(t, err)
			return
		}
		d := result.Model.Definition()
		for _, v := range append(append(d.Weights, d.Intercepts...), d.Reference...) {
			if !isFinite(v) {
				t.Fatalf("a model of %+v", d)
			}
		}
		if !(result.Objective >= 0) || !(result.GradientMax >= 0) {
			t.Fatalf("objective %v, gradient %v", result.Objective, result.GradientMax)
		}
	})
}

func checkFitError(t *testing.T, err error) {
	t.Helper()
	var (
		shape     *softmax.ShapeError
		value     *softmax.ValueError
		weight    *softmax.WeightError
		empty     *softmax.EmptyClassError
		undefined *softmax.DefinitionError
	)
	if !errors.As(err, &shape) && !errors.As(err, &value) && !errors.As(err, &weight) &&
		!errors.As(err, &empty) && !errors.As(err, &undefined) {
		t.Fatalf("error %v (%T)", err, err)
	}
	if undefined != nil && (undefined.Field == "weights" || undefined.Field == "intercepts") {
		t.Fatalf("the solver found no finite model: %v", err)
	}
}
