package softmax

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// Feature is one input of a model. The zero value is not valid: a feature has a name.
type Feature struct {
	// Name is what clients call the feature: 1 to 256 bytes of UTF-8.
	Name string
	// Unit is the unit of the values, such as "cm"; for people only.
	Unit string
	// Description says what the feature means; for people only.
	Description string
	// Categories makes the feature categorical: its values are the positions in this list.
	// They are distinct, not empty and UTF-8. Nil or empty: the feature is numeric.
	Categories []string
	// Range is what the training rows held of a numeric feature; nil if unknown. Values
	// outside are accepted.
	Range *Range
	// Impute is the value that stands in for a missing one, a position for a categorical
	// feature; nil where a missing value is refused.
	Impute *float64
	// Other is the position of the category that stands for every text which is none of the
	// categories, such as those too rare to be told apart; nil where such a text is refused.
	// Nil for a numeric feature too.
	Other *int
}

// Range is a closed interval of values.
type Range struct {
	Min, Max float64
}

// Categorical reports whether the feature's values are categories.
func (f *Feature) Categorical() bool { return len(f.Categories) > 0 }

func (f *Feature) width() int { return max(1, len(f.Categories)) }

// Accepts reports whether v is a value of the feature.
func (f *Feature) Accepts(v float64) bool {
	if f.Categorical() {
		return v >= 0 && v < float64(len(f.Categories)) && v == math.Trunc(v)
	}
	return v-v == 0
}

// Position returns the position of the category that stands for a text: its own, or that of Other.
// False where no category does.
func (f *Feature) Position(text string) (int, bool) {
	for i, category := range f.Categories {
		if category == text {
			return i, true
		}
	}
	if f.Other != nil {
		return *f.Other, true
	}
	return 0, false
}

// Want says what a value of the feature must be, for error texts.
func (f *Feature) Want() string {
	if f.Categorical() {
		return fmt.Sprintf("the position of a category, 0 to %d", len(f.Categories)-1)
	}
	return "a finite number"
}

// Signature is what a model takes: its features, in the order of a row.
type Signature struct {
	features []Feature
	offsets  []int // first encoded column of each feature
	width    int
	byName   map[string]int
	numeric  bool // whether all features are
}

// NewSignature makes a signature of the features; it keeps no reference to its argument. The
// error is a [*DefinitionError].
func NewSignature(features []Feature) (*Signature, error) {
	if len(features) == 0 {
		return nil, undefined("features", "a model needs at least one")
	}
	s := &Signature{
		features: make([]Feature, len(features)),
		offsets:  make([]int, len(features)),
		byName:   make(map[string]int, len(features)),
		numeric:  true,
	}
	for i := range features {
		f := cloneFeature(&features[i])
		if err := checkFeature(&f, i); err != nil {
			return nil, err
		}
		if first, taken := s.byName[f.Name]; taken {
			return nil, undefined(fmt.Sprintf("features[%d].name", i), "%q is also the name of features[%d]", f.Name, first)
		}
		s.byName[f.Name] = i
		s.features[i] = f
		s.offsets[i] = s.width
		s.width += f.width()
		s.numeric = s.numeric && !f.Categorical()
	}
	return s, nil
}

const maxNameBytes = 256

func checkFeature(f *Feature, i int) error {
	field := fmt.Sprintf("features[%d]", i)
	switch {
	case f.Name == "":
		return undefined(field+".name", "is empty")
	case len(f.Name) > maxNameBytes:
		return undefined(field+".name", "has %d bytes, at most %d are allowed", len(f.Name), maxNameBytes)
	case !utf8.ValidString(f.Name):
		return undefined(field+".name", "%q is not valid UTF-8", f.Name)
	case f.Impute != nil && !f.Accepts(*f.Impute):
		return undefined(field+".impute", "%v is not %s", *f.Impute, f.Want())
	case f.Other != nil && !f.Categorical():
		return undefined(field+".other", "a numeric feature has none")
	case f.Other != nil && (*f.Other < 0 || *f.Other >= len(f.Categories)):
		return undefined(field+".other", "%d is not %s", *f.Other, f.Want())
	case f.Range != nil && f.Categorical():
		return undefined(field+".range", "a categorical feature has none")
	case f.Range != nil && !(f.Range.Min <= f.Range.Max && f.Accepts(f.Range.Min) && f.Accepts(f.Range.Max)):
		return undefined(field+".range", "%v to %v is not a range of finite numbers", f.Range.Min, f.Range.Max)
	}
	return checkDistinct(field+".categories", f.Categories)
}

func checkDistinct(field string, names []string) error {
	seen := make(map[string]int, len(names))
	for i, name := range names {
		if name == "" {
			return undefined(fmt.Sprintf("%s[%d]", field, i), "is empty")
		}
		if !utf8.ValidString(name) {
			return undefined(fmt.Sprintf("%s[%d]", field, i), "%q is not valid UTF-8", name)
		}
		if first, taken := seen[name]; taken {
			return undefined(fmt.Sprintf("%s[%d]", field, i), "%q stands at %d too", name, first)
		}
		seen[name] = i
	}
	return nil
}

// Len returns the number of features: the length of a row.
func (s *Signature) Len() int { return len(s.features) }

// Width returns the number of encoded columns.
func (s *Signature) Width() int { return s.width }

// Feature returns feature i. The caller must not change what it points to.
func (s *Signature) Feature(i int) *Feature { return &s.features[i] }

// Features returns a copy of the features, in order.
func (s *Signature) Features() []Feature {
	features := make([]Feature, len(s.features))
	for i := range s.features {
		features[i] = cloneFeature(&s.features[i])
	}
	return features
}

// Index returns the position of the feature of that name.
func (s *Signature) Index(name string) (int, bool) {
	i, ok := s.byName[name]
	return i, ok
}

// Check returns a [*ShapeError] or a [*ValueError] if the row does not fit the signature. Both
// name row as the row's position.
func (s *Signature) Check(values []float64, row int) error {
	if len(values) != len(s.features) {
		return &ShapeError{Row: row, Got: len(values), Want: len(s.features)}
	}
	if s.numeric && allFinite(values) {
		return nil
	}
	for j, v := range values {
		if f := &s.features[j]; !f.Accepts(v) {
			return &ValueError{Row: row, Column: j, Feature: f.Name, Value: v, Want: f.Want()}
		}
	}
	return nil
}

// Encode writes the encoded row to dst, which has Width values, and returns it. The row must
// fit the signature. It panics if a length is wrong.
func (s *Signature) Encode(dst, row []float64) []float64 {
	if len(dst) != s.width || len(row) != len(s.features) {
		panic("softmax: Encode: length mismatch")
	}
	for j, v := range row {
		f, at := &s.features[j], s.offsets[j]
		if !f.Categorical() {
			dst[at] = v
			continue
		}
		columns := dst[at : at+len(f.Categories)]
		clear(columns)
		columns[int(v)] = 1
	}
	return dst
}

func cloneFeature(f *Feature) Feature {
	c := *f
	c.Categories = slices.Clone(f.Categories)
	if f.Range != nil {
		r := *f.Range
		c.Range = &r
	}
	if f.Impute != nil {
		v := *f.Impute
		c.Impute = &v
	}
	if f.Other != nil {
		v := *f.Other
		c.Other = &v
	}
	return c
}
