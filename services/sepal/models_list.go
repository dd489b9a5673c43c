package main

import (
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// modelsList is the verb models list.
type modelsList struct {
	Model string `env:"SEPAL_LIST_MODEL" placeholder:"MODEL" help:"List this model only."`
}

// Help returns what the help of the verb says beside its flags.
func (modelsList) Help() string {
	return `Examples:
  sepal models list --registry models
  sepal models list --server localhost:50051 --model iris
  sepal models list --server localhost:50051 --json`
}

// Run lists the models, each with its versions.
func (c *modelsList) Run(p *process, m *modelsCmd) error {
	return m.use(p, func(r *registryClient) error {
		models, err := c.models(r)
		if err != nil {
			return err
		}
		if r.json {
			if err := writeJSON(r.stdout, &registryv1.ListModelsResponse{Models: models}); err != nil {
				return err
			}
		} else if len(models) == 0 {
			return r.write(func(out *textTable) { out.line("there is no model here yet; publish one") })
		}
		for i, model := range models {
			if i > 0 && !r.json {
				if err := r.write(func(out *textTable) { out.line("") }); err != nil {
					return err
				}
			}
			if err := r.list(model); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *modelsList) models(r *registryClient) ([]*registryv1.RegisteredModel, error) {
	if c.Model == "" {
		return r.models()
	}
	response, err := r.GetModel(r.ctx, c.Model)
	if err != nil {
		return nil, err
	}
	return []*registryv1.RegisteredModel{response.GetModel()}, nil
}

// list lists the versions of a model.
func (r *registryClient) list(model *registryv1.RegisteredModel) error {
	versions, err := r.versions(model.GetName())
	if err != nil {
		return err
	}
	if r.json {
		return writeJSON(r.stdout, &registryv1.ListVersionsResponse{Versions: versions})
	}
	return r.write(func(out *textTable) {
		name := printable(model.GetName())
		if model.GetIsDefault() {
			name += ", the default model"
		}
		out.line("%s", name)
		out.line("")
		out.line("version\tserves as\taccuracy\tdigest\twritten (UTC)")
		for _, v := range versions {
			if v.GetState() == registryv1.VersionState_VERSION_STATE_FAILED {
				out.line("%s\tfailed\t-\t-\t-", printable(v.GetVersion()))
				continue
			}
			out.line("%s\t%s\t%s\t%s\t%s", printable(v.GetVersion()), rolesOf(v.GetVersion(), model.GetRollout()),
				accuracyOf(v), shortDigest(v.GetDigest()), moment(v.GetModifiedTime()))
		}
		out.problems(model, versions)
	})
}

// problems says what of a model is not in force, and which versions could not be loaded and why.
func (t *textTable) problems(model *registryv1.RegisteredModel, versions []*registryv1.ModelVersion) {
	var texts []string
	said := map[string]bool{}
	for _, v := range versions {
		if v.GetState() == registryv1.VersionState_VERSION_STATE_FAILED {
			texts = append(texts, v.GetVersion()+" could not be loaded: "+v.GetReason())
			said[v.GetReason()] = true
		}
	}
	for _, problem := range model.GetProblems() {
		if !said[problem] {
			texts = append(texts, problem)
		}
	}
	if len(texts) > 0 {
		t.line("")
	}
	for _, text := range texts {
		t.problem(text)
	}
}
