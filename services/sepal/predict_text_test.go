package main

import (
	"strings"
	"testing"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

func TestAnExplanationSaysAgainstWhat(t *testing.T) {
	t.Parallel()
	for against, want := range map[string]string{
		"rose": "\nWhy iris rather than rose, in log-odds:\n",
		"":     "\nWhy iris rather than the rest, in log-odds:\n",
	} {
		var out strings.Builder
		err := writeText(&out, nil, &predictionv1.PredictResponse{
			Prediction: "iris", Explanation: &predictionv1.Explanation{Class: "iris", Against: against},
		})
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("got %v and\n%s\nexpected %q in it", err, out.String(), want)
		}
	}
}
