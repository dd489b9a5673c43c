package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
	"github.com/sepal-ml/sepal/services/trainer"
)

// options returns what the flags say to the trainer; but for the schema, which is a file.
func (c *trainCmd) options() (trainer.Options, error) {
	name := c.Name
	if name == "" {
		name = nameOfData(c.Data)
	}
	o := trainer.Options{
		Name:          name,
		Version:       c.ModelVersion,
		C:             c.C,
		Standardise:   c.Standardise,
		Calibrate:     c.Calibrate,
		NoIntercept:   c.NoIntercept,
		Tolerance:     c.Tolerance,
		MaxIterations: c.MaxIterations,
		Workers:       c.Workers,
		Float32:       c.Float32,
		HoldOut:       c.HoldOut,
		Folds:         c.Folds,
		Seed:          c.Seed,
	}
	if c.RareBelow < 0 {
		return o, fmt.Errorf("--rare-below is %d, expected at least 0", c.RareBelow)
	}
	if err := c.penalise(&o); err != nil {
		return o, err
	}
	switch {
	case c.Tune && len(c.CGrid) > 0:
		o.Grid = c.CGrid
	case c.Tune:
		o.Grid = trainer.DefaultGrid()
	case len(c.CGrid) > 0:
		return o, errors.New("--c-grid is for --tune, which is not given")
	}
	return o, c.weighClasses(&o)
}

// nameOfData makes the name of a model of where its data are; of a database, without what may be
// secret.
func nameOfData(data string) string {
	_, address, remote := strings.Cut(data, "://")
	if !remote {
		return native.NameOf(strings.TrimPrefix(data, "sqlite:"))
	}
	address, _, _ = strings.Cut(address[strings.LastIndexByte(address, '@')+1:], "?")
	_, database, _ := strings.Cut(address, "/")
	return native.NameOf(database)
}

func (c *trainCmd) penalise(o *trainer.Options) error {
	if c.L1Ratio != nil && c.Penalty != "elasticnet" {
		return fmt.Errorf("--l1-ratio is for --penalty elasticnet, not %s", c.Penalty)
	}
	switch c.Penalty {
	case "none":
		o.Unpenalised = true
		if c.Standardise {
			return errors.New("--standardise says what is penalised, and with --penalty none nothing is")
		}
	case "l1":
		o.L1Ratio = 1
	case "elasticnet":
		if c.L1Ratio == nil {
			return errors.New("--penalty elasticnet needs --l1-ratio, from 0 to 1")
		}
		o.L1Ratio = *c.L1Ratio
	}
	return nil
}

func (c *trainCmd) weighClasses(o *trainer.Options) error {
	for _, item := range c.ClassWeight {
		if item == "balanced" && len(c.ClassWeight) == 1 {
			o.Balanced = true
			return nil
		}
		at := strings.LastIndexByte(item, '=')
		if at < 0 {
			return fmt.Errorf("--class-weight %q is not CLASS=WEIGHT, and balanced stands alone", item)
		}
		class, weight := item[:at], item[at+1:]
		value, err := strconv.ParseFloat(weight, 64)
		if err != nil {
			return fmt.Errorf("--class-weight gives %q the weight %q, expected a number", class, weight)
		}
		if _, twice := o.ClassWeights[class]; twice {
			return fmt.Errorf("--class-weight has %q twice", class)
		}
		if o.ClassWeights == nil {
			o.ClassWeights = make(map[string]float64)
		}
		o.ClassWeights[class] = value
	}
	return nil
}

// trainFlag returns the flag behind an option of the trainer.
func trainFlag(option string) string {
	switch option {
	case "Grid":
		return "--c-grid"
	case "L1Ratio":
		return "--l1-ratio"
	case "ClassWeights":
		return "--class-weight"
	case "MaxIterations":
		return "--max-iterations"
	case "HoldOut":
		return "--hold-out"
	default: // C, Tolerance, Workers, Folds
		return "--" + strings.ToLower(option)
	}
}

// inFlags puts an error of the trainer in the words of the command line.
func inFlags(err error) error {
	var option *trainer.OptionError
	var format *native.FormatError
	var unconverged *softmax.NotConvergedError
	switch {
	case errors.As(err, &option) && option.Option == "Grid" && strings.HasPrefix(option.Problem, "is given"):
		return errors.New("--tune chooses C, and with --penalty none there is no penalty to choose")
	case errors.As(err, &option):
		return fmt.Errorf("%s %s", trainFlag(option.Option), option.Problem)
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
