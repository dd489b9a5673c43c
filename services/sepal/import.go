package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/modelfile"
	"github.com/sepal-ml/sepal/services/modelfile/native"
	"github.com/sepal-ml/sepal/services/softmax"
)

// importCmd is the verb import.
type importCmd struct {
	Output string `short:"o" env:"SEPAL_IMPORT_OUTPUT" default:"model.binpb" help:"Where to write the model; .binpb is binary, .json is JSON."`
	foreignFile
}

// foreignFile says which model file of another tool to read, and what to make of it.
type foreignFile struct {
	File string `arg:"" env:"SEPAL_IMPORT_FILE" help:"Model file of another tool: an ONNX file, or a pickle or joblib dump of scikit-learn."`

	Name         string   `env:"SEPAL_IMPORT_NAME" placeholder:"NAME" help:"Name of the model; made of the file's by default."`
	ModelVersion string   `env:"SEPAL_IMPORT_VERSION" default:"v1.0.0" help:"Version of the model."`
	Features     []string `env:"SEPAL_IMPORT_FEATURES" placeholder:"NAME,..." help:"Names of the features, in order, in place of those of the file."`
	Classes      []string `env:"SEPAL_IMPORT_CLASSES" placeholder:"NAME,..." help:"Names of the classes, in order, in place of those of the file."`
}

// Help returns what the help of the verb says beside its flags.
func (importCmd) Help() string {
	return `Examples:
  sepal import model.pkl
  sepal import iris.onnx --classes setosa,versicolor,virginica -o iris.binpb
  sepal import pipeline.joblib --name fraud --model-version v2.1.0

Nothing in the file is run: what is not known is refused by name. Steps of a pipeline before the
classifier go into the weights, so that the model takes raw values. A server takes such a file
as it is, too (MODEL_PATH=model.pkl sepal serve); importing it shows what is in it, and names
features and classes.`
}

// AfterApply refuses an output that is no model file, and names that are none.
func (c *importCmd) AfterApply() error {
	if _, err := native.FormatOf(c.Output); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return c.settle()
}

// settle makes up the name where none is given, and refuses names that are none.
func (c *foreignFile) settle() error {
	if c.Name == "" {
		c.Name = native.NameOf(c.File)
	}
	if err := native.CheckName(c.Name); err != nil {
		return inFlags(err)
	}
	return inFlags(native.CheckVersion(c.ModelVersion))
}

// Run reads the file, says what it found, and writes the model.
func (c *importCmd) Run(p *process) error {
	file, size, err := c.read("import")
	if err != nil {
		return err
	}
	if err := writeOrigin(p.stdout, c.File, size, file); err != nil {
		return err
	}
	written, err := writeModel(p.ctx, file.Message, c.Output)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "model     %s %s in %s, %d bytes\ndigest    sha256:%x\n",
		c.Name, c.ModelVersion, written.path, written.bytes, written.digest)
	return err
}

// read returns the model of the file under the names asked for, and the size of the file. The verb
// is whose help explains names that do not fit.
func (c *foreignFile) read(verb string) (file *modelfile.File, size int, err error) {
	data, err := registry.ReadFile(c.File)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.File, err)
	}
	if file, err = modelfile.Decode(data); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.File, err)
	}
	if file.Origin == nil {
		return nil, 0, fmt.Errorf("%s: is one of Sepal's own model files already; see `sepal inspect`", c.File)
	}
	if err := c.rename(file); err != nil {
		return nil, 0, &usageError{verb: verb, err: err}
	}
	file.Identify(c.Name, c.ModelVersion)
	return file, len(data), nil
}

// rename gives features and classes the names asked for.
func (c *foreignFile) rename(file *modelfile.File) error {
	if len(c.Features) == 0 && len(c.Classes) == 0 {
		return nil
	}
	d := file.Model.Definition()
	features := d.Signature.Features()
	if n := len(c.Features); n > 0 {
		if n != len(features) {
			return fmt.Errorf("--features names %d features, expected %d", n, len(features))
		}
		for i, name := range c.Features {
			features[i].Name = name
		}
	}
	if n := len(c.Classes); n > 0 {
		if n != len(d.Classes) {
			return fmt.Errorf("--classes names %d classes, expected %d: %s", n, len(d.Classes), printable(strings.Join(d.Classes, ", ")))
		}
		d.Classes = c.Classes
	}
	var err error
	if d.Signature, err = softmax.NewSignature(features); err != nil {
		return fmt.Errorf("--features: %w", err)
	}
	model, err := softmax.NewModel(d)
	if err != nil {
		return fmt.Errorf("--classes: %w", err)
	}
	renamed := native.Define(model)
	renamed.GoldenRows = file.Message.GetGoldenRows()
	file.Message, file.Model = renamed, model
	return nil
}

// writeOrigin says what a foreign file is and what became of it.
func writeOrigin(w io.Writer, path string, bytes int, file *modelfile.File) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(out, "%s\t%s\n", label, printable(text))
		}
	}
	o := file.Origin
	line("file", fmt.Sprintf("%s, %d bytes, %s", path, bytes, o.Format))
	line("written", o.Library)
	line("holds", o.Estimator)
	for _, step := range o.Folded {
		line("folded", step)
	}
	names := make([]string, 0, file.Model.Signature().Len())
	for _, f := range file.Model.Signature().Features() {
		names = append(names, f.Name)
	}
	line("features", fmt.Sprintf("%d: %s", len(names), fewNames(names)))
	classes := file.Model.Definition().Classes
	line("classes", fmt.Sprintf("%d: %s", len(classes), fewNames(classes)))
	for _, note := range o.Notes {
		line("note", note)
	}
	return out.Flush()
}

// fewNames joins names, the first of them where they are many.
func fewNames(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
