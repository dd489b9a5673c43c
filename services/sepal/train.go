package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
	"github.com/sepal-ml/sepal/services/internal/dataset"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
	"github.com/sepal-ml/sepal/services/trainer"
)

// trainCmd is the verb train.
type trainCmd struct {
	Data string `arg:"" env:"SEPAL_TRAIN_DATA" help:"CSV file with a header, - for standard input. A column of numbers is a number, any other a category."`

	Label       string            `required:"" env:"SEPAL_TRAIN_LABEL" placeholder:"COLUMN" help:"Column that holds the class of each row."`
	Drop        []string          `env:"SEPAL_TRAIN_DROP" placeholder:"COLUMN" help:"Columns to leave out, such as identifiers."`
	Categorical []string          `env:"SEPAL_TRAIN_CATEGORICAL" placeholder:"COLUMN" help:"Columns of numbers to take as categories, such as codes."`
	Unit        map[string]string `env:"SEPAL_TRAIN_UNIT" mapsep:"," placeholder:"COLUMN=UNIT" help:"Units of columns, for people to read."`
	Impute      string            `env:"SEPAL_TRAIN_IMPUTE" default:"none" enum:"none,median" help:"What stands in for missing values, in training and in serving: ${enum}; of categories, median is the most frequent. With none, a missing value is an error."`

	Output       string `short:"o" env:"SEPAL_TRAIN_OUTPUT" default:"model.binpb" placeholder:"FILE" help:"Model file to write, .binpb or .json; one that exists is replaced (${default})."`
	Name         string `env:"SEPAL_TRAIN_NAME" placeholder:"NAME" help:"Name of the model; made from that of the data file by default."`
	ModelVersion string `env:"SEPAL_TRAIN_VERSION" default:"${train_version}" placeholder:"VERSION" help:"Version of the model (${default})."`

	C             float64 `name:"c" env:"SEPAL_TRAIN_C" default:"${train_c}" help:"Inverse regularisation strength: the larger, the freer the weights."`
	NoIntercept   bool    `env:"SEPAL_TRAIN_NO_INTERCEPT" help:"Fix the intercepts at 0."`
	HoldOut       float64 `env:"SEPAL_TRAIN_HOLD_OUT" default:"${train_hold_out}" help:"Share of the rows to evaluate on rows not trained on; 0 is none."`
	Folds         int     `env:"SEPAL_TRAIN_FOLDS" default:"${train_folds}" help:"Folds of the cross-validation; 0 is none."`
	Seed          uint32  `env:"SEPAL_TRAIN_SEED" default:"${train_seed}" help:"Seed of the choice of rows to hold out and of the folds."`
	MaxIterations int     `env:"SEPAL_TRAIN_MAX_ITERATIONS" default:"${train_max_iterations}" help:"Most iterations of a fit; 0 is the solver's own limit."`
	Tolerance     float64 `env:"SEPAL_TRAIN_TOLERANCE" default:"${train_tolerance}" help:"How small the gradient must become, relative to the data; 0 is the solver's own tolerance."`

	JSON bool `name:"json" env:"SEPAL_TRAIN_JSON" help:"Print the training report as JSON."`
}

// Help returns what the help of the verb says beside its flags.
func (trainCmd) Help() string {
	return `Examples:
  sepal train flowers.csv --label species
  sepal train loans.csv --label repaid --drop id,date --impute median --c 0.1 \
    --name loan --model-version v1.2.0 --output loan.json
  zcat big.csv.gz | sepal train - --label y --folds 0 --json

The classifier is evaluated on rows that it was not trained on, then trained on all. The same
data and flags give the same file. A model file holds a few rows of the data, for servers to
check themselves with.`
}

// AfterApply refuses what could only fail after the data are read.
func (c *trainCmd) AfterApply() error {
	if _, err := native.FormatOf(c.Output); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	o := c.options()
	return inFlags(o.Check())
}

// Run trains a model, writes its file and says how it does.
func (c *trainCmd) Run(p *process) error {
	if err := atomicfile.Check(c.Output); err != nil {
		return err
	}
	table, err := c.read(p)
	if err != nil {
		return err
	}
	for _, warning := range table.Warnings {
		say(p.stderr, "warning: %v", warning)
	}
	if !c.JSON {
		if err := writeTable(p.stdout, table); err != nil {
			return err
		}
	}
	o := c.options()
	progress := newTrainProgress(p)
	o.Progress = progress.show
	result, err := trainer.Train(p.ctx, o, table)
	progress.clear()
	if err != nil {
		return inFlags(err)
	}
	file, err := writeModel(p.ctx, result.Model, c.Output)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(p.stdout, result.Model.GetTraining())
	}
	return writeResult(p.stdout, result, c.Folds, file)
}

func (c *trainCmd) options() trainer.Options {
	name := c.Name
	if name == "" {
		name = native.NameOf(c.Data)
	}
	return trainer.Options{
		Name:          name,
		Version:       c.ModelVersion,
		C:             c.C,
		NoIntercept:   c.NoIntercept,
		Tolerance:     c.Tolerance,
		MaxIterations: c.MaxIterations,
		HoldOut:       c.HoldOut,
		Folds:         c.Folds,
		Seed:          c.Seed,
	}
}

func (c *trainCmd) read(p *process) (*dataset.Table, error) {
	in, path := p.stdin, "standard input"
	if c.Data != "-" {
		file, err := os.Open(c.Data)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		in, path = file, c.Data
	} else if isTerminal(p.stdin) {
		say(p.stderr, "reading CSV with a header from standard input; end with Ctrl-D")
	}
	return dataset.Read(p.ctx, interruptible(p.ctx, in), path, dataset.Options{
		Label:       c.Label,
		Drop:        c.Drop,
		Categorical: c.Categorical,
		Units:       c.Unit,
		Impute:      c.Impute == "median",
	})
}

// inFlags puts an error of the trainer in the words of the command line.
func inFlags(err error) error {
	var option *trainer.OptionError
	var format *native.FormatError
	var unconverged *softmax.NotConvergedError
	switch {
	case errors.As(err, &option):
		flags := map[string]string{
			"C": "--c", "Tolerance": "--tolerance", "MaxIterations": "--max-iterations", "HoldOut": "--hold-out", "Folds": "--folds",
		}
		return fmt.Errorf("%s %s", flags[option.Option], option.Problem)
	case errors.As(err, &format) && format.Field == "version":
		return fmt.Errorf("--model-version %s", format.Problem)
	case errors.As(err, &format):
		return fmt.Errorf("--%s %s", format.Field, format.Problem)
	case errors.As(err, &unconverged) && unconverged.Cause == nil:
		return fmt.Errorf("%w (--max-iterations, --tolerance); no model was written", err)
	case errors.As(err, &unconverged):
		return fmt.Errorf("%w (--tolerance); no model was written", err)
	}
	return err
}
