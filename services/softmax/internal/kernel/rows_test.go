package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax/internal/kernel"
)

// block is rows of logits with what belongs to them.
type block struct {
	z, weights        []float64
	labels            []int32
	ld, rows, classes int
}

func (b *block) String() string {
	return fmt.Sprintf("%d rows of %d classes, leading dimension %d", b.rows, b.classes, b.ld)
}

func (b *block) row(z []float64, i int) []float64 { return z[i*b.ld : i*b.ld+b.classes] }

func (b *block) weight(i int) float64 {
	if b.weights == nil {
		return 1
	}
	return b.weights[i]
}

// fresh returns a copy of values that ends where what may be read ends.
func fresh(t testing.TB, values []float64) []float64 {
	c := guarded(t, len(values))
	copy(c, values)
	return c
}

func randomBlock(t testing.TB, r *rand.Rand, scale float64) *block {
	b := &block{rows: r.IntN(140), classes: 1 + r.IntN(23)}
	b.ld = b.classes + r.IntN(2)*r.IntN(9)
	length := max(0, (b.rows-1)*b.ld+b.classes)
	if r.IntN(2) == 0 {
		length = b.rows * b.ld
	}
	b.z = normals(t, r, length, scale)
	for range b.rows {
		b.labels = append(b.labels, int32(r.IntN(b.classes)))
	}
	if r.IntN(2) == 0 {
		b.weights = normals(t, r, b.rows, 1)
		for i, w := range b.weights {
			b.weights[i] = max(0, w)
		}
	}
	return b
}

// exact returns the softmax of logits and what the label lacks of 1, and minus the logarithm of
// the label's probability.
func exact(logits []float64, label int) (p []float64, lack, loss float64) {
	largest := slices.Max(logits)
	best := slices.Index(logits, largest)
	var sum, rest float64
	for k, z := range logits {
		p = append(p, math.Exp(z-largest))
		sum += p[k]
		if k != best {
			rest += p[k]
		}
	}
	for k := range p {
		p[k] /= sum
		if k != label {
			lack += p[k]
		}
	}
	return p, lack, largest - logits[label] + math.Log1p(rest)
}

// checkPadding fails unless what lies between rows is untouched, or 0 where that is allowed.
func (b *block) checkPadding(t *testing.T, what string, before, after []float64) {
	t.Helper()
	for at := range after {
		column := at % b.ld
		room := kernel.Pad(b.classes) <= b.ld && at/b.ld*b.ld+kernel.Pad(b.classes) <= len(after)
		switch {
		case column < b.classes:
		case room && column < kernel.Pad(b.classes):
			if after[at] != 0 {
				t.Fatalf("%v: padding of %s, column %d of row %d, is %v, expected 0", b, what, column, at/b.ld, after[at])
			}
		case after[at] != before[at]:
			t.Fatalf("%v: %s, column %d of row %d, was changed", b, what, column, at/b.ld)
		}
	}
}

func TestSoftmaxRows(t *testing.T) {
	t.Parallel()
	r := random(20)
	for n := range 400 {
		b := randomBlock(t, r, []float64{1e-9, 1, 30, 400, 1e6}[n%5])
		if n%2 == 0 {
			for i := range b.z {
				b.z[i] = math.Round(b.z[i]) // with ties
			}
		}
		got, classified, best := fresh(t, b.z), fresh(t, b.z), make([]int, b.rows)
		kernel.SoftmaxRows(got, b.ld, b.rows, b.classes)
		kernel.Classify(classified, b.ld, b.rows, b.classes, best)
		b.checkPadding(t, "z", b.z, got)
		if !slices.Equal(got, classified) {
			t.Fatalf("%v: Classify gives other probabilities", b)
		}
		for i := range b.rows {
			if row := b.row(b.z, i); best[i] != slices.Index(row, slices.Max(row)) {
				t.Fatalf("%v: the largest of %v is said to be %d", b, row, best[i])
			}
			want, _, _ := exact(b.row(b.z, i), 0)
			for k, p := range b.row(got, i) {
				if math.Abs(p-want[k]) > 4e-15*want[k]+1e-300 {
					t.Fatalf("%v, scale %d: probability %d of %v is %v, expected %v", b, n%5, k, b.row(b.z, i), p, want[k])
				}
			}
		}
	}
}

// What a row becomes is its own affair: alone, without padding and in a block the bits are the same.
func TestSoftmaxOfARowDoesNotDependOnItsPlace(t *testing.T) {
	t.Parallel()
	r := random(21)
	for range 200 {
		b := randomBlock(t, r, 10)
		if b.rows > 1 {
			b.z[r.IntN(len(b.z))] = math.NaN()
		}
		got := fresh(t, b.z)
		kernel.SoftmaxRows(got, b.ld, b.rows, b.classes)
		for i := range b.rows {
			alone := fresh(t, b.row(b.z, i))
			kernel.SoftmaxRows(alone, b.classes, 1, b.classes)
			if g := b.row(got, i); !slices.EqualFunc(g, alone, func(a, c float64) bool { return same(a, c, 0) }) {
				t.Fatalf("%v, row %d: %v, alone %v", b, i, g, alone)
			}
		}
	}
}

