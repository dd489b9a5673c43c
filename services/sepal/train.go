package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
	"github.com/sepal-ml/sepal/services/trainer"
	"github.com/sepal-ml/sepal/services/trainer/report"
)

// trainCmd is the verb train.
type trainCmd struct {
	Data string `arg:"" env:"SEPAL_TRAIN_DATA" help:"File, - for standard input, or database (postgres://…, sqlite:FILE). In text, a column of numbers is a number, any other a category."`

	Format string `env:"SEPAL_TRAIN_FORMAT" default:"auto" enum:"auto,csv,csv.gz,parquet,libsvm,npy" help:"Format of the file: ${enum}; auto goes by its first bytes and its name."`
	Query  string `env:"SEPAL_TRAIN_QUERY" placeholder:"SELECT" help:"Query whose rows are the data, for a database."`
	Labels string `env:"SEPAL_TRAIN_LABELS" placeholder:"FILE" help:"Array of numpy (.npy) with the class of each row, where the data are one too."`

	Label       string            `env:"SEPAL_TRAIN_LABEL" placeholder:"COLUMN" help:"Column that holds the class of each row; not for libsvm and with --labels."`
	Weight      string            `env:"SEPAL_TRAIN_WEIGHT" placeholder:"COLUMN" help:"Column that holds the weight of each row: 2 counts as two rows, in training, not in evaluation."`
	Drop        []string          `env:"SEPAL_TRAIN_DROP" placeholder:"COLUMN" help:"Columns to leave out, such as identifiers."`
	Categorical []string          `env:"SEPAL_TRAIN_CATEGORICAL" placeholder:"COLUMN" help:"Columns of numbers to take as categories, such as codes."`
	Unit        map[string]string `env:"SEPAL_TRAIN_UNIT" mapsep:"," placeholder:"COLUMN=UNIT" help:"Units of columns, for people to read."`
	Impute      string            `env:"SEPAL_TRAIN_IMPUTE" default:"none" enum:"none,median" help:"What stands in for missing values, in training and in serving: ${enum}; of categories, median is the most frequent. With none, a missing value is an error."`
	RareBelow   int               `env:"SEPAL_TRAIN_RARE_BELOW" placeholder:"N" help:"Merge the categories of a column that have fewer rows into one, which in serving stands for unknown texts too."`
	Other       bool              `env:"SEPAL_TRAIN_OTHER" help:"Give every category column one for unknown texts, even if none is rare."`
	Schema      string            `env:"SEPAL_TRAIN_SCHEMA" placeholder:"FILE" help:"JSON file of the features to take, with their kinds and categories; what does not fit is an error."`
	WriteSchema string            `env:"SEPAL_TRAIN_WRITE_SCHEMA" placeholder:"FILE" help:"File to write the features to, as --schema reads it."`

	Output       string `short:"o" env:"SEPAL_TRAIN_OUTPUT" default:"model.binpb" placeholder:"FILE" help:"Model file to write, .binpb or .json; one that exists is replaced (${default})."`
	Name         string `env:"SEPAL_TRAIN_NAME" placeholder:"NAME" help:"Name of the model; made from that of the data file by default."`
	ModelVersion string `env:"SEPAL_TRAIN_VERSION" default:"${train_version}" placeholder:"VERSION" help:"Version of the model (${default})."`
	Report       string `env:"SEPAL_TRAIN_REPORT" placeholder:"FILE" help:"HTML page to write with all that is known of the data and the model."`

	Penalty     string    `env:"SEPAL_TRAIN_PENALTY" default:"l2" enum:"l2,l1,elasticnet,none" help:"What keeps the weights small: ${enum}."`
	L1Ratio     *float64  `name:"l1-ratio" env:"SEPAL_TRAIN_L1_RATIO" placeholder:"SHARE" help:"Share of L1 in the penalty elasticnet, 0 to 1."`
	C           float64   `name:"c" env:"SEPAL_TRAIN_C" default:"${train_c}" help:"Inverse regularisation strength: the larger, the freer the weights."`
	Standardise bool      `env:"SEPAL_TRAIN_STANDARDISE" help:"Penalise the weights that standardised numbers would have, so that units do not matter. The model takes raw values all the same."`
	Tune        bool      `env:"SEPAL_TRAIN_TUNE" help:"Choose C by cross-validation: the one of the lowest log-loss."`
	CGrid       []float64 `name:"c-grid" env:"SEPAL_TRAIN_C_GRID" placeholder:"C" help:"Values for --tune to choose from; 1e-4 to 1e4, two to a decade, by default."`
	ClassWeight []string  `env:"SEPAL_TRAIN_CLASS_WEIGHT" placeholder:"CLASS=W" help:"Weights of classes that do not weigh 1, or balanced: every class counts the same."`
	Calibrate   bool      `env:"SEPAL_TRAIN_CALIBRATE" help:"Divide the logits by a temperature, chosen on the rows of the folds, so that the probabilities are as sure as they are right."`
	NoIntercept bool      `env:"SEPAL_TRAIN_NO_INTERCEPT" help:"Fix the intercepts at 0."`

	HoldOut       float64 `env:"SEPAL_TRAIN_HOLD_OUT" default:"${train_hold_out}" help:"Share of the rows to evaluate on rows not trained on; 0 is none."`
	Folds         int     `env:"SEPAL_TRAIN_FOLDS" default:"${train_folds}" help:"Folds of the cross-validation; 0 is none."`
	Seed          uint32  `env:"SEPAL_TRAIN_SEED" default:"${train_seed}" help:"Seed of the choice of rows to hold out and of the folds."`
	MaxIterations int     `env:"SEPAL_TRAIN_MAX_ITERATIONS" default:"${train_max_iterations}" help:"Most iterations of a fit; 0 is the solver's own limit."`
	Tolerance     float64 `env:"SEPAL_TRAIN_TOLERANCE" default:"${train_tolerance}" help:"How small the gradient must become, relative to the data; 0 is the solver's own tolerance."`
	Workers       int     `env:"SEPAL_TRAIN_WORKERS" default:"0" help:"Processors to work on; 0 is all. The model does not depend on it."`
	Float32       bool    `name:"float32" env:"SEPAL_TRAIN_FLOAT32" help:"Fit on the values rounded to seven digits, in half the memory."`

	JSON bool `name:"json" env:"SEPAL_TRAIN_JSON" help:"Print the training report as JSON."`
}

