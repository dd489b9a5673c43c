package softmax_test

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// constant is a model of one against the rest whose logits are the same for every row.
func constant(t testing.TB, logits ...float64) *softmax.Model {
	t.Helper()
	return newModel(t, softmax.Definition{
		Signature: newSignature(t, numeric(1)), Classes: names("class", len(logits)),
		Weights: make([]float64, len(logits)), Intercepts: logits, Link: softmax.LinkOneVsRest,
	})
}

// exactOneVsRest is the definition, in numbers that are long enough for it.
func exactOneVsRest(logits []float64) []float64 {
	sigmoids := make([]*big.Float, len(logits))
	sum, one := new(big.Float).SetPrec(bits), new(big.Float).SetPrec(bits).SetInt64(1)
	for k, z := range logits {
		below := new(big.Float).SetPrec(bits).Add(one, exactExp(-z))
		sigmoids[k] = new(big.Float).SetPrec(bits).Quo(one, below)
		sum.Add(sum, sigmoids[k])
	}
	probabilities := make([]float64, len(logits))
	for k, s := range sigmoids {
		probabilities[k], _ = new(big.Float).SetPrec(bits).Quo(s, sum).Float64()
	}
	return probabilities
}

func TestOneVsRestIsExactToRounding(t *testing.T) {
	t.Parallel()
	r := random(60)
	for _, scale := range []float64{1e-9, 1, 10, 300, 3000} {
		for _, shift := range []float64{0, -4 * scale, 4 * scale} {
			for range 20 {
				logits := normals(r, 3+r.IntN(6), scale)
				for k := range logits {
					logits[k] += shift
				}
				got, class := predict(t, constant(t, logits...), []float64{0})
				for k, want := range exactOneVsRest(logits) {
					// Probabilities below 1e-300 lose digits, and then underflow.
					if math.Abs(got[k]-want) > 2e-13*want+1e-300 {
						t.Errorf("logits %v: probability %d is %v, expected %v", logits, k, got[k], want)
					}
				}
				if logits[class] != slices.Max(logits) || got[class] != slices.Max(got) {
					t.Errorf("logits %v, probabilities %v: class %d", logits, got, class)
				}
			}
		}
	}
}

func TestOneVsRestOfExtremes(t *testing.T) {
	t.Parallel()
	const most, tiny = math.MaxFloat64, math.SmallestNonzeroFloat64
	third := 1.0 / 3
	for _, test := range []struct {
		logits, want []float64
		class        int
	}{
		{[]float64{0, 0, 0, 0}, []float64{.25, .25, .25, .25}, 0},
		{[]float64{-tiny, tiny, 0}, []float64{third, third, third}, 1},
		{[]float64{1e308, 1e308, -1e308}, []float64{.5, .5, 0}, 0},
		{[]float64{40, 50, -1e308}, []float64{.5, .5, 0}, 1},
		{[]float64{most, most, most}, []float64{third, third, third}, 0},
		// Here every sigmoid underflows, and scikit-learn divides 0 by 0.
		{[]float64{-most, -most, -most}, []float64{third, third, third}, 0},
		{[]float64{-1e308, -1e307, -1e308}, []float64{0, 1, 0}, 1},
		{[]float64{-800 - math.Ln2, -800, -800 - math.Ln2}, []float64{.25, .5, .25}, 1},
		{[]float64{-most, -1e-320, -most}, []float64{0, 1, 0}, 1},
	} {
		got, class := predict(t, constant(t, test.logits...), []float64{0})
		if class != test.class || farthest(got, test.want) > 1e-13 {
			t.Errorf("logits %v: class %d of %v, expected %d of %v", test.logits, class, got, test.class, test.want)
		}
	}
}

// A higher logit gives its class more, and no other class.
func TestOneVsRestIsMonotone(t *testing.T) {
	t.Parallel()
	r := random(61)
	for range 300 {
		logits := normals(r, 4, 20)
		before, _ := predict(t, constant(t, logits...), []float64{0})
		moved := r.IntN(4)
		logits[moved] += 10 * r.Float64()
		after, _ := predict(t, constant(t, logits...), []float64{0})
		var sum float64
		for k, p := range after {
			sum += p
			if more := p - before[k]; k == moved && more < -1e-15 || k != moved && more > 1e-15 {
				t.Errorf("logits %v, class %d raised: class %d went from %v to %v", logits, moved, k, before[k], p)
			}
		}
		if math.Abs(sum-1) > 4e-15 {
			t.Errorf("probabilities sum to %v", sum)
		}
	}
}

