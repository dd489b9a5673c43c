package softmax_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

// tiny is a valid definition: two features, two classes.
func tiny(t testing.TB) softmax.Definition {
	t.Helper()
	return softmax.Definition{
		Signature:  newSignature(t, numeric(2)),
		Classes:    []string{"no", "yes"},
		Weights:    []float64{1, 2, 3, 4},
		Intercepts: []float64{5, 6},
		Reference:  []float64{7, 8},
	}
}

func TestNewModelRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil          func(*softmax.Definition)
		field, problem string
	}{
		"no signature":     {func(d *softmax.Definition) { d.Signature = nil }, "signature", "is missing"},
		"no class":         {func(d *softmax.Definition) { d.Classes = nil }, "classes", "a classifier needs at least two, has 0"},
		"one class":        {func(d *softmax.Definition) { d.Classes = d.Classes[:1] }, "classes", "a classifier needs at least two, has 1"},
		"an empty class":   {func(d *softmax.Definition) { d.Classes[1] = "" }, "classes[1]", "is empty"},
		"a class twice":    {func(d *softmax.Definition) { d.Classes[1] = "no" }, "classes[1]", `"no" stands at 0 too`},
		"a class no text":  {func(d *softmax.Definition) { d.Classes[0] = "\xff" }, "classes[0]", `"\xff" is not valid UTF-8`},
		"no weights":       {func(d *softmax.Definition) { d.Weights = nil }, "weights", "has 0 values, expected 4"},
		"weights too many": {func(d *softmax.Definition) { d.Weights = make([]float64, 5) }, "weights", "has 5 values, expected 4"},
		"a weight NaN":     {func(d *softmax.Definition) { d.Weights[3] = math.NaN() }, "weights", "value 3 is NaN, expected a finite number"},
		"an infinite intercept": {
			func(d *softmax.Definition) { d.Intercepts[0] = math.Inf(-1) }, "intercepts", "value 0 is -Inf, expected a finite number",
		},
		"intercepts too few": {func(d *softmax.Definition) { d.Intercepts = d.Intercepts[:1] }, "intercepts", "has 1 values, expected 2"},
		"no reference value": {func(d *softmax.Definition) { d.Reference = []float64{} }, "reference", "has 0 values, expected 2"},
		"one of two against the rest": {
			func(d *softmax.Definition) { d.Link = softmax.LinkOneVsRest }, "link",
			"one against the rest needs three classes or more, has 2; a softmax does the same for two",
		},
		"no link known":   {func(d *softmax.Definition) { d.Link = 7 }, "link", "is 7, expected LinkSoftmax or LinkOneVsRest"},
		"a reference NaN": {func(d *softmax.Definition) { d.Reference[1] = math.NaN() }, "reference", "value 1 is NaN, expected a finite number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := tiny(t)
			test.spoil(&d)
			m, err := softmax.NewModel(d)
			wantError(t, err, &softmax.DefinitionError{Field: test.field, Problem: test.problem})
			if m != nil {
				t.Error("a model comes with the error")
			}
		})
	}
}

func TestModelTellsItsDefinition(t *testing.T) {
	t.Parallel()
	m := newModel(t, tiny(t))
	if got, want := m.Definition(), tiny(t); !reflect.DeepEqual(got, want) {
		t.Errorf("Definition() = %+v, expected %+v", got, want)
	}
	if m.NumClasses() != 2 || m.Class(0) != "no" || m.Class(1) != "yes" || m.Signature().Len() != 2 {
		t.Errorf("%d classes %q %q of %d features", m.NumClasses(), m.Class(0), m.Class(1), m.Signature().Len())
	}
}

func TestModelSharesNothingWithItsMaker(t *testing.T) {
	t.Parallel()
	d := tiny(t)
	m := newModel(t, d)
	spoil := func(d softmax.Definition) {
		d.Classes[0], d.Weights[0], d.Intercepts[0], d.Reference[0] = "z", -1, -1, -1
	}
	spoil(d)
	spoil(m.Definition())
	if got, want := m.Definition(), tiny(t); !reflect.DeepEqual(got, want) {
		t.Errorf("the model became %+v", got)
	}
}

func TestReferenceIsZerosByDefault(t *testing.T) {
	t.Parallel()
	d := tiny(t)
	d.Reference = nil
	if got := newModel(t, d).Definition().Reference; !reflect.DeepEqual(got, []float64{0, 0}) {
		t.Errorf("reference %v, expected zeros", got)
	}
}
