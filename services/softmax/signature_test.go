package softmax_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/softmax"
)

func TestNewSignatureRefuses(t *testing.T) {
	t.Parallel()
	number := func(v float64) *float64 { return &v }
	at := func(i int) *int { return &i }
	within := func(low, high float64) *softmax.Range { return &softmax.Range{Min: low, Max: high} }
	colours := []string{"red", "green"}
	for name, test := range map[string]struct {
		features       []softmax.Feature
		field, problem string
	}{
		"no feature":  {nil, "features", "a model needs at least one"},
		"no name":     {[]softmax.Feature{{Name: "a"}, {}}, "features[1].name", "is empty"},
		"a long name": {[]softmax.Feature{{Name: strings.Repeat("n", 257)}}, "features[0].name", "has 257 bytes, at most 256 are allowed"},
		"a name that is no text": {
			[]softmax.Feature{{Name: "a\xff"}}, "features[0].name", `"a\xff" is not valid UTF-8`,
		},
		"a name twice": {
			[]softmax.Feature{{Name: "a"}, {Name: "b"}, {Name: "a"}},
			"features[2].name", `"a" is also the name of features[0]`,
		},
		"an empty category": {
			[]softmax.Feature{{Name: "a", Categories: []string{"red", ""}}}, "features[0].categories[1]", "is empty",
		},
		"a category twice": {
			[]softmax.Feature{{Name: "a", Categories: []string{"x", "red", "red"}}},
			"features[0].categories[2]", `"red" stands at 1 too`,
		},
		"a category that is no text": {
			[]softmax.Feature{{Name: "a", Categories: []string{"\xc3"}}},
			"features[0].categories[0]", `"\xc3" is not valid UTF-8`,
		},
		"a stand-in that is not finite": {
			[]softmax.Feature{{Name: "a", Impute: number(math.Inf(1))}},
			"features[0].impute", "+Inf is not a finite number",
		},
		"a stand-in that is no category": {
			[]softmax.Feature{{Name: "a", Categories: colours, Impute: number(2)}},
			"features[0].impute", "2 is not the position of a category, 0 to 1",
		},
		"an other of a number": {[]softmax.Feature{{Name: "a", Other: at(0)}}, "features[0].other", "a numeric feature has none"},
		"an other past the categories": {
			[]softmax.Feature{{Name: "a", Categories: colours, Other: at(2)}},
			"features[0].other", "2 is not the position of a category, 0 to 1",
		},
		"an other before the categories": {
			[]softmax.Feature{{Name: "a", Categories: colours, Other: at(-1)}},
			"features[0].other", "-1 is not the position of a category, 0 to 1",
		},
		"a range of categories": {
			[]softmax.Feature{{Name: "a", Categories: colours, Range: within(0, 1)}},
			"features[0].range", "a categorical feature has none",
		},
		"a range upside down": {
			[]softmax.Feature{{Name: "a", Range: within(2, 1)}},
			"features[0].range", "2 to 1 is not a range of finite numbers",
		},
		"a range without end": {
			[]softmax.Feature{{Name: "a", Range: within(0, math.Inf(1))}},
			"features[0].range", "0 to +Inf is not a range of finite numbers",
		},
		"a range from NaN": {
			[]softmax.Feature{{Name: "a", Range: within(math.NaN(), 1)}},
			"features[0].range", "NaN to 1 is not a range of finite numbers",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := softmax.NewSignature(test.features)
			wantError(t, err, &softmax.DefinitionError{Field: test.field, Problem: test.problem})
			if s != nil {
				t.Error("a signature comes with the error")
			}
		})
	}
}

func TestSignatureTellsItsFeatures(t *testing.T) {
	t.Parallel()
	s := newSignature(t, mixed())
	if s.Len() != 4 || s.Width() != 7 {
		t.Errorf("Len %d, Width %d, expected 4 and 7", s.Len(), s.Width())
	}
	if !reflect.DeepEqual(s.Features(), mixed()) {
		t.Errorf("Features() = %+v, expected what it was made of", s.Features())
	}
	for i, f := range mixed() {
		if at, ok := s.Index(f.Name); at != i || !ok {
			t.Errorf("Index(%q) = %d, %v, expected %d", f.Name, at, ok, i)
		}
		if s.Feature(i).Name != f.Name || s.Feature(i).Categorical() != (len(f.Categories) > 0) {
			t.Errorf("Feature(%d) = %+v, expected %+v", i, s.Feature(i), f)
		}
	}
	if at, ok := s.Index("none"); ok {
		t.Errorf(`Index("none") = %d, expected none`, at)
	}
}

func TestSignatureSharesNothingWithItsMaker(t *testing.T) {
	t.Parallel()
	impute, other := 1.0, 1
	features := []softmax.Feature{
		{Name: "a", Range: &softmax.Range{Min: 0, Max: 2}, Impute: &impute},
		{Name: "b", Categories: []string{"x", "y"}, Other: &other},
	}
	s := newSignature(t, features)
	spoil := func(f []softmax.Feature) {
		f[0].Name, f[0].Range.Max, *f[0].Impute, f[1].Categories[0], *f[1].Other = "z", -1, -1, "z", 0
	}
	want := s.Features()
	spoil(features)
	spoil(s.Features())
	if got := s.Features(); !reflect.DeepEqual(got, want) {
		t.Errorf("the signature became %+v", got)
	}
}