func TestSoftmaxRowsOfExtremes(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for _, test := range []struct{ logits, want []float64 }{
		{[]float64{-1e308}, []float64{1}},
		{[]float64{math.MaxFloat64, -math.MaxFloat64, -math.MaxFloat64, -math.MaxFloat64, 0}, []float64{1, 0, 0, 0, 0}},
		{[]float64{1e308, 1e308}, []float64{.5, .5}},
		{[]float64{0, math.Copysign(0, -1), -1e308}, []float64{.5, .5, 0}},
		{[]float64{-inf, 5, -inf}, []float64{0, 1, 0}},
		{slices.Repeat([]float64{-7}, 16), slices.Repeat([]float64{1. / 16}, 16)},
	} {
		got := fresh(t, test.logits)
		kernel.SoftmaxRows(got, len(got), 1, len(got))
		if !slices.Equal(got, test.want) {
			t.Errorf("softmax of %v is %v, expected %v", test.logits, got, test.want)
		}
	}
	for _, useless := range [][]float64{{math.NaN(), 1, 2, 3, 4}, {1, 2, 3, 4, inf}, {-inf, -inf}, {1, math.NaN()}} {
		got := fresh(t, useless)
		kernel.SoftmaxRows(got, len(got), 1, len(got))
		if !slices.ContainsFunc(got, math.IsNaN) {
			t.Errorf("softmax of %v is %v, expected NaN", useless, got)
		}
	}
}

func TestCrossEntropy(t *testing.T) {
	t.Parallel()
	r := random(22)
	for n := range 400 {
		b := randomBlock(t, r, []float64{1e-9, 1, 10, 60}[n%4])
		z, p := fresh(t, b.z), fresh(t, b.z)
		if n%3 == 0 {
			p = nil
		}
		loss := kernel.CrossEntropy(z, b.ld, b.rows, b.classes, b.labels, b.weights, p)
		b.checkPadding(t, "z", b.z, z)
		if p != nil {
			b.checkPadding(t, "p", b.z, p)
		}
		var wantLoss float64
		for i := range b.rows {
			label, w := int(b.labels[i]), b.weight(i)
			want, lack, one := exact(b.row(b.z, i), label)
			wantLoss += w * one
			for k, d := range b.row(z, i) {
				wanted := w * want[k]
				if k == label {
					wanted = -w * lack
				}
				if !same(d, wanted, 1e-14) {
					t.Fatalf("%v, logits %v, label %d: derivative %d is %v, expected %v", b, b.row(b.z, i), label, k, d, wanted)
				}
				if p != nil && !same(b.row(p, i)[k], want[k], 1e-14) {
					t.Fatalf("%v, row %d: probability %v, expected %v", b, i, b.row(p, i)[k], want[k])
				}
			}
		}
		if !same(loss, wantLoss, 1e-13) {
			t.Fatalf("%v: loss %v, expected %v", b, loss, wantLoss)
		}
	}
}

// Where the label is almost certain, what is left keeps its digits.
func TestCrossEntropyDoesNotCancel(t *testing.T) {
	t.Parallel()
	for _, lead := range []float64{1, 20, 40, 300, 700} {
		rest := 2 * math.Exp(-lead)
		z := []float64{0, lead, 0}
		loss := kernel.CrossEntropy(z, 3, 1, 3, []int32{1}, nil, nil)
		if want := math.Log1p(rest); !same(loss, want, 2e-15) || !same(z[1], -rest/(1+rest), 2e-15) {
			t.Errorf("lead %v: loss %v and derivative %v, expected %v and %v", lead, loss, z[1], want, -rest/(1+rest))
		}
		one := []float64{lead}
		if loss = kernel.Logistic(one, []int32{1}, nil, nil); !same(loss, math.Log1p(rest/2), 2e-15) || !same(one[0], -rest/(2+rest), 2e-15) {
			t.Errorf("one logit of %v: loss %v and derivative %v", lead, loss, one[0])
		}
	}
}

func TestCrossEntropyOfNaNIsNaN(t *testing.T) {
	t.Parallel()
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		for column := range 6 {
			z := []float64{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}
			z[column] = bad
			want := []float64{1, 2, 3, 4, 5, 6}
			loss := kernel.CrossEntropy(z, 6, 2, 6, []int32{0, 5}, nil, nil)
			kernel.CrossEntropy(want, 6, 1, 6, []int32{5}, nil, nil)
			if loss-loss == 0 || !slices.Equal(z[6:], want) {
				t.Errorf("%v in column %d: loss %v, derivatives of the next row %v", bad, column, loss, z[6:])
			}
		}
	}
	z := []float64{1, math.NaN(), 1}
	if loss := kernel.Logistic(z, []int32{0, 1, 1}, nil, nil); loss == loss || z[1] == z[1] || z[0] != 1/(1+math.Exp(-1)) {
		t.Errorf("one logit: loss %v, derivatives %v", loss, z)
	}
}

