package softmax_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

const bits = 300

// exactExp returns e^x to about bits binary digits, by the Taylor series of e^(x/2^64).
func exactExp(x float64) *big.Float {
	const halvings = 64
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(bits + 2*halvings).SetFloat64(v) }
	small := number(x)
	small.SetMantExp(small, -halvings)
	sum, term := number(1), number(1)
	for k := 1; k < 40; k++ {
		term.Mul(term, small)
		term.Quo(term, number(float64(k)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// exactSoftmax is the definition, in numbers that are long enough for it.
func exactSoftmax(logits []float64) []float64 {
	powers := make([]*big.Float, len(logits))
	sum := new(big.Float).SetPrec(bits)
	for k, z := range logits {
		powers[k] = exactExp(z)
		sum.Add(sum, powers[k])
	}
	probabilities := make([]float64, len(logits))
	for k, power := range powers {
		probabilities[k], _ = new(big.Float).SetPrec(bits).Quo(power, sum).Float64()
	}
	return probabilities
}

func TestExactExp(t *testing.T) {
	t.Parallel()
	for _, x := range []float64{0, 1, -1, 0.5, 700, -700, 1e-300} {
		got, _ := exactExp(x).Float64()
		if want := math.Exp(x); math.Abs(got-want) > 2e-16*want {
			t.Errorf("e^%v = %v, expected %v", x, got, want)
		}
	}
}

func TestSoftmaxIsExactToRounding(t *testing.T) {
	t.Parallel()
	r := random(7)
	for _, scale := range []float64{1e-9, 1, 10, 300, 3000} {
		for range 30 {
			logits := normals(r, 1+r.IntN(8), scale)
			got := softmax.Softmax(make([]float64, len(logits)), logits)
			for k, want := range exactSoftmax(logits) {
				// Probabilities below 1e-300 lose digits, and then underflow.
				if math.Abs(got[k]-want) > 2e-13*want+1e-300 {
					t.Errorf("logits %v: probability %d is %v, expected %v", logits, k, got[k], want)
				}
			}
		}
	}
}

func TestSoftmaxOfExtremes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ logits, want []float64 }{
		{nil, nil},
		{[]float64{-1e308}, []float64{1}},
		{[]float64{math.MaxFloat64, -math.MaxFloat64}, []float64{1, 0}},
		{[]float64{1e308, 1e308}, []float64{.5, .5}},
		{[]float64{-1e308, -1e308, -1e308, -1e308}, []float64{.25, .25, .25, .25}},
	} {
		got := softmax.Softmax(make([]float64, len(test.logits)), test.logits)
		if !slices.Equal(got, test.want) {
			t.Errorf("Softmax(%v) = %v, expected %v", test.logits, got, test.want)
		}
	}
}

func TestSoftmaxInPlace(t *testing.T) {
	t.Parallel()
	logits := []float64{3, 1, 2}
	want := softmax.Softmax(make([]float64, 3), logits)
	if got := softmax.Softmax(logits, logits); !slices.Equal(got, want) || &got[0] != &logits[0] {
		t.Errorf("in place %v, expected %v", got, want)
	}
	wantPanic(t, "softmax: Softmax: length mismatch", func() { softmax.Softmax(logits[:2], logits) })
}

func TestLogitsTellUnderflownProbabilitiesApart(t *testing.T) {
	t.Parallel()
	signature, err := softmax.NewSignature([]softmax.Feature{{Name: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := softmax.NewModel(softmax.Definition{
		Signature: signature, Classes: []string{"a", "b", "c"},
		Weights: []float64{0, 1, 3}, Intercepts: []float64{0.5, 0, 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	probabilities := make([]float64, 3)
	if _, err := m.Predict(probabilities, []float64{1000}); err != nil {
		t.Fatal(err)
	}
	if probabilities[0] != 0 || probabilities[1] != 0 {
		t.Fatalf("the probabilities are %v, expected two to underflow", probabilities)
	}
	logits := m.Logits(make([]float64, 3), []float64{1000})
	if want := []float64{0.5, 1000, 3000}; !slices.Equal(logits, want) {
		t.Errorf("the logits are %v, expected %v", logits, want)
	}
}