// oneVsRestOracles are scikit-learn's answers; see the folder's README.md.
func oneVsRestOracles(t *testing.T) map[string]oneVsRestOracle {
	t.Helper()
	data, err := os.ReadFile("../../testdata/models-elsewhere/sklearn/manifest_ovr_sk1.2.1.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]oneVsRestOracle{}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

type oneVsRestOracle struct {
	X, Proba, Coef [][]float64
	Pred, Classes  []string
	Intercept      []float64
}

func TestOneVsRestGivesScikitLearnsProbabilities(t *testing.T) {
	t.Parallel()
	tried := 0
	for name, o := range oneVsRestOracles(t) {
		if strings.Contains(name, "pipe") {
			continue // coef_ is of scaled values
		}
		tried++
		m := newModel(t, softmax.Definition{
			Signature: newSignature(t, numeric(len(o.X[0]))), Classes: o.Classes,
			Weights: slices.Concat(o.Coef...), Intercepts: o.Intercept, Link: softmax.LinkOneVsRest,
		})
		n, k := len(o.X), len(o.Classes)
		probabilities, classes := make([]float64, n*k), make([]int, n)
		if err := m.PredictBatch(probabilities, classes, slices.Concat(o.X...)); err != nil {
			t.Fatal(err)
		}
		for i, row := range o.X {
			got, class := predict(t, m, row)
			if off := farthest(got, o.Proba[i]); off > 1e-12 || m.Class(class) != o.Pred[i] {
				t.Errorf("%s, row %d: %s of %v, expected %s of %v", name, i, m.Class(class), got, o.Pred[i], o.Proba[i])
			}
			if classes[i] != class || !slices.Equal(probabilities[i*k:(i+1)*k], got) {
				t.Errorf("%s, row %d: the batch has class %d of %v", name, i, classes[i], probabilities[i*k:(i+1)*k])
			}
		}
	}
	if tried < 4 {
		t.Errorf("%d models, expected 4 or more", tried)
	}
}

func TestOneVsRestIsExplainedByTheLogit(t *testing.T) {
	t.Parallel()
	r := random(62)
	d := randomModel(t, r, mixed(), 4).Definition()
	d.Link = softmax.LinkOneVsRest
	m := newModel(t, d)
	reference := slices.Clone(d.Intercepts)
	width := d.Signature.Width()
	for k := range reference {
		for c, x := range d.Reference {
			reference[k] += d.Weights[k*width+c] * x
		}
	}
	for range 100 {
		row := mixedRow(r)
		logits := m.Logits(make([]float64, 4), row)
		for class, z := range logits {
			margin := m.Explain(make([]float64, 4), row, class, softmax.Rest)
			if math.Abs(margin.Total-z) > 1e-12 || math.Abs(sum(margin)-z) > 1e-12 || math.Abs(margin.Baseline-reference[class]) > 1e-12 {
				t.Errorf("class %d: %+v, expected the logit %v and the baseline %v", class, margin, z, reference[class])
			}
		}
	}
	wrong := "softmax: Explain: against must be Rest for LinkOneVsRest, and for it alone"
	row := mixedRow(r)
	wantPanic(t, wrong, func() { m.Explain(make([]float64, 4), row, 1, 0) })
	plain := randomModel(t, r, mixed(), 4)
	wantPanic(t, wrong, func() { plain.Explain(make([]float64, 4), row, 1, softmax.Rest) })
}

func TestLinkIsOfTheModel(t *testing.T) {
	t.Parallel()
	m := constant(t, 1, 2, 3)
	if m.Link() != softmax.LinkOneVsRest || m.Definition().Link != softmax.LinkOneVsRest {
		t.Errorf("the link is %v, by its definition %v", m.Link(), m.Definition().Link)
	}
	logits := m.Logits(make([]float64, 3), []float64{7})
	if want := []float64{1, 2, 3}; !slices.Equal(logits, want) {
		t.Errorf("logits %v, expected %v", logits, want)
	}
}
