package softmax_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestPredictGivesScikitLearnsProbabilities(t *testing.T) {
	t.Parallel()
	for _, o := range readOracles(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			data := readTable(t, o.Dataset)
			m := newModel(t, o.definition(t, data.signature, data.classes))
			for i, row := range o.Rows {
				got, _ := predict(t, m, data.row(row))
				if off := farthest(got, o.Probabilities[i]); off > 1e-12 {
					t.Errorf("row %d: %v, expected %v", row, got, o.Probabilities[i])
				}
			}
		})
	}
}

func TestProbabilitiesAreADistribution(t *testing.T) {
	t.Parallel()
	r := random(1)
	for _, classes := range []int{2, 3, 10} {
		m := randomModel(t, r, mixed(), classes)
		for range 200 {
			probabilities, class := predict(t, m, mixedRow(r))
			var sum float64
			for k, p := range probabilities {
				sum += p
				if !(p >= 0 && p <= probabilities[class]) {
					t.Errorf("class %d has %v, the predicted class %d %v", k, p, class, probabilities[class])
				}
			}
			if math.Abs(sum-1) > 1e-15*float64(classes) {
				t.Errorf("probabilities sum to %v", sum)
			}
		}
	}
}

// The naive way to logits is to encode the row and multiply.
func TestPredictIsTheSoftmaxOfTheEncodedRow(t *testing.T) {
	t.Parallel()
	r := random(2)
	m := randomModel(t, r, mixed(), 4)
	d := m.Definition()
	encoded := make([]float64, d.Signature.Width())
	for range 100 {
		row := mixedRow(r)
		d.Signature.Encode(encoded, row)
		logits := slices.Clone(d.Intercepts)
		for k := range logits {
			for c, x := range encoded {
				logits[k] += x * d.Weights[k*len(encoded)+c]
			}
		}
		got, _ := predict(t, m, row)
		if want := exactSoftmax(logits); farthest(got, want) > 1e-14 {
			t.Errorf("row %v: %v, expected %v", row, got, want)
		}
	}
}

func TestAShiftOfAllLogitsChangesNothing(t *testing.T) {
	t.Parallel()
	r := random(3)
	m := randomModel(t, r, numeric(5), 4)
	d := m.Definition()
	for k := range d.Intercepts {
		d.Intercepts[k] += 64
		for c := range 5 {
			d.Weights[k*5+c] -= 32
		}
	}
	shifted := newModel(t, d)
	for range 100 {
		row := normals(r, 5, 1)
		want, class := predict(t, m, row)
		got, same := predict(t, shifted, row)
		if farthest(got, want) > 1e-12 || class != same {
			t.Errorf("row %v: class %d %v, expected class %d %v", row, same, got, class, want)
		}
	}
}

func TestClassesInAnotherOrderHaveTheSameProbabilities(t *testing.T) {
	t.Parallel()
	r := random(4)
	const p, classes = 6, 5
	m := randomModel(t, r, numeric(p), classes)
	d, order := m.Definition(), r.Perm(classes)
	moved := softmax.Definition{Signature: d.Signature}
	for _, k := range order {
		moved.Classes = append(moved.Classes, d.Classes[k])
		moved.Weights = append(moved.Weights, d.Weights[k*p:(k+1)*p]...)
		moved.Intercepts = append(moved.Intercepts, d.Intercepts[k])
	}
	other := newModel(t, moved)
	for range 100 {
		row := normals(r, p, 1)
		want, class := predict(t, m, row)
		got, place := predict(t, other, row)
		for i, k := range order {
			if math.Abs(got[i]-want[k]) > 1e-15 {
				t.Errorf("class %q: %v, expected %v", d.Classes[k], got[i], want[k])
			}
		}
		if other.Class(place) != m.Class(class) {
			t.Errorf("class %q, expected %q", other.Class(place), m.Class(class))
		}
	}
}

func TestPredictAtTheEdges(t *testing.T) {
	t.Parallel()
	model := func(weights ...float64) *softmax.Model {
		return newModel(t, softmax.Definition{
			Signature: newSignature(t, numeric(1)), Classes: names("class", len(weights)),
			Weights: weights, Intercepts: make([]float64, len(weights)),
		})
	}
	for name, test := range map[string]struct {
		model *softmax.Model
		x     float64
		want  []float64
		class int
	}{
		"a tie goes to the first":               {model(2, 5, 5), 1, []float64{1 / (1 + 2*math.Exp(3)), 1 / (2 + math.Exp(-3)), 1 / (2 + math.Exp(-3))}, 1},
		"the origin":                            {model(1, 2, 3, 4), 0, []float64{.25, .25, .25, .25}, 0},
		"logits that differ, probabilities not": {model(-1, 1), math.SmallestNonzeroFloat64, []float64{.5, .5}, 1},
		"logits of which no exponential exists": {model(1000, 2000), 1, []float64{0, 1}, 1},
		"logits far below zero":                 {model(-2000, -2001), 1, []float64{1 / (1 + math.Exp(-1)), 1 / (1 + math.E)}, 0},
		"the largest logits":                    {model(-1, 1), math.MaxFloat64, []float64{0, 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, class := predict(t, test.model, []float64{test.x})
			if farthest(got, test.want) > 1e-15 || class != test.class {
				t.Errorf("class %d, %v, expected class %d, %v", class, got, test.class, test.want)
			}
		})
	}
}

