package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// barWidth is how many characters a probability of 1 is long.
const barWidth = 30

// writeText writes one prediction for people.
func writeText(w io.Writer, signature *modelv1.Signature, response *predictionv1.PredictResponse) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%s, %.2f %% by %s %s\n", response.GetPrediction(), 100*response.GetConfidence(), response.GetModel(), response.GetModelVersion())
	if len(response.GetScores()) > 0 {
		fmt.Fprintln(out)
	}
	for _, score := range response.GetScores() {
		fmt.Fprintf(out, "  %s\t%.6f", score.GetClass(), score.GetProbability())
		if length := int(math.Round(score.GetProbability() * barWidth)); length > 0 {
			fmt.Fprint(out, "\t"+strings.Repeat("█", length))
		}
		fmt.Fprintln(out)
	}
	if e := response.GetExplanation(); e != nil {
		writeExplanation(out, signature, e)
	}
	return out.Flush()
}

func writeExplanation(out io.Writer, signature *modelv1.Signature, e *predictionv1.Explanation) {
	fmt.Fprintf(out, "\nWhy %s rather than %s, in log-odds:\n\n", e.GetClass(), e.GetAgainst())
	for i, c := range e.GetContributions() {
		value := c.GetCategory()
		if _, number := c.GetValue().(*predictionv1.Contribution_Number); number {
			value = strings.TrimSpace(shortest(c.GetNumber()) + " " + signature.GetFeatures()[i].GetUnit())
		}
		if c.GetImputed() {
			value += " (imputed)"
		}
		fmt.Fprintf(out, "  %s\t%s\t%+.4f\n", c.GetFeature(), value, c.GetContribution())
	}
	fmt.Fprintf(out, "  the mean training row\t\t%+.4f\n  sum\t\t%+.4f\n", e.GetBaseline(), e.GetMargin())
}
