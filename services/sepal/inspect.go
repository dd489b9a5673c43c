package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/registry/stores"
	"github.com/sepal-ml/sepal/services/softmax"
)

// inspectCmd is the verb inspect.
type inspectCmd struct {
	Path         string `arg:"" optional:"" env:"MODEL_PATH" help:"Model file or registry folder; the built-in iris model by default."`
	ModelVersion string `env:"MODEL_VERSION" placeholder:"VERSION" help:"Version to show of a folder, the served one by default; a single file shows the one that it states."`
	Model        string `env:"SEPAL_DEFAULT_MODEL" placeholder:"MODEL" help:"Model to show, where there are several."`
	JSON         bool   `name:"json" env:"SEPAL_JSON" help:"Print the whole model file as JSON."`
}

// Help returns what the help of the verb says beside its flags.
func (inspectCmd) Help() string {
	return `Examples:
  sepal inspect
  sepal inspect model.binpb
  sepal inspect --json model.binpb > model.json

A file is checked as a server would check it, so one that shows can be served; and so can what
--json writes.`
}

// Run shows what the file holds.
func (c *inspectCmd) Run(p *process) error {
	v, err := c.version(p.ctx)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if c.JSON {
		data, err := marshalJSON(v.File)
		if err != nil {
			return err
		}
		if err := json.Indent(&out, data, "", "  "); err != nil {
			return err
		}
		out.WriteByte('\n')
	} else if err := writeVersion(&out, v); err != nil {
		return err
	}
	_, err = out.WriteTo(p.stdout)
	return err
}

func (c *inspectCmd) version(ctx context.Context) (*registry.Version, error) {
	store, single, err := stores.Open(ctx, c.Path)
	if err != nil {
		return nil, err
	}
	models, err := registry.Open(ctx, store, registry.Options{SingleFile: single, Version: c.ModelVersion, DefaultModel: c.Model})
	if err != nil {
		return nil, err
	}
	return models.Current().Default(), nil
}

func writeVersion(w io.Writer, v *registry.Version) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "model\t%s %s\n", v.File.GetName(), v.File.GetVersion())
	fmt.Fprintf(out, "digest\tsha256:%s\n", v.Digest)
	fmt.Fprintf(out, "classes\t%s\n", strings.Join(printables(v.File.GetClasses()), ", "))
	if v.Compiled.Link() == softmax.LinkOneVsRest {
		fmt.Fprintln(out, "link\tone against the rest")
	}
	writeTraining(out, v.File)
	fmt.Fprintln(out)
	writeFeatures(out, v)
	return out.Flush()
}

// writeFeatures writes one line per encoded column, with its weight for each class.
func writeFeatures(out io.Writer, v *registry.Version) {
	classes, weights := v.File.GetClasses(), v.File.GetWeights()
	width := v.Compiled.Signature().Width()
	line := func(name, takes string, weight func(k int) float64) {
		fmt.Fprintf(out, "%s\t%s", printable(name), takes)
		for k := range classes {
			fmt.Fprintf(out, "\t%+.6g", weight(k)+0) // + 0: a zero has no sign
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "feature\ttakes\t%s\n", strings.Join(printables(classes), "\t"))
	column := 0
	for _, f := range v.File.GetSignature().GetFeatures() {
		columns := columnsOf(f)
		for i, name := range columns {
			takes := ""
			if i == 0 {
				takes = takesOf(f)
			}
			at := column + i
			line(name, takes, func(k int) float64 { return weights[k*width+at] })
		}
		column += len(columns)
	}
	line("(intercept)", "", func(k int) float64 { return v.File.GetIntercepts()[k] })
}

// columnsOf names the encoded columns of a feature.
func columnsOf(f *modelv1.Feature) []string {
	categories := f.GetCategorical().GetCategories()
	if len(categories) == 0 {
		return []string{f.GetName()}
	}
	names := make([]string, len(categories))
	for i, category := range categories {
		names[i] = f.GetName() + "=" + category
	}
	return names
}

// takesOf says which values a feature takes.
func takesOf(f *modelv1.Feature) string {
	if c := f.GetCategorical(); c != nil {
		text := strconv.Itoa(len(c.GetCategories())) + " categories"
		if c.Impute != nil {
			text += ", missing: " + printable(c.GetImpute())
		}
		if c.Other != nil {
			text += ", all else: " + printable(c.GetOther())
		}
		return text
	}
	n := f.GetNumeric()
	text := "number"
	if n.Min != nil {
		text = shortest(n.GetMin()) + " to " + shortest(n.GetMax())
	}
	if f.GetUnit() != "" {
		text += " " + printable(f.GetUnit())
	}
	if n.Impute != nil {
		text += ", missing: " + shortest(n.GetImpute())
	}
	return text
}
