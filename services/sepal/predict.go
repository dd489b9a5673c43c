package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	sepal "github.com/sepal-ml/sepal/clients/go"
	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/server"
)

// predictCmd is the verb predict.
type predictCmd struct {
	Values []string `arg:"" optional:"" help:"One row: its values in the order of the model's features, or NAME=VALUE for each; nothing or NA is a missing value. Without any, rows are read as CSV from standard input."`

	CSV string `name:"csv" env:"SEPAL_PREDICT_CSV" placeholder:"FILE" help:"Classify the rows of a CSV file with a header, - for standard input; columns that are no features are passed over."`

	ModelPath    string `short:"m" env:"MODEL_PATH" placeholder:"PATH" help:"Model file or registry folder; the built-in iris model by default."`
	ModelVersion string `env:"MODEL_VERSION" placeholder:"VERSION" help:"Version, or label, to use; by default the rollout chooses one for a row, and its stable version classifies many."`
	SubjectID    string `name:"subject-id" env:"SEPAL_PREDICT_SUBJECT_ID" placeholder:"ID" help:"Whom or what the row is for, or all rows of a CSV: the rollout gives an id the same version each time."`
	Model        string `env:"SEPAL_DEFAULT_MODEL" placeholder:"MODEL" help:"Model to use, where there are several."`
	Server       string `short:"s" env:"SEPAL_SERVER" placeholder:"HOST:PORT" help:"Ask this server, also a URL, in place of a local model; SEPAL_SERVER wins over MODEL_PATH."`

	targetFlags

	TopK    *uint32 `env:"SEPAL_PREDICT_TOP_K" placeholder:"N" help:"List only the N best classes."`
	Explain bool    `env:"SEPAL_PREDICT_EXPLAIN" help:"Explain each prediction; of many rows, with --output json."`
	Output  string  `short:"o" env:"SEPAL_PREDICT_OUTPUT" default:"auto" enum:"auto,text,csv,json" help:"Form of the output: ${enum}; auto is text for one row and csv for many."`
}

// Help returns what the help of the verb says beside its flags.
func (predictCmd) Help() string {
	return `Examples:
  sepal predict 5.1 3.5 1.4 0.2
  sepal predict --explain sepal_length_cm=5.1 sepal_width_cm=3.5 \
    petal_length_cm=1.4 petal_width_cm=0.2
  sepal predict --csv flowers.csv > predictions.csv
  sepal predict --server localhost:50051 --output json < flowers.csv
  sepal predict --server localhost:50051 --subject-id user-7 5.1 3.5 1.4 0.2

One row asks for no version, unless you name one: the rollout chooses it, and shadows see the row.
Many rows name the stable version, so that one version answers all, and shadows do not see them;
with --subject-id they get the version that the rollout gives to that id.

Of many rows, one that cannot be classified has its reason in the output, and the exit code is 1
when all are done.`
}

// AfterApply refuses what contradicts itself, and settles what auto means. A flag wins over
// the environment, so only flags contradict flags.
func (c *predictCmd) AfterApply(parsed *kong.Context) error {
	one := len(c.Values) > 0
	if one && c.CSV != "" {
		if given(parsed, "csv") {
			return errors.New("expected values or --csv, not both")
		}
		c.CSV = ""
	}
	if c.Server != "" && c.ModelPath != "" {
		switch remote, local := given(parsed, "server"), given(parsed, "model-path"); {
		case remote && local:
			return errors.New("expected --server or --model-path, not both")
		case local:
			c.Server = ""
		default:
			// MODEL_PATH is the server's variable too: who serves models has it set.
			c.ModelPath = ""
		}
	}
	if c.SubjectID != "" && c.ModelVersion != "" {
		switch subject, version := given(parsed, "subject-id"), given(parsed, "model-version"); {
		case subject && version:
			return errors.New("expected --subject-id or --model-version, not both: a version that is named answers for whomever it is")
		case subject && c.Server != "":
			c.ModelVersion = ""
		}
	}
	var err error
	if c.Server, err = c.settle(parsed, c.Server); err != nil {
		return err
	}
	switch {
	case c.Output == "auto" && one:
		c.Output = "text"
	case c.Output == "auto":
		c.Output = "csv"
	case c.Output == "text" && !one:
		return errors.New("--output text is for one row, expected csv or json for many")
	}
	if c.Explain && c.Output == "csv" {
		return errors.New("--explain has no place in csv, expected --output json")
	}
	return nil
}