func TestLogistic(t *testing.T) {
	t.Parallel()
	r := random(23)
	for n := range 300 {
		b := randomBlock(t, r, 1)
		logits := normals(t, r, b.rows, []float64{1e-9, 1, 10, 60}[n%4])
		for i := range b.labels {
			b.labels[i] = int32(r.IntN(2))
		}
		z, curvature := fresh(t, logits), guarded(t, b.rows)
		if n%3 == 0 {
			curvature = nil
		}
		loss := kernel.Logistic(z, b.labels, b.weights, curvature)
		var wantLoss float64
		for i, v := range logits {
			p, lack, one := exact([]float64{0, v}, int(b.labels[i]))
			w := b.weight(i)
			wantLoss += w * one
			if want := w * lack * (1 - 2*float64(b.labels[i])); !same(z[i], want, 1e-14) {
				t.Fatalf("logit %v, label %d: derivative %v, expected %v", v, b.labels[i], z[i], want)
			}
			if curvature != nil && !same(curvature[i], w*p[0]*p[1], 1e-14) {
				t.Fatalf("logit %v: second derivative %v, expected %v", v, curvature[i], w*p[0]*p[1])
			}
		}
		if !same(loss, wantLoss, 1e-13) {
			t.Fatalf("%d rows: loss %v, expected %v", b.rows, loss, wantLoss)
		}
	}
}

func TestCurve(t *testing.T) {
	t.Parallel()
	r := random(24)
	for range 300 {
		b := randomBlock(t, r, 3)
		p, u := fresh(t, b.z), normals(t, r, len(b.z), 1)
		kernel.SoftmaxRows(p, b.ld, b.rows, b.classes)
		got := fresh(t, u)
		kernel.Curve(got, p, b.ld, b.rows, b.classes, b.weights)
		b.checkPadding(t, "u", u, got)
		for i := range b.rows {
			var mean float64
			for k, v := range b.row(u, i) {
				mean += v * b.row(p, i)[k]
			}
			for k, v := range b.row(u, i) {
				want := b.weight(i) * b.row(p, i)[k] * (v - mean)
				if math.Abs(b.row(got, i)[k]-want) > 1e-14*(1+math.Abs(v)) {
					t.Fatalf("%v, row %d: %v, expected %v", b, i, b.row(got, i)[k], want)
				}
			}
		}
	}
}

func TestSigmoid(t *testing.T) {
	t.Parallel()
	values := []float64{0, 1, -1, 800, -800, math.NaN(), math.Inf(1), math.Inf(-1), 40, -40, -700}
	wanted := []float64{.5, 1 / (1 + math.Exp(-1)), 1 / (1 + math.E), 1, 0, math.NaN(), 1, 0, 1, math.Exp(-40), math.Exp(-700)}
	for n := range len(values) + 1 {
		z := fresh(t, values[:n])
		kernel.Sigmoid(z)
		for i, want := range wanted[:n] {
			if !same(z[i], want, 2e-15) {
				t.Errorf("the sigmoid of %v is %v, expected %v", values[i], z[i], want)
			}
		}
	}
}

func TestRowsCheckTheirArguments(t *testing.T) {
	t.Parallel()
	const shape, length = "kernel: matrix does not fit its slice", "kernel: length mismatch"
	z, labels := make([]float64, 6), []int32{0, 2}
	wantPanic(t, shape, func() { kernel.SoftmaxRows(z, 3, 3, 3) })
	wantPanic(t, shape, func() { kernel.SoftmaxRows(z, 2, 1, 3) })
	wantPanic(t, shape, func() { kernel.CrossEntropy(z, 3, 2, 3, labels, nil, z[:5]) })
	wantPanic(t, shape, func() { kernel.Curve(z, z[:5], 3, 2, 3, nil) })
	wantPanic(t, length, func() { kernel.CrossEntropy(z, 3, 2, 3, labels[:1], nil, nil) })
	wantPanic(t, length, func() { kernel.CrossEntropy(z, 3, 2, 3, labels, z[:1], nil) })
	wantPanic(t, length, func() { kernel.Curve(z, z, 3, 2, 3, z[:1]) })
	wantPanic(t, length, func() { kernel.Logistic(z, labels, nil, nil) })
	wantPanic(t, "kernel: label out of range", func() { kernel.CrossEntropy(z, 3, 2, 3, []int32{0, 3}, nil, nil) })
	wantPanic(t, "kernel: label out of range", func() { kernel.Logistic(z[:1], []int32{-1}, nil, nil) })
}
