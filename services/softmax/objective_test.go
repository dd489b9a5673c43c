package softmax

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
)

// sampleObjective is an objective of random weighted rows with a categorical feature.
func sampleObjective(t *testing.T, classes int, options FitOptions) (*objective, *rand.Rand) {
	t.Helper()
	r := rand.New(rand.NewPCG(30, uint64(classes)))
	signature, err := NewSignature([]Feature{{Name: "a"}, {Name: "b", Categories: []string{"x", "y"}}, {Name: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	var s Samples
	for i := range 40 {
		s.Rows = append(s.Rows, 1000+100*r.NormFloat64(), float64(r.IntN(2)), 1e-3*r.NormFloat64())
		s.Labels = append(s.Labels, i%classes)
		s.Weights = append(s.Weights, 3*r.Float64())
	}
	options, err = options.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return newObjective(newDesign(signature, &s, classes, options), classes), r
}

func TestGradientIsTheDerivativeOfTheObjective(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3, 5} {
		for _, options := range []FitOptions{{}, {NoIntercept: true}, {C: 0.01}, {C: 100}} {
			o, r := sampleObjective(t, classes, options)
			for range 5 {
				x := make([]float64, o.size())
				for i := range x {
					x[i] = 2 * r.NormFloat64()
				}
				got := make([]float64, len(x))
				o.Grad(got, x)
				want := fd.Gradient(nil, o.Func, x, &fd.Settings{Formula: fd.Central})
				for i := range want {
					if math.Abs(got[i]-want[i]) > 1e-7 {
						t.Errorf("%d classes, %+v: derivative %d is %v, by differences %v", classes, options, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// What FitOptions.Tolerance and FitResult.GradientMax promise rests on the scale of the columns:
// at weights of zero, the second derivative is 1 along each variable.
func TestTheObjectiveStartsWithUnitCurvature(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3, 5} {
		for _, options := range []FitOptions{{}, {NoIntercept: true}, {C: 1e-4}} {
			o, _ := sampleObjective(t, classes, options)
			for i := range o.size() {
				along := func(v float64) float64 {
					x := make([]float64, o.size())
					x[i] = v
					return o.Func(x)
				}
				if got := fd.Derivative(along, 0, &fd.Settings{Formula: fd.Central2nd, Step: 1e-3}); math.Abs(got-1) > 1e-3 {
					t.Errorf("%d classes, %+v: the second derivative along %d is %v, expected 1", classes, options, i, got)
				}
			}
		}
	}
}

func TestTheObjectiveIsEvaluatedOncePerPoint(t *testing.T) {
	t.Parallel()
	o, _ := sampleObjective(t, 3, FitOptions{})
	x := make([]float64, o.size())
	x[0] = 1
	gradient := make([]float64, len(x))
	want := o.Func(x)
	o.value = -1 // what a second evaluation would overwrite
	if o.Grad(gradient, x); o.value != -1 {
		t.Error("Grad evaluated the point that Func had")
	}
	x[0] = 2
	if o.Grad(gradient, x); o.value == -1 || o.value == want {
		t.Error("Grad took the gradient of another point")
	}
}

func TestCrossEntropy(t *testing.T) {
	t.Parallel()
	const certain = 1e-30 // e^-69: 1 + certain is 1
	far := math.Log(certain)
	for name, test := range map[string]struct {
		logits    []float64
		label     int
		want      float64
		residuals []float64
	}{
		"even":              {[]float64{3, 3, 3, 3}, 1, math.Log(4), []float64{.25, -.75, .25, .25}},
		"almost certain":    {[]float64{0, far}, 0, certain, []float64{-certain, certain}},
		"almost ruled out":  {[]float64{0, far}, 1, -far, []float64{1, -1}},
		"two far behind":    {[]float64{far, 0, far}, 1, 2 * certain, []float64{certain, -2 * certain, certain}},
		"beyond exp's end":  {[]float64{1e5, -1e5}, 1, 2e5, []float64{1, -1}},
		"beyond, and right": {[]float64{1e5, -1e5}, 0, 0, []float64{0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := slices.Clone(test.logits)
			got := crossEntropy(z, test.label)
			near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-13*math.Abs(b) }
			if !near(got, test.want) {
				t.Errorf("cross-entropy %v, expected %v", got, test.want)
			}
			for k := range z {
				if !near(z[k], test.residuals[k]) {
					t.Errorf("residuals %v, expected %v", z, test.residuals)
				}
			}
		})
	}
}

func TestADesignOfExtremeValues(t *testing.T) {
	t.Parallel()
	signature, err := NewSignature([]Feature{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	if err != nil {
		t.Fatal(err)
	}
	s := Samples{
		Rows:   []float64{maxMagnitude, 1e-300, 0, -maxMagnitude, -1e-300, 0, maxMagnitude, 2e-300, 0},
		Labels: []int{0, 1, 1},
	}
	options, err := FitOptions{C: maxMagnitude}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	d := newDesign(signature, &s, 2, options)
	for _, values := range [][]float64{d.values, d.mean, d.scale, d.penalty} {
		if slices.ContainsFunc(values, func(v float64) bool { return v-v != 0 }) {
			t.Errorf("a value is not finite: %v", values)
		}
	}
	if v := d.row(0)[0]; math.Abs(v) < 0.1 || math.Abs(v) > 10 {
		t.Errorf("the first column comes to %v", v)
	}
}
