package solver

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// kinkedProblem is one of random rows, of which a few columns tell the classes apart.
func kinkedProblem(t *testing.T, rows, columns, classes int, ratio float64) *Problem {
	t.Helper()
	random := rand.New(rand.NewPCG(3, uint64(classes)))
	values, labels := make([]float64, rows*columns), make([]int, rows)
	for i := range rows {
		labels[i] = i % classes
		for j := range columns {
			values[i*columns+j] = random.NormFloat64() * float64(1+j%3)
			if j < classes && j == labels[i] {
				values[i*columns+j] += 1.5
			}
		}
	}
	p, err := New(t.Context(), Config{
		Rows: Dense{Values: values, Columns: columns}, Labels: labels, Classes: classes, Intercept: true, C: 0.03, L1Ratio: ratio,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestKinkedMethodsAgree lets both methods find the same minimum, with the same zeros.
func TestKinkedMethodsAgree(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 3, 6} {
		for _, ratio := range []float64{0.3, 0.9, 1} {
			t.Run(fmt.Sprintf("%d classes, ratio %v", classes, ratio), func(t *testing.T) {
				t.Parallel()
				o := Options{Tolerance: 1e-9, MaxIterations: 1000}
				var results []*Result
				for _, m := range []method{
					{name: "proximal", minimise: proximalNewton, curves: true, idle: 10},
					{name: "orthant", minimise: orthantNewton, curves: true, idle: 50},
				} {
					r, err := minimise(t.Context(), kinkedProblem(t, 400, 12, classes, ratio), o, m)
					if err != nil {
						t.Fatal(err)
					}
					t.Logf("%s: %d iterations, %.0f passes", m.name, r.Iteration, r.Passes)
					if !r.Converged {
						t.Fatalf("%s stops at a gradient of %v: %v", m.name, maxNorm(r.Gradient), r.Stalled)
					}
					results = append(results, r)
				}
				a, b := results[0], results[1]
				if math.Abs(a.Objective-b.Objective) > 1e-11*a.Objective {
					t.Errorf("the minimum is %.15g and %.15g", a.Objective, b.Objective)
				}
				zeros := 0
				for i := range a.X {
					if a.X[i] == 0 && b.X[i] == 0 {
						zeros++
					}
					if ratio < 1 && math.Abs(a.X[i]-b.X[i]) > 1e-5 {
						t.Errorf("variable %d is %v and %v", i, a.X[i], b.X[i])
					}
				}
				if zeros == 0 {
					t.Error("no variable is 0")
				}
			})
		}
	}
}

// TestCertificateOfMagnitudes holds the bound on the gap, where nothing but magnitudes is
// penalised, against the gap, on the way to the minimum and there.
func TestCertificateOfMagnitudes(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{2, 4} {
		p := kinkedProblem(t, 300, 8, classes, 1)
		o := Options{Tolerance: 1e-10, MaxIterations: 1000}
		least, err := Minimise(t.Context(), p, o)
		if err != nil {
			t.Fatal(err)
		}
		if !(least.Gap <= 1e-6*least.Objective) {
			t.Errorf("%d classes: at the minimum the gap is at most %v of %v", classes, least.Gap, least.Objective)
		}
		for _, iterations := range []int{1, 2, 3} {
			o.MaxIterations = iterations
			early, err := Minimise(t.Context(), kinkedProblem(t, 300, 8, classes, 1), o)
			if err != nil {
				t.Fatal(err)
			}
			gap := early.Objective - least.Objective
			t.Logf("%d classes, %d iterations: a gap of %v, at most %v", classes, iterations, gap, early.Gap)
			if !(gap <= early.Gap) {
				t.Errorf("%d classes, %d iterations: the gap is %v, the bound says %v", classes, iterations, gap, early.Gap)
			}
		}
	}
}
