package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	sepal "github.com/sepal-ml/sepal/clients/go"
	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
)

// driftCmd is the verb drift.
type driftCmd struct {
	File string `arg:"" optional:"" help:"Compare the rows of this CSV file with a header, - for standard input; columns that are no features are passed over. Without it, a server is asked about the rows that it has answered."`

	Server string `short:"s" env:"SEPAL_SERVER" placeholder:"HOST:PORT" help:"Server to ask, also a URL; not with a file."`
	targetFlags
	Watch    bool          `short:"w" env:"SEPAL_DRIFT_WATCH" help:"Ask the server again and again, until interrupted; a terminal shows the last answer."`
	Interval time.Duration `env:"SEPAL_DRIFT_INTERVAL" default:"5s" placeholder:"DURATION" help:"Time between two answers of --watch (${default})."`

	ModelPath    string  `short:"m" env:"MODEL_PATH" placeholder:"PATH" help:"Model file or registry folder whose model scores the file; the built-in iris model by default."`
	ModelVersion string  `env:"MODEL_VERSION" placeholder:"VERSION" help:"Version to compare with; of a server, a label too. The stable one by default."`
	Model        string  `env:"SEPAL_DEFAULT_MODEL" placeholder:"MODEL" help:"Model to compare with, where there are several."`
	MinRows      int     `env:"SEPAL_DRIFT_MIN_ROWS" default:"200" placeholder:"N" help:"Rows of a file that it takes to say anything (${default}); a server has its own."`
	Unsure       float64 `name:"confidence-threshold" env:"SEPAL_CONFIDENCE_THRESHOLD" default:"0.5" placeholder:"P" help:"Probability of the predicted class below which a prediction from a file counts as unsure, 0 to 1 (${default})."`
	JSON         bool    `name:"json" env:"SEPAL_JSON" help:"Print the report as JSON, in one line."`
}

// Help returns what the help of the verb says beside its flags.
func (driftCmd) Help() string {
	return `Examples:
  sepal drift --server localhost:50051
  sepal drift --server localhost:50051 --model loan --watch
  sepal drift --server localhost:50051 > report ||
    mail -s "drift, or no answer" ml@example.com < report
  sepal drift last-week.csv --model-path model.binpb
  sepal drift last-week.csv --model-path models --model-version v1.1.0 --json

Compares rows with those that a model was trained on: each feature by the shares of its values in
bins that were frozen in training, and the predictions by the shares of their classes.

PSI is the population stability index: below 0.1 nothing has changed to speak of. What is over 0.2,
and more than chance explains (critical), has drifted. JS is the Jensen-Shannon distance, from 0,
the same, to 1. "missing" and "out of range" are shares of the rows and of the values; in brackets
stands what it was in training. Missing values are in no bin: a feature that is missing in a fifth
of the rows more than in training is named beside what has drifted. The accuracy is estimated without labels, from how sure the
predictions are: it cannot see that a class has come to look different.

Rows of a file that the model does not take are left out, and counted.

Exit codes: 0 if nothing has drifted, or there are too few rows, or no reference profile in the
model file, to tell, which the output says · 3 if a feature or the predictions have drifted, or
a feature goes missing · 1 if it failed · 2 if the command makes no sense. --watch goes on until it is interrupted.`
}