// Help returns what the help of the verb says beside its flags.
func (trainCmd) Help() string {
	return `Examples:
  sepal train flowers.csv --label species
  sepal train loans.csv --label repaid --drop id,date --impute median --rare-below 20 \
    --standardise --tune --calibrate --name loan --model-version v1.2.0 \
    --output loan.json --report loan.html
  sepal train clicks.parquet --label clicked --weight views --class-weight balanced
  sepal train news20.libsvm --penalty l1 --c 10 --folds 0 --float32
  sepal train digits.npy --labels digits_labels.npy
  sepal train postgres://reader@db/shop --query 'SELECT * FROM orders' --label returned
  sepal train sqlite:shop.db --query 'SELECT * FROM orders' --label returned
  zcat big.csv.gz | sepal train - --label y --folds 0 --json
  sepal train flowers.csv --label species --write-schema flowers.json
  sepal train more.csv --label species --schema flowers.json

The classifier is evaluated on rows that it was not trained on, then trained on all. What --tune
and --calibrate choose, they choose without the rows held out. The same data and flags give the
same file. A model file holds a few rows of the data, for servers to check themselves with.`
}

// AfterApply refuses what could only fail after the data are read.
func (c *trainCmd) AfterApply(parsed *kong.Context) error {
	if _, err := native.FormatOf(c.Output); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	if c.Penalty == "none" && given(parsed, "c") {
		return errors.New("--c says how strong the penalty is, and with --penalty none there is none")
	}
	if c.Tune && given(parsed, "c") {
		return errors.New("--c and --tune, expected one of them: C is given, or chosen; --c-grid says among which")
	}
	if c.Labels != "" && given(parsed, "label") {
		return errors.New("--label names a column of the data, and --labels a file with the classes, expected one of them; --drop leaves a column out")
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	if err := c.checkOutputs(); err != nil {
		return err
	}
	return inFlags(o.Check())
}

// Run trains a model, writes its file and says how it does.
func (c *trainCmd) Run(p *process) error {
	for _, out := range c.outputs() {
		if err := out.check(); err != nil {
			return err
		}
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	progress := newTrainProgress(p)
	o.Progress = progress.show
	schema, err := c.readSchema()
	if err != nil {
		return err
	}
	table, err := c.read(p, schema, progress)
	progress.clear()
	if err != nil {
		return err
	}
	if err := c.tell(p, table); err != nil {
		return err
	}
	result, err := trainer.Train(p.ctx, o, table)
	progress.clear()
	if err != nil {
		return inFlags(err)
	}
	return c.conclude(p, table, result)
}

// tell says what was read.
func (c *trainCmd) tell(p *process, table *dataset.Table) error {
	for _, warning := range table.Warnings {
		say(p.stderr, "warning: %v", warning)
	}
	if c.WriteSchema != "" {
		if err := writeSchema(p.ctx, c.WriteSchema, table.Signature); err != nil {
			return err
		}
		say(p.stderr, "the features are in %s", c.WriteSchema)
	}
	if c.JSON {
		return nil
	}
	return writeTable(p.stdout, table)
}

// conclude writes the files and says what is in them.
func (c *trainCmd) conclude(p *process, table *dataset.Table, result *trainer.Result) error {
	var page bytes.Buffer
	if c.Report != "" {
		if err := report.Write(&page, table, result); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	// The model last: where it is, all is there.
	if c.Report != "" {
		if err := atomicfile.Write(c.Report, page.Bytes(), 0o644); err != nil {
			return err
		}
	}
	file, err := writeModel(p.ctx, result.Model, c.Output)
	if err != nil {
		return err
	}
	for _, note := range result.Notes {
		say(p.stderr, "note: %s", note)
	}
	if c.JSON {
		return writeJSON(p.stdout, result.Model.GetTraining())
	}
	return writeResult(p.stdout, result, c.Folds, file, c.Report)
}

func (c *trainCmd) read(p *process, schema *softmax.Signature, progress *trainProgress) (*dataset.Table, error) {
	source := dataset.Source{Path: c.Data, Query: c.Query, Labels: c.Labels}
	if c.Format != "auto" {
		source.Format = dataset.Format(c.Format)
	}
	if c.Data == "-" {
		source.In = interruptible(p.ctx, p.stdin)
		if isTerminal(p.stdin) {
			say(p.stderr, "reading the data from standard input; end with Ctrl-D")
		}
	}
	table, err := dataset.Load(p.ctx, source, dataset.Options{
		Label:       c.Label,
		Weight:      c.Weight,
		Drop:        c.Drop,
		Categorical: c.Categorical,
		Units:       c.Unit,
		Impute:      c.Impute == "median",
		RareBelow:   c.RareBelow,
		Other:       c.Other,
		Schema:      schema,
		Progress:    progress.reading,
	})
	var failure *dataset.Error
	switch {
	case !errors.As(err, &failure):
	case c.Label == "" && strings.HasPrefix(failure.Problem, "no label column"):
		return nil, fmt.Errorf("%w; --label names it", err)
	case strings.HasPrefix(failure.Problem, "the value is missing"):
		return nil, fmt.Errorf("%w (--impute median)", err)
	}
	return table, err
}
