package softmax_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func normals(r *rand.Rand, n int, scale float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = scale * r.NormFloat64()
	}
	return values
}

// names returns n distinct names.
func names(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return names
}

func numeric(n int) []softmax.Feature {
	features := make([]softmax.Feature, n)
	for i, name := range names("x", n) {
		features[i].Name = name
	}
	return features
}

// mixed are features of 1 + 3 + 1 + 2 encoded columns.
func mixed() []softmax.Feature {
	return []softmax.Feature{
		{Name: "amount"},
		{Name: "colour", Categories: []string{"red", "green", "blue"}},
		{Name: "age"},
		{Name: "member", Categories: []string{"no", "yes"}},
	}
}

func mixedRow(r *rand.Rand) []float64 {
	return []float64{r.NormFloat64(), float64(r.IntN(3)), r.NormFloat64(), float64(r.IntN(2))}
}

func newSignature(t testing.TB, features []softmax.Feature) *softmax.Signature {
	t.Helper()
	s, err := softmax.NewSignature(features)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newModel(t testing.TB, d softmax.Definition) *softmax.Model {
	t.Helper()
	m, err := softmax.NewModel(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func randomModel(t testing.TB, r *rand.Rand, features []softmax.Feature, classes int) *softmax.Model {
	t.Helper()
	s := newSignature(t, features)
	return newModel(t, softmax.Definition{
		Signature:  s,
		Classes:    names("class", classes),
		Weights:    normals(r, classes*s.Width(), 1),
		Intercepts: normals(r, classes, 1),
		Reference:  normals(r, s.Width(), 1),
	})
}

func predict(t testing.TB, m *softmax.Model, row []float64) ([]float64, int) {
	t.Helper()
	probabilities := make([]float64, m.NumClasses())
	class, err := m.Predict(probabilities, row)
	if err != nil {
		t.Fatal(err)
	}
	return probabilities, class
}

// wantError fails unless err is of want's type and has the same fields.
func wantError[E error](t *testing.T, err error, want E) {
	t.Helper()
	var got E
	if !errors.As(err, &got) {
		t.Fatalf("error %v (%T), expected %v (%T)", err, err, want, want)
	}
	// As text, for a NaN is equal to none.
	if got, want := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); got != want {
		t.Errorf("error %s, expected %s", got, want)
	}
}

func wantPanic(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != text {
			t.Errorf("panic %v, expected %q", got, text)
		}
	}()
	f()
}

// farthest returns the largest distance between values at the same place.
func farthest(a, b []float64) float64 {
	var most float64
	for i := range a {
		most = max(most, math.Abs(a[i]-b[i]))
	}
	return most
}
