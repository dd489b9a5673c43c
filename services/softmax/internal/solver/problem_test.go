package solver

import (
	"context"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
)

// shapes are small problems of every form, kept apart by how their passes run: those of more than
// readyValues values are read where they lie, the others are copied.
func shapes() []shape {
	var all []shape
	for _, f := range forms {
		for _, classes := range []int{2, 3, 6} {
			all = append(all,
				shape{rows: 60, features: 5, classes: classes, form: f},
				shape{rows: 60, features: 5, classes: classes, form: f, noIntercept: true},
				shape{rows: 60, features: 5, classes: classes, form: f, weighted: true, c: 0.01},
				shape{rows: 1900, features: 70, classes: classes, form: f, weighted: true},
				shape{rows: 1900, features: 70, classes: classes, form: f, c: 1e6, workers: 2},
			)
		}
	}
	return all
}

func (s shape) String() string {
	for name, f := range forms {
		if f == s.form {
			return fmt.Sprintf("%d×%d×%d, %s, C %v, no intercept %v, weighted %v",
				s.rows, s.features, s.classes, name, s.c, s.noIntercept, s.weighted)
		}
	}
	return ""
}

func TestGradientIsTheDerivativeOfTheObjective(t *testing.T) {
	t.Parallel()
	for _, sh := range shapes() {
		p := problem(t, config(sh))
		for seed := range uint64(2) {
			x, along := point(p, seed, 0.3), point(p, seed+10, 1)
			_, gradient := evaluate(t, p, x)
			want := fd.Derivative(func(step float64) float64 {
				y := make([]float64, len(x))
				for i := range y {
					y[i] = x[i] + step*along[i]
				}
				value, _ := evaluate(t, p, y)
				return value
			}, 0, &fd.Settings{Formula: fd.Central, Step: 1e-5})
			if got := dot(gradient, along); math.Abs(got-want) > 1e-6*math.Sqrt(float64(len(x))) {
				t.Errorf("%v: the slope is %v, by differences %v", sh, got, want)
			}
		}
	}
}