func TestPositionOfAText(t *testing.T) {
	t.Parallel()
	rest := 1
	closed := softmax.Feature{Name: "a", Categories: []string{"red", "rest", "blue"}}
	open := closed
	open.Other = &rest
	for _, test := range []struct {
		text         string
		at           int
		closed, open bool
	}{
		{text: "red", at: 0, closed: true, open: true},
		{text: "blue", at: 2, closed: true, open: true},
		{text: "rest", at: 1, closed: true, open: true},
		{text: "mauve", at: 1, open: true},
		{text: "", at: 1, open: true},
	} {
		if at, ok := closed.Position(test.text); ok != test.closed || ok && at != test.at {
			t.Errorf("without another, Position(%q) = %d, %v", test.text, at, ok)
		}
		if at, ok := open.Position(test.text); !ok || at != test.at {
			t.Errorf("with another, Position(%q) = %d, %v, expected %d", test.text, at, ok, test.at)
		}
	}
	number := softmax.Feature{Name: "n"}
	if _, ok := number.Position("1"); ok {
		t.Error("a number has the position of a text")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newSignature(t, mixed())
	category := "the position of a category, 0 to 2"
	for name, test := range map[string]struct {
		row  []float64
		want error
	}{
		"fits":                      {[]float64{-1e308, 2, 0, 0}, nil},
		"fits with a negative zero": {[]float64{0, math.Copysign(0, -1), 0, 1}, nil},
		"empty":                     {nil, &softmax.ShapeError{Row: 9, Got: 0, Want: 4}},
		"short":                     {[]float64{1, 1, 1}, &softmax.ShapeError{Row: 9, Got: 3, Want: 4}},
		"long":                      {make([]float64, 5), &softmax.ShapeError{Row: 9, Got: 5, Want: 4}},
		"NaN":                       {[]float64{0, 0, math.NaN(), 0}, &softmax.ValueError{Row: 9, Column: 2, Feature: "age", Value: math.NaN(), Want: "a finite number"}},
		"infinite":                  {[]float64{math.Inf(-1), 0, 0, 0}, &softmax.ValueError{Row: 9, Column: 0, Feature: "amount", Value: math.Inf(-1), Want: "a finite number"}},
		"a category too far":        {[]float64{0, 3, 0, 0}, &softmax.ValueError{Row: 9, Column: 1, Feature: "colour", Value: 3, Want: category}},
		"a category below 0":        {[]float64{0, -1, 0, 0}, &softmax.ValueError{Row: 9, Column: 1, Feature: "colour", Value: -1, Want: category}},
		"between categories":        {[]float64{0, 0.5, 0, 0}, &softmax.ValueError{Row: 9, Column: 1, Feature: "colour", Value: 0.5, Want: category}},
		"a category NaN":            {[]float64{0, math.NaN(), 0, 0}, &softmax.ValueError{Row: 9, Column: 1, Feature: "colour", Value: math.NaN(), Want: category}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkSame(t, s.Check(test.row, 9), test.want)
		})
	}
}

// checkSame compares errors that a table holds as error.
func checkSame(t *testing.T, got, want error) {
	t.Helper()
	switch want := want.(type) {
	case nil:
		if got != nil {
			t.Errorf("error %v, expected none", got)
		}
	case *softmax.ShapeError:
		wantError(t, got, want)
	case *softmax.ValueError:
		wantError(t, got, want)
	case *softmax.OverflowError:
		wantError(t, got, want)
	case *softmax.LabelError:
		wantError(t, got, want)
	case *softmax.WeightError:
		wantError(t, got, want)
	case *softmax.EmptyClassError:
		wantError(t, got, want)
	case *softmax.DefinitionError:
		wantError(t, got, want)
	default:
		t.Fatalf("no comparison for %T", want)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	s := newSignature(t, mixed())
	dst := slices.Repeat([]float64{math.NaN()}, s.Width())
	for _, test := range []struct{ row, want []float64 }{
		{[]float64{2.5, 0, -3, 1}, []float64{2.5, 1, 0, 0, -3, 0, 1}},
		{[]float64{0, 2, 1e300, 0}, []float64{0, 0, 0, 1, 1e300, 1, 0}},
	} {
		got := s.Encode(dst, test.row)
		if !slices.Equal(got, test.want) || !slices.Equal(dst, test.want) {
			t.Errorf("Encode(%v) = %v, expected %v", test.row, got, test.want)
		}
	}
	wantPanic(t, "softmax: Encode: length mismatch", func() { s.Encode(dst[1:], make([]float64, 4)) })
	wantPanic(t, "softmax: Encode: length mismatch", func() { s.Encode(dst, make([]float64, 3)) })
}
