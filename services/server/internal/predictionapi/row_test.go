package predictionapi

import (
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/softmax"
)

func TestAnUnknownTextIsTheOtherCategory(t *testing.T) {
	t.Parallel()
	rest := 1
	signature, err := softmax.NewSignature([]softmax.Feature{
		{Name: "colour", Categories: []string{"red", "rest", "blue"}, Other: &rest},
		{Name: "water", Categories: []string{"salt", "sweet"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := softmax.NewModel(softmax.Definition{
		Signature: signature, Classes: []string{"a", "b"}, Weights: make([]float64, 10), Intercepts: make([]float64, 2),
	})
	if err != nil {
		t.Fatal(err)
	}
	version := &registry.Version{Model: "fish", Version: "v1.0.0", Compiled: compiled}
	for _, test := range []struct {
		colour, water any
		want          float64
		refused       string
	}{
		{"blue", "salt", 2, ""},
		{"rest", "salt", 1, ""},
		{"mauve", "salt", 1, ""},
		{"", "salt", 1, ""},
		{7.0, "salt", 0, `inputs.colour: is 7, expected one of "red", "rest", "blue", or another text`},
		{"red", "tap", 0, `inputs.water: is the string "tap", expected one of "salt", "sweet"`},
	} {
		inputs, err := structpb.NewStruct(map[string]any{"colour": test.colour, "water": test.water})
		if err != nil {
			t.Fatal(err)
		}
		r, violations := decodeRow(version, &predictionv1.PredictRequest{Inputs: inputs}, "")
		if test.refused != "" {
			if len(violations) != 1 || violations[0].Field+": "+violations[0].Description != test.refused {
				t.Errorf("%v, %v: violations are %v, expected %s", test.colour, test.water, violations, test.refused)
			}
			continue
		}
		if len(violations) > 0 || r.values[0] != test.want {
			t.Errorf("%v, %v: the row is %v with %v, expected %v first", test.colour, test.water, r.values, violations, test.want)
		}
	}
}
