package main

import (
	"strings"
	"testing"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

func explained(t *testing.T, version *registryv1.ModelVersion, response *predictionv1.PredictResponse) string {
	t.Helper()
	var out strings.Builder
	if err := writeText(&out, version, response); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnExplanationSaysAgainstWhat(t *testing.T) {
	t.Parallel()
	const own = "before the classes are made to sum to 1.\n"
	for against, want := range map[string]string{
		"rose": "\nWhy iris rather than rose, in log-odds:\n",
		"":     "\nWhy iris rather than the rest, in log-odds:\n",
	} {
		got := explained(t, nil, &predictionv1.PredictResponse{
			Prediction: "iris", Explanation: &predictionv1.Explanation{Class: "iris", Against: against},
		})
		if !strings.Contains(got, want) || strings.Contains(got, own) != (against == "") {
			t.Errorf("got\n%s\nexpected %q in it", got, want)
		}
	}
}

// TestTheReferenceRowIsNamedForWhatItIs: that of a model of another tool is no mean.
func TestTheReferenceRowIsNamedForWhatItIs(t *testing.T) {
	t.Parallel()
	response := &predictionv1.PredictResponse{Explanation: &predictionv1.Explanation{Class: "a", Against: "b"}}
	requireParts(t, explained(t, &registryv1.ModelVersion{}, response), "  the reference row  ")
	requireParts(t, explained(t, &registryv1.ModelVersion{Training: new(modelv1.TrainingReport)}, response), "  the mean training row  ")
}

func TestTheVariantIsNamed(t *testing.T) {
	t.Parallel()
	for variant, want := range map[string]string{"": "by iris v1.0.0\n", "stable": "by iris v1.0.0\n", "canary": "by iris v1.0.0, variant canary\n"} {
		got := explained(t, nil, &predictionv1.PredictResponse{Prediction: "rose", Model: "iris", ModelVersion: "v1.0.0", Variant: variant})
		requireParts(t, got, want)
	}
}
