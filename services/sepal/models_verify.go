package main

import (
	"errors"
	"fmt"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// modelsVerify is the verb models verify.
type modelsVerify struct {
	Version string `arg:"" optional:"" help:"Version, or label, to check; by default all of the model."`
	modelFlag
}

// Help returns what the help of the verb says beside its flags.
func (modelsVerify) Help() string {
	return `Examples:
  sepal models verify --registry models
  sepal models verify v1.1.0 --server localhost:50051

The exit code is 1 when a check fails. Nothing is changed. A version whose breaks were
forced, or which is older than the stable one, passes though it takes other rows; its check says so.`
}

// Run checks the version, or all.
func (c *modelsVerify) Run(p *process, m *modelsCmd) error {
	return m.use(p, func(r *registryClient) error {
		name, err := r.model(c.Model)
		if err != nil {
			return err
		}
		versions := []string{c.Version}
		if c.Version == "" {
			all, err := r.versions(name)
			if err != nil {
				return err
			}
			versions = versions[:0]
			for _, v := range all {
				versions = append(versions, v.GetVersion())
			}
		}
		failed := 0
		for _, version := range versions {
			response, err := r.VerifyVersion(r.ctx, name, version)
			if err != nil {
				return err
			}
			if !response.GetPassed() {
				failed++
			}
			if err := r.verified(response); err != nil {
				return err
			}
		}
		switch {
		case failed > 0 && len(versions) == 1:
			return errors.New("the version failed")
		case failed > 0:
			return fmt.Errorf("%d of %d versions failed", failed, len(versions))
		}
		return nil
	})
}

func (r *registryClient) verified(response *registryv1.VerifyVersionResponse) error {
	if r.json {
		return writeJSON(r.stdout, response)
	}
	return r.write(func(out *textTable) {
		out.line("%s %s", printable(response.GetModel()), printable(response.GetVersion()))
		for _, c := range response.GetChecks() {
			state := "ok"
			if !c.GetPassed() {
				state = "failed"
			}
			out.line("  %s\t%s\t%s", state, printable(c.GetName()), printableLine(c.GetDetail()))
		}
	})
}
