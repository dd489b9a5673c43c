package solver

import (
	"slices"
	"testing"
)

// divided is a problem whose classes a linear rule tells apart: next to the minimum, all but a few
// rows have their class for certain.
func divided(sh shape) Config {
	c := config(sh)
	rows, _ := c.Rows.(Dense)
	r := random(3)
	rule := make([]float64, sh.features*sh.classes)
	for i := range rule {
		rule[i] = r.NormFloat64()
	}
	for i := range c.Labels {
		best, lead := 0, -1e300
		for k := range sh.classes {
			var z float64
			for j, v := range rows.Values[i*sh.features : (i+1)*sh.features] {
				z += v / float64(1+j%5) * rule[j*sh.classes+k]
			}
			if z > lead {
				best, lead = k, z
			}
		}
		c.Labels[i] = best
	}
	return c
}

func TestSampleThatMissesTheCurvatureIsGivenUp(t *testing.T) {
	t.Parallel()
	way := method{name: "sampled", minimise: sampled, idle: 50}
	for name, sh := range map[string]shape{
		"for newton":    {rows: 16000, features: 12, classes: 3, c: 1e6},
		"for newton-cg": {rows: 12000, features: 20, classes: 8, c: 1e6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh.workers = 1
			p := problem(t, divided(sh))
			if got, want := p.factors(), name == "for newton"; got != want {
				t.Fatalf("factors: %t, expected %t", got, want)
			}
			got := solve(t, p, way, Options{Tolerance: 1e-7, MaxIterations: 200})
			if !got.Converged || got.Passes > 1500 {
				t.Errorf("after %d iterations and %.0f passes: largest derivative %v, stalled: %v",
					got.Iteration, got.Passes, got.GradientMax, got.Stalled)
			}
			want := solve(t, problem(t, divided(sh)), method{name: "newton", minimise: newton, curves: true, idle: 10}, Options{Tolerance: 1e-7})
			if off := got.Objective/want.Objective - 1; off > 1e-8 || off < -1e-8 {
				t.Errorf("objective %.17g, newton's %.17g", got.Objective, want.Objective)
			}
			sh.workers = 3
			again := solve(t, problem(t, divided(sh)), way, Options{Tolerance: 1e-7, MaxIterations: 200})
			if !slices.Equal(again.X, got.X) {
				t.Error("three workers found other weights than one")
			}
		})
	}
}