// AfterApply refuses what contradicts itself. A flag wins over the environment, so only flags
// contradict a file.
func (c *driftCmd) AfterApply(parsed *kong.Context) error {
	switch {
	case c.Interval <= 0:
		return fmt.Errorf("--interval is %v, expected more than 0", c.Interval)
	case c.MinRows < 1:
		return fmt.Errorf("--min-rows is %d, expected at least 1", c.MinRows)
	case !(c.Unsure > 0 && c.Unsure <= 1):
		return fmt.Errorf("--confidence-threshold is %v, expected more than 0, and at most 1", c.Unsure)
	}
	if c.File != "" {
		for _, flag := range []string{"server", "watch", "interval"} {
			if given(parsed, flag) {
				return fmt.Errorf("expected a file or --%s, not both", flag)
			}
		}
		c.Server, c.Watch = "", false
		_, err := c.settle(parsed, "")
		return err
	}
	if c.Server == "" {
		return errors.New("name what to look at: a CSV file, or --server HOST:PORT (SEPAL_SERVER)")
	}
	for _, flag := range []string{"model-path", "min-rows", "confidence-threshold"} {
		if given(parsed, flag) {
			return fmt.Errorf("--%s is for a file, expected one, or --server without it", flag)
		}
	}
	var err error
	c.Server, err = c.settle(parsed, c.Server)
	return err
}

// Run compares and writes the report to standard output.
func (c *driftCmd) Run(p *process) error {
	if c.File != "" {
		report, err := c.compareFile(p)
		if err != nil {
			return err
		}
		return c.conclude(p, report)
	}
	client, err := c.dial(p.ctx, "drift", c.Server)
	if err != nil {
		return err
	}
	defer client.Close()
	if c.Watch {
		return c.watch(p, client)
	}
	report, err := c.ask(p.ctx, client)
	if err != nil {
		return err
	}
	return c.conclude(p, report)
}

func (c *driftCmd) ask(ctx context.Context, client *sepal.Client) (*monitoringv1.DriftReport, error) {
	response, err := client.GetDriftReport(ctx, c.Model, c.ModelVersion)
	if err != nil {
		return nil, callFailed(c.Server, err)
	}
	return response.GetReport(), nil
}

// conclude writes the report; a drift is an error, and so is a feature that goes missing, so that
// scripts can act.
func (c *driftCmd) conclude(p *process, report *monitoringv1.DriftReport) error {
	if err := c.write(p.stdout, report); err != nil {
		return err
	}
	if report.GetState() == monitoringv1.DriftState_DRIFT_STATE_DRIFTED || len(goneMissing(report)) > 0 {
		return &driftError{report}
	}
	return nil
}

// driftError is that rows do not look like those of training.
type driftError struct{ report *monitoringv1.DriftReport }

func (e *driftError) Error() string {
	text := printable(e.report.GetModel()) + " " + printable(e.report.GetVersion())
	if parts := driftedParts(e.report); len(parts) > 0 {
		text += ": drifted: " + strings.Join(parts, ", ")
	}
	if parts := goneMissing(e.report); len(parts) > 0 {
		text += ": missing: " + strings.Join(parts, ", ")
	}
	return text
}

// driftedParts names what has drifted.
func driftedParts(report *monitoringv1.DriftReport) []string {
	const drifted = monitoringv1.DriftState_DRIFT_STATE_DRIFTED
	var parts []string
	for _, f := range report.GetFeatures() {
		if f.GetState() == drifted {
			parts = append(parts, printable(f.GetFeature()))
		}
	}
	if report.GetPredictions().GetState() == drifted {
		parts = append(parts, "the predictions")
	}
	return parts
}

// missingMore is in how large a share of the rows more than in training a feature must be missing to
// be named.
const missingMore = 0.2

// goneMissing says which features are missing in many more rows than in training. The index does not
// tell: it is of the values that there are.
func goneMissing(report *monitoringv1.DriftReport) []string {
	if report.GetRows() < report.GetRowsNeeded() {
		return nil
	}
	var parts []string
	for _, f := range report.GetFeatures() {
		if f.GetState() != monitoringv1.DriftState_DRIFT_STATE_NO_REFERENCE && f.GetMissingShare()-f.GetReferenceMissingShare() > missingMore {
			parts = append(parts, fmt.Sprintf("%s in %s of the rows (%s)", printable(f.GetFeature()),
				percent(f.GetMissingShare()), percent(f.GetReferenceMissingShare())))
		}
	}
	return parts
}
