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
	fmt.Fprintf(out, "%s, %.2f %% by %s %s\n", printable(response.GetPrediction()), 100*response.GetConfidence(),
		printable(response.GetModel()), printable(response.GetModelVersion()))
	if len(response.GetScores()) > 0 {
		fmt.Fprintln(out)
	}
	for _, score := range response.GetScores() {
		fmt.Fprintf(out, "  %s\t%.6f", printable(score.GetClass()), score.GetProbability())
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
	against := "the rest"
	if e.GetAgainst() != "" {
		against = printable(e.GetAgainst())
	}
	fmt.Fprintf(out, "\nWhy %s rather than %s, in log-odds:\n\n", printable(e.GetClass()), against)
	for i, c := range e.GetContributions() {
		value := printable(c.GetCategory())
		if _, number := c.GetValue().(*predictionv1.Contribution_Number); number {
			value = strings.TrimSpace(shortest(c.GetNumber()) + " " + printable(unitOf(signature, i)))
		}
		if c.GetImputed() {
			value += " (imputed)"
		}
		fmt.Fprintf(out, "  %s\t%s\t%+.4f\n", printable(c.GetFeature()), value, c.GetContribution())
	}
	fmt.Fprintf(out, "  the mean training row\t\t%+.4f\n  sum\t\t%+.4f\n", e.GetBaseline(), e.GetMargin())
}

// unitOf returns the unit of a feature; empty if there is no such feature, as a server may claim.
func unitOf(signature *modelv1.Signature, i int) string {
	if features := signature.GetFeatures(); i < len(features) {
		return features[i].GetUnit()
	}
	return ""
}