// Run classifies the rows and writes what becomes of them to standard output.
func (c *predictCmd) Run(p *process) error {
	client, hangUp, err := c.connect(p.ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	version, err := c.version(p.ctx, client)
	if err != nil {
		return err
	}
	if len(c.Values) > 0 {
		return c.one(p, client, version)
	}
	return c.many(p, client, version)
}

func (c *predictCmd) connect(ctx context.Context) (*sepal.Client, func(), error) {
	if c.Server == "" {
		o := server.DefaultOptions()
		o.ModelPath, o.ModelVersion, o.DefaultModel = c.ModelPath, c.ModelVersion, c.Model
		return dialLocal(ctx, o)
	}
	client, err := c.dial(ctx, "predict", c.Server)
	if err != nil {
		return nil, nil, err
	}
	return client, client.Close, nil
}

// version asks for what the model takes: the version named, or the stable one.
func (c *predictCmd) version(ctx context.Context, client *sepal.Client) (*registryv1.ModelVersion, error) {
	version := ""
	if c.Server != "" {
		version = c.ModelVersion // a local model already has the version asked for
	}
	response, err := client.GetVersion(ctx, c.Model, version)
	if err != nil {
		return nil, callFailed(c.Server, err)
	}
	return response.GetVersion(), nil
}

// answered returns the version that answered, which the rollout may have chosen otherwise than
// the one that was asked about.
func (c *predictCmd) answered(ctx context.Context, client *sepal.Client, version *registryv1.ModelVersion, by string) (*registryv1.ModelVersion, error) {
	if by == "" || by == version.GetVersion() {
		return version, nil
	}
	response, err := client.GetVersion(ctx, version.GetModel(), by)
	if err != nil {
		return nil, callFailed(c.Server, err)
	}
	return response.GetVersion(), nil
}

func (c *predictCmd) one(p *process, client *sepal.Client, version *registryv1.ModelVersion) error {
	cells, err := c.cells(version)
	if err != nil {
		return err
	}
	request := &predictionv1.PredictRequest{
		Inputs: inputsOf(version.GetSignature(), cells),
		Model:  version.GetModel(), SubjectId: c.SubjectID, TopK: c.TopK, Explain: c.Explain,
	}
	if c.ModelVersion != "" {
		request.Version = version.GetVersion()
	}
	response, err := client.Predict(p.ctx, request)
	if err != nil {
		return callFailed(c.Server, err)
	}
	if c.Output == "json" {
		return writeJSON(p.stdout, response)
	}
	if version, err = c.answered(p.ctx, client, version, response.GetModelVersion()); err != nil {
		return err
	}
	if c.Output == "csv" {
		return writeOneCSV(p.stdout, version, response)
	}
	return writeText(p.stdout, version, response)
}

// cells returns the values of the command line by the names of their features.
func (c *predictCmd) cells(version *registryv1.ModelVersion) (map[string]string, error) {
	cells := make(map[string]string, len(c.Values))
	if !strings.Contains(c.Values[0], "=") {
		features := version.GetSignature().GetFeatures()
		if len(c.Values) != len(features) {
			return nil, fmt.Errorf("found %d values, expected %d, one for each feature of %s %s: %s",
				len(c.Values), len(features), version.GetModel(), version.GetVersion(), strings.Join(namesOf(version.GetSignature()), ", "))
		}
		for i, f := range features {
			cells[f.GetName()] = strings.TrimSpace(c.Values[i])
		}
		return cells, nil
	}
	for _, pair := range c.Values {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("found the value %q, expected NAME=VALUE as for the first one", strings.TrimSpace(pair))
		}
		if _, twice := cells[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		cells[name] = strings.TrimSpace(value)
	}
	return cells, nil
}

func (c *predictCmd) many(p *process, client *sepal.Client, version *registryv1.ModelVersion) error {
	in, path := p.stdin, "standard input"
	if c.CSV != "" && c.CSV != "-" {
		file, err := os.Open(c.CSV)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // it was only read
		in, path = file, c.CSV
	} else if isTerminal(p.stdin) {
		fmt.Fprintln(p.stderr, "reading CSV with a header from standard input; end with Ctrl-D")
	}
	progress, in := newPredictProgress(p, in)
	defer progress.clear()
	rows, err := newCSVRows(interruptible(p.ctx, in), path, version.GetSignature())
	if err != nil {
		return err
	}
	b := &batches{
		client: client,
		request: &predictionv1.BatchPredictRequest{
			Model: version.GetModel(), Version: version.GetVersion(), SubjectId: c.SubjectID, TopK: c.TopK, Explain: c.Explain,
		},
		server:   c.Server,
		most:     chunkRows,
		progress: progress,
		patience: newPatience(p, progress),
	}
	if c.SubjectID != "" && c.ModelVersion == "" {
		b.request.Version = "" // the rollout chooses it
	}
	return b.stream(p.ctx, rows, func(by string) (resultWriter, error) {
		var answering *registryv1.ModelVersion
		err := b.patience.call(p.ctx, func() (err error) {
			answering, err = c.answered(p.ctx, client, version, by)
			return err
		})
		return newResultWriter(c.Output, p.stdout, answering.GetClasses()), err
	})
}
