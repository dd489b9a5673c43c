package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	sepal "github.com/sepal-ml/sepal/clients/go"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// modelsRollback is the verb models rollback.
type modelsRollback struct {
	Revision string `arg:"" optional:"" help:"Revision of the history to go back to; by default what there was before the present rollout."`
	modelFlag
	changeFlags

	to uint32 // 0: what there was before
}

// Help returns what the help of the verb says beside its flags.
func (modelsRollback) Help() string {
	return `Examples:
  sepal models rollback --server localhost:50051 -m "errors since noon"
  sepal models rollback 7 --registry models

Without a revision, called again it goes back further. What it leaves stays in the history, so a
rollback can be taken back too.`
}

// AfterApply reads the revision.
func (c *modelsRollback) AfterApply() error {
	text := strings.TrimSpace(c.Revision)
	if text == "" {
		return nil
	}
	revision, err := strconv.ParseUint(text, 10, 32)
	if err != nil || revision == 0 {
		return fmt.Errorf("found the revision %q, expected one of 1 or more, as sepal models history lists them, or none", text)
	}
	c.to = uint32(revision)
	return nil
}

// Run brings the rollout back.
func (c *modelsRollback) Run(p *process, m *modelsCmd) error {
	return m.use(p, func(r *registryClient) error {
		name, err := r.model(c.Model)
		if err != nil {
			return err
		}
		back, err := r.Rollback(r.ctx, &registryv1.RollbackRequest{
			Model: name, ToRevision: c.to, Actor: c.actor(), Reason: c.Reason,
		})
		if err != nil {
			return r.notBack(name, err)
		}
		return r.showChange(back, eventLine(name, back.GetEvent()), back.GetRollout())
	})
}

// notBack adds to the error of a rollback that there are other rollouts than the one before, where
// the history has some.
func (r *registryClient) notBack(model string, err error) error {
	nothing, _, _ := strings.Cut((&rollout.NothingError{}).Error(), ":")
	var e *sepal.Error
	if !errors.As(err, &e) || e.Code != connect.CodeFailedPrecondition || !strings.HasPrefix(e.Message, nothing) {
		return err
	}
	page, listErr := r.ListRolloutEvents(r.ctx, &registryv1.ListRolloutEventsRequest{Model: model, PageSize: 1000})
	if listErr != nil {
		return err // which says more
	}
	set := 0
	for _, event := range page.GetEvents() {
		if event.GetRollout().GetRevision() == event.GetRevision() {
			set++
		}
	}
	if set < 2 {
		return err
	}
	return &callError{text: e.Message + "; name one with `sepal models rollback REVISION`, `sepal models history` lists them", err: err}
}
