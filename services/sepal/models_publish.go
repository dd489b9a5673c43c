package main

import (
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// modelsPublish is the verb models publish.
type modelsPublish struct {
	File string `arg:"" help:"Model file of Sepal's own, as sepal train writes it."`

	Name         string `env:"SEPAL_PUBLISH_NAME" placeholder:"NAME" help:"Publish it as this model; as the one that the file states by default."`
	ModelVersion string `env:"SEPAL_PUBLISH_VERSION" placeholder:"VERSION" help:"Publish it as this version; as the one that the file states by default."`
	forceFlag
	changeFlags
}

// forceFlag lets a version be published that breaks the signature of the stable one.
type forceFlag struct {
	Force bool `env:"SEPAL_PUBLISH_FORCE" help:"Publish it though it breaks the signature of the stable version, which the history then says, or is a second model where the only one is the default one."`
}

// Help returns what the help of the verb says beside its flags.
func (modelsPublish) Help() string {
	return `Examples:
  sepal models publish model.binpb --registry models
  sepal models publish model.binpb --model-version v1.1.0 --server localhost:50051
  sepal models publish model.json --registry models -m "trained on May"

A new version gets no requests until the rollout names it (sepal models split, sepal models
promote), unless it is the first of its model. Versions never change, so each has its own name.
A version that would fail callers of the stable one is refused: it lacks a feature or a class,
say, or has them in another order.`
}

// AfterApply refuses names that are none.
func (c *modelsPublish) AfterApply() error {
	if c.Name != "" {
		if err := native.CheckName(c.Name); err != nil {
			return inFlags(err)
		}
	}
	if c.ModelVersion != "" {
		return inFlags(native.CheckVersion(c.ModelVersion))
	}
	return nil
}

// Run reads the file and publishes it.
func (c *modelsPublish) Run(p *process, m *modelsCmd) error {
	data, err := registry.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if data, err = c.renamed(data); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return m.use(p, func(r *registryClient) error { return r.publish(c.File, data, c.Force, c.changeFlags) })
}

// renamed returns the bytes of the file under the model and version asked for. Whether the rest
// of it can be published is for the registry to say.
func (c *modelsPublish) renamed(data []byte) ([]byte, error) {
	if c.Name == "" && c.ModelVersion == "" {
		return data, nil
	}
	model, _, err := native.Decode(data)
	if err != nil {
		return nil, err
	}
	if c.Name != "" {
		model.Name = c.Name
	}
	if c.ModelVersion != "" {
		model.Version = c.ModelVersion
	}
	format := native.Binary
	if data[0] == '{' {
		format = native.JSON
	}
	return native.Encode(model, format)
}

// publish adds the version that a file holds, and shows what came of it.
func (r *registryClient) publish(path string, file []byte, force bool, flags changeFlags) error {
	published, err := r.PublishVersion(r.ctx, &registryv1.PublishVersionRequest{
		File: file, Force: force, Actor: flags.actor(), Reason: flags.Reason,
	})
	if err != nil {
		return r.notPublished(path, err)
	}
	if r.json {
		return writeJSON(r.stdout, published)
	}
	v := published.GetVersion()
	rollout, err := r.GetRollout(r.ctx, v.GetModel())
	if err != nil {
		return err
	}
	return r.write(func(out *textTable) {
		out.line("%s", eventLine(v.GetModel(), published.GetEvent()))
		for _, b := range published.GetEvent().GetBreaks() {
			out.line("  %s: %s", printable(b.GetField()), printable(b.GetDescription()))
		}
		out.line("digest sha256:%s", printable(v.GetDigest()))
		out.line("")
		out.rollout(rollout)
	})
}

// notPublished says why a file was not published: one line for each break, where it is that.
func (r *registryClient) notPublished(path string, err error) error {
	var e *sepal.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == connect.CodeFailedPrecondition && len(e.Preconditions) > 0:
		for _, v := range e.Preconditions {
			if _, err := fmt.Fprintln(r.stderr, printableLine(v.String())); err != nil {
				return err
			}
		}
		return fmt.Errorf("%s: not published, since it breaks the signature of the stable version as said; "+
			"publish it as another model (--name), or with --force, which puts that on record", path)
	case e.Code == connect.CodeFailedPrecondition:
		if text, forced := strings.CutSuffix(e.Message, "force it"); forced {
			return &callError{text: text + "publish it with --force", err: err}
		}
	case e.Code == connect.CodeAlreadyExists:
		return &callError{text: e.Message + " (--model-version)", err: err}
	case e.Code == connect.CodeInvalidArgument && len(e.Violations) == 1 && e.Violations[0].Field == "file":
		return &callError{text: path + ": " + e.Violations[0].Description, err: err}
	}
	return err
}

// modelsImport is the verb models import.
type modelsImport struct {
	foreignFile
	forceFlag
	changeFlags
}

// Help returns what the help of the verb says beside its flags.
func (modelsImport) Help() string {
	return `Examples:
  sepal models import model.pkl --name iris --registry models
  sepal models import iris.onnx --classes setosa,versicolor,virginica --model-version v1.1.0 \
    --server localhost:50051

What sepal import writes, published as sepal models publish does. See the help of both.`
}

// AfterApply refuses names that are none.
func (c *modelsImport) AfterApply() error { return c.settle() }

// Run reads the file, says what it found, and publishes it.
func (c *modelsImport) Run(p *process, m *modelsCmd) error {
	file, size, err := c.read("models import")
	if err != nil {
		return err
	}
	data, err := native.Encode(file.Message, native.Binary)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return m.use(p, func(r *registryClient) error {
		if !r.json {
			if err := writeOrigin(r.stdout, c.File, size, file); err != nil {
				return err
			}
		}
		return r.publish(c.File, data, c.Force, c.changeFlags)
	})
}