func TestPredictRefuses(t *testing.T) {
	t.Parallel()
	m := newModel(t, softmax.Definition{
		Signature: newSignature(t, mixed()), Classes: []string{"no", "yes"},
		Weights: []float64{
			0, 0, 0, 0, 0, 0, 0,
			10, 0, 0, 0, -10, 0, 0,
		},
		Intercepts: []float64{0, 0},
	})
	for name, test := range map[string]struct {
		row  []float64
		want error
	}{
		"a short row":                     {[]float64{1}, &softmax.ShapeError{Got: 1, Want: 4}},
		"NaN":                             {[]float64{0, 0, math.NaN(), 0}, &softmax.ValueError{Column: 2, Feature: "age", Value: math.NaN(), Want: "a finite number"}},
		"no category":                     {[]float64{0, 0, 0, 7}, &softmax.ValueError{Column: 3, Feature: "member", Value: 7, Want: "the position of a category, 0 to 1"}},
		"a logit too large":               {[]float64{1e308, 0, 0, 0}, &softmax.OverflowError{Class: "yes"}},
		"a logit too low":                 {[]float64{-1e308, 0, 0, 0}, &softmax.OverflowError{Class: "yes"}},
		"a logit of infinity less itself": {[]float64{1e308, 0, 1e308, 0}, &softmax.OverflowError{Class: "yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := m.Predict(make([]float64, 2), test.row)
			checkSame(t, err, test.want)
			rows := append(make([]float64, 3*4), test.row...)
			rows = append(rows, make([]float64, 4-len(test.row))...)
			if len(test.row) == 4 {
				err = m.PredictBatch(make([]float64, 8), make([]int, 4), rows)
				checkSame(t, err, inRow(test.want, 3))
			}
		})
	}
	wantPanic(t, "softmax: Predict: length of dst is not the number of classes", func() {
		_, _ = m.Predict(make([]float64, 3), make([]float64, 4))
	})
}

// inRow returns the error of the same trouble in another row.
func inRow(err error, row int) error {
	switch e := err.(type) {
	case *softmax.ValueError:
		c := *e
		c.Row = row
		return &c
	case *softmax.OverflowError:
		c := *e
		c.Row = row
		return &c
	}
	return err
}

func TestPredictBatchIsPredictRowByRow(t *testing.T) {
	t.Parallel()
	r := random(5)
	const n, classes = 50, 3
	m := randomModel(t, r, mixed(), classes)
	var rows []float64
	for range n {
		rows = append(rows, mixedRow(r)...)
	}
	probabilities, labels := make([]float64, n*classes), make([]int, n)
	if err := m.PredictBatch(probabilities, labels, rows); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		want, class := predict(t, m, rows[i*4:(i+1)*4])
		if got := probabilities[i*classes : (i+1)*classes]; !slices.Equal(got, want) || labels[i] != class {
			t.Errorf("row %d: class %d, %v, expected class %d, %v", i, labels[i], got, class, want)
		}
	}
	if err := m.PredictBatch(nil, nil, nil); err != nil {
		t.Errorf("no rows: %v", err)
	}
	for name, call := range map[string]func() error{
		"probabilities": func() error { return m.PredictBatch(probabilities[1:], labels, rows) },
		"classes":       func() error { return m.PredictBatch(probabilities, labels[1:], rows) },
		"rows":          func() error { return m.PredictBatch(probabilities, labels, rows[1:]) },
	} {
		t.Run("wrong length of "+name, func(t *testing.T) {
			t.Parallel()
			wantPanic(t, "softmax: PredictBatch: length mismatch", func() { _ = call() })
		})
	}
}

// Not parallel: AllocsPerRun counts the allocations of the whole process.
func TestPredictionDoesNotAllocate(t *testing.T) {
	r := random(6)
	m := randomModel(t, r, mixed(), 3)
	d := m.Definition()
	d.Link = softmax.LinkOneVsRest
	each := newModel(t, d)
	row, probabilities, order := mixedRow(r), make([]float64, 3), make([]int, 3)
	rows, labels := slices.Repeat(row, 4), make([]int, 4)
	batch, contributions := make([]float64, 12), make([]float64, 4)
	many, manyPlaces := normals(r, 100, 1), make([]int, 100)
	for name, call := range map[string]func(){
		"Predict":      func() { _, _ = m.Predict(probabilities, row) },
		"PredictBatch": func() { _ = m.PredictBatch(batch, labels, rows) },
		"Rank":         func() { softmax.Rank(order, probabilities) },
		"Rank of many": func() { softmax.Rank(manyPlaces, many) },
		"Explain":      func() { m.Explain(contributions, row, 0, 1) },

		"Predict, one against the rest": func() { _, _ = each.Predict(probabilities, row) },
		"Explain, one against the rest": func() { each.Explain(contributions, row, 0, softmax.Rest) },
	} {
		if n := testing.AllocsPerRun(100, call); n != 0 {
			t.Errorf("%s makes %v allocations", name, n)
		}
	}
}

func ExampleModel_Predict() {
	signature, err := softmax.NewSignature([]softmax.Feature{
		{Name: "temperature", Unit: "°C"},
		{Name: "sky", Categories: []string{"clear", "overcast"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	model, err := softmax.NewModel(softmax.Definition{
		Signature:  signature,
		Classes:    []string{"dry", "rain"},
		Weights:    []float64{0, 0, 0, -0.1, 0, 2}, // temperature, clear, overcast; per class
		Intercepts: []float64{0, 1},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	probabilities := make([]float64, model.NumClasses())
	class, err := model.Predict(probabilities, []float64{20, 1})
	fmt.Println(model.Class(class), probabilities, err)
	_, err = model.Predict(probabilities, []float64{20, 2})
	fmt.Println(err)
	// Output:
	// rain [0.2689414213699951 0.7310585786300049] <nil>
	// row 0, column 1 (sky): 2 is not the position of a category, 0 to 1
}