func dot(a, b []float64) float64 {
	var sum float64
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func TestProductIsTheDerivativeOfTheGradient(t *testing.T) {
	t.Parallel()
	for _, sh := range shapes() {
		p := problem(t, config(sh))
		x, along := point(p, 1, 0.3), point(p, 2, 1)
		const step = 1e-4
		next, last := make([]float64, len(x)), make([]float64, len(x))
		for i := range x {
			next[i], last[i] = x[i]+step*along[i], x[i]-step*along[i]
		}
		_, after := evaluate(t, p, next)
		_, before := evaluate(t, p, last)
		p.keep = true
		evaluate(t, p, x)
		got := make([]float64, len(x))
		if err := p.Product(context.Background(), got, along); err != nil {
			t.Fatal(err)
		}
		p.recompute = true // the same without anything kept
		again := make([]float64, len(x))
		evaluate(t, p, x)
		if err := p.Product(context.Background(), again, along); err != nil {
			t.Fatal(err)
		}
		if off := farthest(again, got); off > 1e-13 {
			t.Errorf("%v: with the probabilities computed again, the product is off by %v", sh, off)
		}
		for i := range got {
			if want := (after[i] - before[i]) / (2 * step); math.Abs(got[i]-want) > 1e-5 {
				t.Fatalf("%v: product %d is %v, by differences %v", sh, i, got[i], want)
			}
		}
	}
}

func TestHessianIsWhatProductMultipliesBy(t *testing.T) {
	t.Parallel()
	for _, sh := range shapes() {
		if sh.form == sparseRows && sh.features > narrowWidth {
			continue // it has no method that asks for one
		}
		p := problem(t, config(sh))
		p.keep = true
		x := point(p, 3, 0.5)
		evaluate(t, p, x)
		h, err := p.Hessian(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		along := point(p, 4, 1)
		byClass, want := make([]float64, len(along)), make([]float64, len(along))
		p.toClasses(byClass, along)
		if err := p.Product(context.Background(), want, along); err != nil {
			t.Fatal(err)
		}
		n := p.Size()
		for j := range p.columns {
			for k := range p.free {
				i := k*p.columns + j
				got := dot(h[i*n:(i+1)*n], byClass)
				if math.Abs(got-want[j*p.free+k]) > 1e-9 {
					t.Fatalf("%v: row (%d, %d) gives %v, expected %v", sh, j, k, got, want[j*p.free+k])
				}
			}
		}
	}
}

// However the rows are given, the problem is the same.
func TestFormsAgree(t *testing.T) {
	t.Parallel()
	for _, base := range []shape{
		{rows: 70, features: 4, classes: 3, weighted: true},
		{rows: 1900, features: 70, classes: 3, weighted: true},
		{rows: 1900, features: 70, classes: 2},
	} {
		want := problem(t, config(base))
		x := point(want, 5, 0.5)
		value, gradient := evaluate(t, want, x)
		for name, tolerance := range map[string]float64{"made": 1e-15, "sparse": 1e-13, "single": 1e-6} {
			sh := base
			sh.form = forms[name]
			got := problem(t, config(sh))
			v, g := evaluate(t, got, x)
			if math.Abs(v-value) > tolerance*value || farthest(g, gradient) > tolerance {
				t.Errorf("%v: value %v, expected %v; gradients %v apart", sh, v, value, farthest(g, gradient))
			}
			if off := farthest(got.mean, want.mean); off > 1e-13 {
				t.Errorf("%v: a mean is off by %v", sh, off)
			}
		}
	}
}

// What FitOptions.Tolerance promises rests on the scale of the columns: at weights of zero, the
// second derivative is 1 along each variable.
func TestTheObjectiveStartsWithUnitCurvature(t *testing.T) {
	t.Parallel()
	for _, sh := range shapes() {
		if sh.rows > 100 {
			continue
		}
		p := problem(t, config(sh))
		p.keep = true
		evaluate(t, p, make([]float64, p.Size()))
		for i := range p.Size() {
			along, product := make([]float64, p.Size()), make([]float64, p.Size())
			along[i] = 1
			if err := p.Product(context.Background(), product, along); err != nil {
				t.Fatal(err)
			}
			if math.Abs(product[i]-1) > 1e-6 {
				t.Errorf("%v: the second derivative along %d is %v, expected 1", sh, i, product[i])
			}
		}
	}
}

func TestUnitsOfExtremeValues(t *testing.T) {
	t.Parallel()
	const huge = 1e150
	p := problem(t, Config{
		Rows: Dense{Columns: 4, Values: []float64{
			huge, 1e-300, 0, 1e9,
			-huge, -1e-300, 0, 1e9 + 1e-3,
			huge, 2e-300, 0, 1e9 - 1e-3,
		}},
		Labels: []int{0, 1, 1}, Classes: 2, Intercept: true, C: huge,
	})
	for _, values := range [][]float64{p.mean, p.scale, p.penalty, p.reach} {
		if !finite(values) {
			t.Errorf("a value is not finite: %v", values)
		}
	}
	w := p.newWorker()
	rows := p.augmented(w, 0, 3)
	for _, j := range []int{0, 1, 3} {
		for i := range 3 {
			if v := math.Abs(rows[i*p.columns+j]); v > 10 || i == 0 && j == 0 && v < 0.1 {
				t.Errorf("value %d, %d comes to %v", i, j, v)
			}
		}
	}
	if p.scale[2] != 0 {
		t.Errorf("a column of zeros has the scale %v", p.scale[2])
	}
}

func TestMemoryOfReleasedProblems(t *testing.T) {
	t.Parallel()
	sh := shape{rows: 60, features: 5, classes: 3, weighted: true}
	first := problem(t, config(sh))
	x := point(first, 1, 0.3)
	want, wantGradient := evaluate(t, first, x)
	for range 50 {
		larger := problem(t, config(shape{rows: 80, features: 6, classes: 2}))
		for i := range *larger.copied {
			(*larger.copied)[i] = math.NaN()
		}
		larger.Release()
		p := problem(t, config(sh))
		got, gradient := evaluate(t, p, x)
		if got != want || farthest(gradient, wantGradient) != 0 {
			t.Fatalf("in memory that was used before, value %v and gradient %v, expected %v and %v", got, gradient, want, wantGradient)
		}
		p.Release()
	}
}
