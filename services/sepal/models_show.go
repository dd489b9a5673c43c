package main

import (
	"fmt"
	"strings"

	modelv1 "github.com/sepal-ml/sepal/gen/go/sepal/model/v1"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// modelsShow is the verb models show.
type modelsShow struct {
	Version string `arg:"" optional:"" help:"Version, or label, to show; by default the rollout of the model."`
	modelFlag
}

// Help returns what the help of the verb says beside its flags.
func (modelsShow) Help() string {
	return `Examples:
  sepal models show --server localhost:50051
  sepal models show v1.1.0 --registry models --model iris

Of shadows, a server says how they agree with what it answered: on how many rows, how often on the
same class, and how far their probabilities of the class answered are apart, on average and at
most. A registry knows of no answers.`
}

// Run shows the version, or the rollout.
func (c *modelsShow) Run(p *process, m *modelsCmd) error {
	return m.use(p, func(r *registryClient) error {
		name, err := r.model(c.Model)
		if err != nil {
			return err
		}
		model, err := r.GetModel(r.ctx, name)
		if err != nil {
			return err
		}
		if c.Version == "" {
			return r.showModel(model)
		}
		version, err := r.GetVersion(r.ctx, name, c.Version)
		if err != nil {
			return err
		}
		if r.json {
			return writeJSON(r.stdout, version)
		}
		return r.write(func(out *textTable) { out.version(version.GetVersion(), model.GetModel().GetRollout()) })
	})
}

func (r *registryClient) showModel(response *registryv1.GetModelResponse) error {
	model := response.GetModel()
	rollout, err := r.GetRollout(r.ctx, model.GetName())
	if err != nil {
		return err
	}
	var versions []*registryv1.ModelVersion
	if model.GetFailedVersions() > 0 && !r.json {
		if versions, err = r.versions(model.GetName()); err != nil {
			return err
		}
	}
	if r.json {
		if err := writeJSON(r.stdout, response); err != nil {
			return err
		}
		return writeJSON(r.stdout, rollout)
	}
	rollout.Problem = "" // one of the model's
	return r.write(func(out *textTable) {
		name := printable(model.GetName())
		if model.GetIsDefault() {
			name += ", the default model"
		}
		set := "nobody set one, the newest release answers"
		if rollout.GetRollout().GetStable() == "" {
			set = "none can be followed"
		} else if revision := rollout.GetRollout().GetRevision(); revision > 0 {
			set = fmt.Sprintf("revision %d", revision)
		}
		out.line("model\t%s", name)
		out.line("versions\t%d loaded, %d failed", model.GetLoadedVersions(), model.GetFailedVersions())
		out.line("rollout\t%s", set)
		out.line("")
		out.rollout(rollout)
		out.agreements(rollout, r.server != "")
		out.problems(model, versions)
	})
}

// version writes all that is known of a version.
func (t *textTable) version(v *registryv1.ModelVersion, r *registryv1.Rollout) {
	t.line("model\t%s %s", printable(v.GetModel()), printable(v.GetVersion()))
	if v.GetState() == registryv1.VersionState_VERSION_STATE_FAILED {
		t.line("state\tfailed: %s", printableLine(v.GetReason()))
		return
	}
	t.line("state\tloaded")
	t.line("serves as\t%s", rolesOf(v.GetVersion(), r))
	t.line("file\t%d bytes, written %s UTC", v.GetSizeBytes(), moment(v.GetModifiedTime()))
	t.line("digest\tsha256:%s", printable(v.GetDigest()))
	t.line("classes\t%s", strings.Join(printables(v.GetClasses()), ", "))
	writeTraining(t, &modelv1.Model{Training: v.GetTraining()})
	t.line("")
	t.line("feature\ttakes")
	for _, f := range v.GetSignature().GetFeatures() {
		t.line("%s\t%s", printable(f.GetName()), takesOf(f))
	}
	if v.GetReason() != "" {
		t.line("")
		t.problem(v.GetReason())
	}
}
