package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// barWidth is how many characters a probability of 1 is long.
const barWidth = 30

// writeText writes one prediction for people, of the version that made it.
func writeText(w io.Writer, version *registryv1.ModelVersion, response *predictionv1.PredictResponse) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	by := printable(response.GetModel()) + " " + printable(response.GetModelVersion())
	if v := response.GetVariant(); v != "" && v != rollout.StableVariant {
		by += ", variant " + printable(v)
	}
	fmt.Fprintf(out, "%s, %.2f %% by %s\n", printable(response.GetPrediction()), 100*response.GetConfidence(), by)
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
		writeExplanation(out, version, e)
	}
	return out.Flush()
}

func writeExplanation(out io.Writer, version *registryv1.ModelVersion, e *predictionv1.Explanation) {
	against := "the rest"
	if e.GetAgainst() != "" {
		against = printable(e.GetAgainst())
	}
	fmt.Fprintf(out, "\nWhy %s rather than %s, in log-odds:\n\n", printable(e.GetClass()), against)
	for i, c := range e.GetContributions() {
		value := printable(c.GetCategory())
		if _, number := c.GetValue().(*predictionv1.Contribution_Number); number {
			value = strings.TrimSpace(shortest(c.GetNumber()) + " " + printable(unitOf(version, i)))
		}
		if c.GetImputed() {
			value += " (imputed)"
		}
		fmt.Fprintf(out, "  %s\t%s\t%+.4f\n", printable(c.GetFeature()), value, c.GetContribution())
	}
	reference := "the reference row"
	if version.GetTraining() != nil {
		reference = "the mean training row"
	}
	fmt.Fprintf(out, "  %s\t\t%+.4f\n  sum\t\t%+.4f\n", reference, e.GetBaseline(), e.GetMargin())
	if e.GetAgainst() == "" {
		fmt.Fprintln(out, "\nThese log-odds are of its own classifier against the rest, before the classes are made to sum to 1.")
	}
}

// unitOf returns the unit of a feature; empty if there is no such feature, as a server may claim.
func unitOf(version *registryv1.ModelVersion, i int) string {
	if features := version.GetSignature().GetFeatures(); i < len(features) {
		return features[i].GetUnit()
	}
	return ""
}
