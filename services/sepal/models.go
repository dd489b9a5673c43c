package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/alecthomas/kong"

	sepal "github.com/sepal-ml/sepal/clients/go"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/modelfile"
	"github.com/sepal-ml/sepal/services/server"
)

// modelsCmd is the verb models: its own verbs look at a registry and change it.
type modelsCmd struct {
	Registry string `short:"r" env:"SEPAL_REGISTRY" placeholder:"PATH" help:"Registry to open: a folder that is there, or a bucket such as s3://models/prefix?region=eu-central-1."`
	Server   string `short:"s" env:"SEPAL_SERVER" placeholder:"HOST:PORT" help:"Server to ask in place of that, also a URL; what changes something it takes only on its own machine."`
	JSON     bool   `name:"json" env:"SEPAL_JSON" help:"Print what was answered as JSON, one response per line."`
	targetFlags

	List     modelsList     `cmd:"" help:"List the models and their versions."`
	Show     modelsShow     `cmd:"" help:"Show one version, or the rollout of a model."`
	Publish  modelsPublish  `cmd:"" help:"Add a version: a model file of Sepal's own."`
	Import   modelsImport   `cmd:"" help:"Add a version: a model file of another tool."`
	Promote  modelsPromote  `cmd:"" help:"Make a version the stable one."`
	Split    modelsSplit    `cmd:"" help:"Give versions a share of the requests."`
	Shadow   modelsShadow   `cmd:"" help:"Score versions beside what answers, and compare."`
	Label    modelsLabel    `cmd:"" help:"Name versions, so that requests may ask for the name."`
	Rollback modelsRollback `cmd:"" help:"Bring an earlier rollout back."`
	History  modelsHistory  `cmd:"" help:"List who changed what of a model, when and why."`
	Verify   modelsVerify   `cmd:"" help:"Read the files of versions again and check them."`
}

// Help returns what the help of the verb says beside its flags.
func (modelsCmd) Help() string {
	return `Examples:
  sepal models list --registry models
  sepal models publish model.binpb --registry models
  sepal models promote v1.1.0 --server localhost:50051 --reason "better on the tail"
  SEPAL_SERVER=localhost:50051 sepal models history
  sepal models list --server https://sepal.example.com --token-file token

Name a registry or a server. A server that runs on the same registry follows what is changed in
it, within a second or two.`
}

// modelFlag says which model a verb is about.
type modelFlag struct {
	Model string `env:"SEPAL_DEFAULT_MODEL" placeholder:"MODEL" help:"Model; the only one, or the server's default one, by default."`
}

// AfterApply refuses what says of no registry, or of two, that it is meant. A flag wins over the
// environment, so only flags contradict flags.
func (c *modelsCmd) AfterApply(parsed *kong.Context) error {
	const which = "--registry PATH (SEPAL_REGISTRY) or --server HOST:PORT (SEPAL_SERVER)"
	if c.Registry == "" && c.Server == "" {
		return errors.New("name the registry to work on: " + which)
	}
	if c.Registry != "" && c.Server != "" {
		switch remote, local := given(parsed, "server"), given(parsed, "registry"); {
		case remote == local:
			return errors.New("expected " + which + ", not both")
		case remote:
			c.Registry = ""
		case local:
			c.Server = ""
		}
	}
	var err error
	c.Server, err = c.settle(parsed, c.Server)
	return err
}

// Calls of a registry take their time where it is a bucket, and a message holds a whole model.
const (
	registryTimeout  = time.Minute
	registryMaxBytes = modelfile.MaxBytes + 1<<20
)

// registryClient calls RegistryService, of a server or of a registry opened in this process.
type registryClient struct {
	*sepal.Client
	*process
	server string // empty: in this process
	json   bool
	log    *lastError
}

// use calls do with a client, and says what failed in the words of the command line.
func (c *modelsCmd) use(p *process, do func(*registryClient) error) error {
	client := &registryClient{process: p, server: c.Server, json: c.JSON, log: new(lastError)}
	options := []sepal.Option{sepal.WithTimeout(registryTimeout), sepal.WithMaxMessageBytes(registryMaxBytes)}
	var hangUp func()
	var err error
	if c.Server != "" {
		if client.Client, err = c.dial(p.ctx, "models", c.Server, options...); err != nil {
			return err
		}
		hangUp = client.Close
	} else if client.Client, hangUp, err = dialRegistry(p, c.Registry, client.log, options); err != nil {
		return err
	}
	defer hangUp()
	return client.failed(do(client))
}

// dialRegistry serves a registry within this process, whatever its state.
func dialRegistry(p *process, registry string, log *lastError, options []sepal.Option) (*sepal.Client, func(), error) {
	if !strings.Contains(registry, "://") {
		// An empty path is the built-in registry elsewhere; here it is what somebody mistyped.
		if _, err := os.Stat(registry); errors.Is(err, os.ErrNotExist) {
			return nil, nil, fmt.Errorf("%s: no such registry; make the folder first, and publish into it", registry)
		}
	}
	o := server.DefaultOptions()
	o.ModelPath, o.Repair, o.PollInterval = registry, true, 0
	o.Logger = log.logger()
	client, hangUp, err := dialLocal(p.ctx, o, options...)
	if err != nil {
		return nil, nil, errors.New(strings.ReplaceAll(err.Error(), "MODEL_PATH", "--registry"))
	}
	return client, hangUp, nil
}

// model returns the name of the model that a verb is about.
func (r *registryClient) model(name string) (string, error) {
	response, err := r.GetModel(r.ctx, name)
	if err == nil {
		return response.GetModel().GetName(), nil
	}
	var e *sepal.Error
	if name != "" || !errors.As(err, &e) || e.Code != connect.CodeNotFound {
		return "", err
	}
	models, listErr := r.models()
	if listErr != nil || len(models) == 0 {
		return "", err
	}
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.GetName()
	}
	return "", fmt.Errorf("there are several models and none is the default one; name one with --model: %s", fewNames(names))
}

// models returns all models.
func (r *registryClient) models() ([]*registryv1.RegisteredModel, error) {
	return gather(func(token string) ([]*registryv1.RegisteredModel, string, error) {
		page, err := r.ListModels(r.ctx, &registryv1.ListModelsRequest{PageToken: token})
		return page.GetModels(), page.GetNextPageToken(), err
	})
}

// versions returns all versions of a model, the newest first.
func (r *registryClient) versions(model string) ([]*registryv1.ModelVersion, error) {
	return gather(func(token string) ([]*registryv1.ModelVersion, string, error) {
		page, err := r.ListVersions(r.ctx, &registryv1.ListVersionsRequest{Model: model, PageToken: token})
		return page.GetVersions(), page.GetNextPageToken(), err
	})
}

// gather returns the elements of all pages, from the first one, whose token is empty.
func gather[T any](page func(token string) (part []T, next string, err error)) ([]T, error) {
	var all []T
	for token := ""; ; {
		part, next, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
		if next == "" || next == token {
			return all, nil
		}
		token = next
	}
}
