package registry_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

func number(name, unit string) *modelv1.Feature {
	return &modelv1.Feature{Name: name, Unit: unit, Kind: &modelv1.Feature_Numeric{Numeric: &modelv1.NumericFeature{Impute: proto.Float64(0)}}}
}

func choice(name string, categories ...string) *modelv1.Feature {
	return &modelv1.Feature{Name: name, Kind: &modelv1.Feature_Categorical{Categorical: &modelv1.CategoricalFeature{Categories: categories}}}
}

// openChoice is choice, whose last category stands for every other text.
func openChoice(name string, categories ...string) *modelv1.Feature {
	f := choice(name, categories...)
	f.GetCategorical().Other = proto.String(categories[len(categories)-1])
	return f
}

// loan is a model file of these features and classes.
func loan(t *testing.T, version string, classes []string, features ...*modelv1.Feature) []byte {
	t.Helper()
	width := 0
	for _, f := range features {
		width += max(1, len(f.GetCategorical().GetCategories()))
	}
	data, err := native.Encode(&modelv1.Model{
		FormatVersion: native.FormatVersion, Name: "loan", Version: version,
		Signature:  &modelv1.Signature{Features: features},
		Classes:    classes,
		Weights:    make([]float64, width*len(classes)),
		Intercepts: make([]float64, len(classes)),
	}, native.Binary)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSignatureGate(t *testing.T) {
	t.Parallel()
	classes := []string{"no", "yes"}
	income, age, home := number("income", "EUR"), number("age", ""), choice("home", "rent", "own")
	required := number("age", "")
	required.GetNumeric().Impute = nil
	for name, test := range map[string]struct {
		file []byte
		want []string
	}{
		"the same":                  {loan(t, "v2.0.0", classes, income, age, home), nil},
		"one more category":         {loan(t, "v2.0.0", classes, income, age, choice("home", "rent", "own", "other")), nil},
		"one more class":            {loan(t, "v2.0.0", []string{"no", "yes", "perhaps"}, income, age, home), nil},
		"a unit where none was":     {loan(t, "v2.0.0", classes, income, number("age", "a"), home), nil},
		"a feature removed":         {loan(t, "v2.0.0", classes, income, home), []string{`features[1]: feature "age" was removed`, `features[2]: feature "home" was moved from position 2 to 1`}},
		"a feature added":           {loan(t, "v2.0.0", classes, income, age, home, number("debt", "")), []string{`features[3]: feature "debt" was added`}},
		"a feature renamed":         {loan(t, "v2.0.0", classes, income, number("years", ""), home), []string{`features[1]: feature "age" was renamed to "years"`}},
		"a feature replaced, moved": {loan(t, "v2.0.0", classes, number("debt", ""), income, home), []string{`features[0]: feature "income" was moved from position 0 to 1`, `features[1]: feature "age" was removed`, `features[0]: feature "debt" was added`}},
		"another kind":              {loan(t, "v2.0.0", classes, income, choice("age", "young", "old"), home), []string{`features[1]: feature "age" was numeric and is categorical`, `features[1]: feature "age" was allowed to be missing and is not any more`}},
		"another unit":              {loan(t, "v2.0.0", classes, number("income", "USD"), age, home), []string{`features[0]: feature "income" was in unit "EUR" and is in "USD"`}},
		"not to be missing":         {loan(t, "v2.0.0", classes, income, required, home), []string{`features[1]: feature "age" was allowed to be missing and is not any more`}},
		"order":                     {loan(t, "v2.0.0", classes, age, income, home), []string{`features[0]: feature "income" was moved from position 0 to 1`, `features[1]: feature "age" was moved from position 1 to 0`}},
		"a category removed":        {loan(t, "v2.0.0", classes, income, age, choice("home", "rent", "lease")), []string{`features[2]: feature "home" had the categories "rent", "own" and has "rent", "lease"; new ones may only come after those that there were`}},
		"a class renamed":           {loan(t, "v2.0.0", []string{"no", "granted"}, income, age, home), []string{`classes[1]: class "yes" was removed`}},
		"classes in another order":  {loan(t, "v2.0.0", []string{"yes", "no"}, income, age, home), []string{`classes[0]: class "no" was moved from position 0 to 1`, `classes[1]: class "yes" was moved from position 1 to 0`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := repairable(t, t.TempDir())
			if _, err := l.Publish(t.Context(), loan(t, "v1.0.0", classes, income, age, home), false, rollout.Change{}); err != nil {
				t.Fatal(err)
			}
			_, err := l.Publish(t.Context(), test.file, false, rollout.Change{})
			var got []string
			var breaks *registry.BreakError
			if errors.As(err, &breaks) {
				for _, b := range breaks.Breaks {
					got = append(got, b.GetField()+": "+b.GetDescription())
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("breaks (-want +got):\n%s", diff)
			}
			if err == nil {
				return
			}
			p, err := l.Publish(t.Context(), test.file, true, rollout.Change{})
			if err != nil {
				t.Fatal(err)
			}
			if !p.Event.GetForced() || len(p.Event.GetBreaks()) != len(test.want) {
				t.Errorf("the event is %v, expected that it was forced, past which breaks", p.Event)
			}
		})
	}
}

func TestSignatureGateOfOtherTexts(t *testing.T) {
	t.Parallel()
	version := func(features ...*modelv1.Feature) *registry.Version {
		_, compiled, err := native.Decode(loan(t, "v1.0.0", []string{"no", "yes"}, features...))
		if err != nil {
			t.Fatal(err)
		}
		return &registry.Version{Compiled: compiled}
	}
	closed, opened, longer := choice("home", "rent", "rest"), openChoice("home", "rent", "rest"), openChoice("home", "rent", "rest", "own")
	for name, test := range map[string]struct {
		was, is *modelv1.Feature
		want    []string
	}{
		"the same":                           {opened, opened, nil},
		"texts are taken that were not":      {closed, opened, nil},
		"another category stands for others": {opened, longer, nil},
		"texts are taken no more": {
			opened, closed,
			[]string{`feature "home" took texts that are none of its categories and does not any more`},
		},
		"another kind": {opened, number("home", ""), []string{`feature "home" was categorical and is numeric`}},
	} {
		var got []string
		for _, b := range registry.Breaks(version(test.was), version(test.is)) {
			got = append(got, b.GetDescription())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: breaks (-want +got):\n%s", name, diff)
		}
	}
}
