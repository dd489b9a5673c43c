package solver

import (
	"context"
	"math/rand/v2"
	"testing"
)

// form is a way to give the same rows to a problem.
type form int

const (
	lying form = iota // in one slice
	made              // block by block
	sparseRows
	single
	far // far from 0, so that the passes must centre
)

var forms = map[string]form{"lying": lying, "made": made, "sparse": sparseRows, "single": single, "far": far}

// shape is what a random problem looks like.
type shape struct {
	rows, features, classes int
	noIntercept, weighted   bool
	c                       float64
	form                    form
	workers                 int
}

// blocks hides where rows lie.
type blocks struct{ Dense }

func (b blocks) Block(scratch []float64, from, to int) []float64 {
	return scratch[:copy(scratch, b.Dense.Block(nil, from, to))]
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// config is a random problem of a shape: rows with some zeros, labels by a rule with noise.
func config(sh shape) Config {
	r := random(uint64(sh.rows*31 + sh.features*7 + sh.classes))
	values := make([]float64, sh.rows*sh.features)
	labels := make([]int, sh.rows)
	rule := make([]float64, sh.features*sh.classes)
	for i := range rule {
		rule[i] = r.NormFloat64() / 2
	}
	for i := range labels {
		row := values[i*sh.features : (i+1)*sh.features]
		for j := range row {
			// Wide rows are so empty that sparse ones stay sparse.
			if r.IntN(6) > 0 == (sh.features <= narrowWidth) {
				row[j] = r.NormFloat64() * float64(1+j%5)
			}
		}
		best, lead := 0, -1e300
		for k := range sh.classes {
			z := 2 * r.NormFloat64()
			for j, v := range row {
				z += v / float64(1+j%5) * rule[j*sh.classes+k]
			}
			if z > lead {
				best, lead = k, z
			}
		}
		labels[i] = best
		if i < sh.classes {
			labels[i] = i
		}
	}
	if sh.form == far {
		for i := range values {
			values[i] += 1e4
		}
	}
	c := Config{
		Labels: labels, Classes: sh.classes, Intercept: !sh.noIntercept, C: sh.c,
		Workers: sh.workers, Float32: sh.form == single,
	}
	if sh.c == 0 {
		c.C = 1
	}
	if sh.weighted {
		for range labels {
			c.Weights = append(c.Weights, float64(r.IntN(4)))
		}
		for k := range sh.classes {
			c.Weights[k] = 1
			c.ClassWeights = append(c.ClassWeights, 1+r.Float64())
		}
	}
	switch dense := (Dense{Values: values, Columns: sh.features}); sh.form {
	case made:
		c.Rows = blocks{dense}
	case sparseRows:
		c.Sparse = sparsed(dense)
	default:
		c.Rows = dense
	}
	return c
}

func sparsed(d Dense) *Sparse {
	s := &Sparse{Width: d.Columns, Start: []int{0}}
	for at, v := range d.Values {
		if v != 0 {
			s.Columns = append(s.Columns, int32(at%d.Columns))
			s.Values = append(s.Values, v)
		}
		if at%d.Columns == d.Columns-1 {
			s.Start = append(s.Start, len(s.Values))
		}
	}
	return s
}

func problem(t testing.TB, c Config) *Problem {
	t.Helper()
	p, err := New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func evaluate(t testing.TB, p *Problem, x []float64) (float64, []float64) {
	t.Helper()
	gradient := make([]float64, p.Size())
	value, err := p.Evaluate(context.Background(), x, gradient)
	if err != nil {
		t.Fatal(err)
	}
	return value, gradient
}

// point returns variables that sum to 0 over the classes.
func point(p *Problem, seed uint64, scale float64) []float64 {
	r := random(seed)
	x := make([]float64, p.Size())
	for i := range x {
		x[i] = scale * r.NormFloat64()
	}
	p.centreClasses(x)
	return x
}

func farthest(a, b []float64) float64 {
	var most float64
	for i := range a {
		if d := a[i] - b[i]; !(d <= most && -d <= most) {
			most = max(d, -d)
		}
	}
	return most
}
