package main

import (
	"fmt"
	"os"
	"os/user"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// changeFlags say who makes a change and why.
type changeFlags struct {
	Reason string `short:"m" env:"SEPAL_REASON" placeholder:"TEXT" help:"Why, for the history."`
	Actor  string `env:"SEPAL_ACTOR" placeholder:"NAME" help:"Who, for the history; user@host by default."`
}

func (c changeFlags) actor() string {
	if c.Actor != "" {
		return c.Actor
	}
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// change reads a rollout, edits it, sets it and shows it. The error says so where somebody else
// set it meanwhile.
func (r *registryClient) change(model string, flags changeFlags, edit rolloutEdit) error {
	name, err := r.model(model)
	if err != nil {
		return err
	}
	now, err := r.GetRollout(r.ctx, name)
	if err != nil {
		return err
	}
	present := now.GetRollout()
	wanted, err := edit(present)
	if err != nil {
		return err
	}
	if proto.Equal(wanted, present) && present.GetRevision() > 0 && now.GetProblem() == "" {
		// Set again, it would be what a rollback goes back to.
		return r.showChange(&registryv1.SetRolloutResponse{Rollout: present}, "nothing changes: the rollout is so already", present)
	}
	if err := r.warn(present, wanted); err != nil {
		return err
	}
	set, err := r.SetRollout(r.ctx, &registryv1.SetRolloutRequest{Rollout: wanted, Actor: flags.actor(), Reason: flags.Reason})
	if err != nil {
		return err
	}
	return r.showChange(set, eventLine(name, set.GetEvent()), set.GetRollout())
}

// showChange writes what changed, and the rollout after it.
func (r *registryClient) showChange(response proto.Message, line string, after *registryv1.Rollout) error {
	if r.json {
		return writeJSON(r.stdout, response)
	}
	now, err := r.GetRollout(r.ctx, after.GetModel())
	if err != nil {
		return err
	}
	now.Rollout = after
	return r.write(func(out *textTable) {
		out.line("%s", line)
		out.line("")
		out.rollout(now)
	})
}

func eventLine(model string, e *registryv1.RolloutEvent) string {
	return fmt.Sprintf("%s, revision %d: %s", printable(model), e.GetRevision(), printable(e.GetSummary()))
}

// modelsPromote is the verb models promote.
type modelsPromote struct {
	Version string `arg:"" help:"Version, or label, to answer where no variant does."`
	modelFlag
	changeFlags
}

// Help returns what the help of the verb says beside its flags.
func (modelsPromote) Help() string {
	return `Examples:
  sepal models promote v1.1.0 --registry models
  sepal models promote v1.1.0 --server localhost:50051 -m "won the test of May"

Variants of this version end, since it answers by itself now; the others keep their share. Where it
does not take the rows of the version that was stable, a warning says how.`
}

// Run makes the version the stable one.
func (c *modelsPromote) Run(p *process, m *modelsCmd) error {
	return m.use(p, func(r *registryClient) error { return r.change(c.Model, c.changeFlags, promoted(c.Version)) })
}

// modelsSplit is the verb models split.
type modelsSplit struct {
	Shares []string `arg:"" optional:"" name:"version=percent" help:"Share of a version, such as v1.1.0=5 or v1.1.0=0.25%; 0 for those only who ask for it. canary:v1.1.0=5 names the variant."`

	Remove []string `env:"SEPAL_SPLIT_REMOVE" placeholder:"NAME" help:"Variants to end; one without a name has that of its version."`
	Clear  bool     `env:"SEPAL_SPLIT_CLEAR" help:"End all other variants."`
	modelFlag
	changeFlags
}

// Help returns what the help of the verb says beside its flags.
func (modelsSplit) Help() string {
	return `Examples:
  sepal models split v1.1.0=5 --registry models
  sepal models split canary:v1.1.0=10 v1.2.0=0 --server localhost:50051
  sepal models split --remove canary --server localhost:50051

The stable version gets what the variants leave. Variants that are not named keep their share. A
subject that got a variant still gets it when its share grows.`
}

// Run changes the shares.
func (c *modelsSplit) Run(p *process, m *modelsCmd) error {
	s := split{clear: c.Clear, remove: c.Remove}
	for _, text := range c.Shares {
		share, err := shareOf(text)
		if err != nil {
			return &usageError{verb: "models split", err: err}
		}
		s.shares = append(s.shares, share)
	}
	if err := s.check(); err != nil {
		return &usageError{verb: "models split", err: err}
	}
	return m.use(p, func(r *registryClient) error { return r.change(c.Model, c.changeFlags, s.edit) })
}

// modelsShadow is the verb models shadow.
type modelsShadow struct {
	Versions []string `arg:"" optional:"" name:"version" help:"Version, or label, to score beside what answers."`

	Off   []string `env:"SEPAL_SHADOW_OFF" placeholder:"VERSION" help:"Versions to score no more."`
	Clear bool     `env:"SEPAL_SHADOW_CLEAR" help:"Score no other versions any more."`
	modelFlag
	changeFlags
}

// Help returns what the help of the verb says beside its flags.
func (modelsShadow) Help() string {
	return `Examples:
  sepal models shadow v1.1.0 --registry models
  sepal models shadow --off v1.1.0 --server localhost:50051
  sepal models show --server localhost:50051

A shadow scores the rows that the rollout assigns, and nobody gets its answer. Each server counts
how often both predicted the same class, from when the version became a shadow. Rows that ask for
a version by its name are not compared, such as those of a CSV that sepal predict sends without
--subject-id.`
}

// Run changes the shadows.
func (c *modelsShadow) Run(p *process, m *modelsCmd) error {
	s := shadowed{clear: c.Clear, off: c.Off, on: c.Versions}
	if err := s.check(); err != nil {
		return &usageError{verb: "models shadow", err: err}
	}
	return m.use(p, func(r *registryClient) error { return r.change(c.Model, c.changeFlags, s.edit) })
}

// modelsLabel is the verb models label.
type modelsLabel struct {
	Labels []string `arg:"" optional:"" name:"name=version" help:"Label and the version that it stands for, such as champion=v1.0.0."`

	Remove []string `env:"SEPAL_LABEL_REMOVE" placeholder:"NAME" help:"Labels to take away."`
	modelFlag
	changeFlags
}

// Help returns what the help of the verb says beside its flags.
func (modelsLabel) Help() string {
	return `Examples:
  sepal models label champion=v1.0.0 challenger=v1.1.0 --registry models
  sepal models label --remove challenger --server localhost:50051
  sepal predict 5.1 3.5 1.4 0.2 --server localhost:50051 --model-version champion`
}

// Run changes the labels.
func (c *modelsLabel) Run(p *process, m *modelsCmd) error {
	labels, err := labelsOf(c.Labels)
	l := labelled{remove: c.Remove, set: labels}
	if err == nil {
		err = l.check()
	}
	if err != nil {
		return &usageError{verb: "models label", err: err}
	}
	return m.use(p, func(r *registryClient) error { return r.change(c.Model, c.changeFlags, l.edit) })
}
