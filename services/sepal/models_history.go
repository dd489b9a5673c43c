package main

import (
	"fmt"
	"net/netip"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// modelsHistory is the verb models history.
type modelsHistory struct {
	Limit uint32 `short:"n" env:"SEPAL_HISTORY_LIMIT" placeholder:"N" help:"List only the N latest changes; 0 is all."`
	modelFlag
}

// Help returns what the help of the verb says beside its flags.
func (modelsHistory) Help() string {
	return `Examples:
  sepal models history --server localhost:50051
  sepal models history --registry models --model iris -n 10

The latest change stands first.`
}

// Run lists the changes.
func (c *modelsHistory) Run(p *process, m *modelsCmd) error {
	return m.use(p, func(r *registryClient) error {
		name, err := r.model(c.Model)
		if err != nil {
			return err
		}
		events, err := c.events(r, name)
		if err != nil {
			return err
		}
		now, err := r.GetRollout(r.ctx, name)
		if err != nil {
			return err
		}
		return r.history(name, events, now.GetProblem())
	})
}

// history writes the events. Where there are none, a problem with the rollout may be why.
func (r *registryClient) history(model string, events []*registryv1.RolloutEvent, problem string) error {
	if r.json {
		if err := writeJSON(r.stdout, &registryv1.ListRolloutEventsResponse{Events: events}); err != nil {
			return err
		}
	}
	switch {
	case len(events) == 0 && problem != "":
		return fmt.Errorf("there is no history of %s to be read: %s", model, problem)
	case r.json:
		return nil
	case len(events) == 0:
		return r.write(func(out *textTable) { out.line("nobody has changed anything of %s yet", printable(model)) })
	}
	return r.write(func(out *textTable) {
		out.events(events)
		if problem != "" {
			out.line("")
			out.problem(problem)
		}
	})
}

// events returns as many events as are to be listed.
func (c *modelsHistory) events(r *registryClient, model string) ([]*registryv1.RolloutEvent, error) {
	left := c.Limit
	return gather(func(token string) ([]*registryv1.RolloutEvent, string, error) {
		page, err := r.ListRolloutEvents(r.ctx, &registryv1.ListRolloutEventsRequest{Model: model, PageSize: left, PageToken: token})
		part, next := page.GetEvents(), page.GetNextPageToken()
		if c.Limit > 0 {
			part = part[:min(len(part), int(left))]
			if left -= uint32(len(part)); left == 0 {
				next = ""
			}
		}
		return part, next, err
	})
}

func (t *textTable) events(events []*registryv1.RolloutEvent) {
	t.line("revision\twhen (UTC)\twho\twhat\twhy")
	for _, e := range events {
		t.line("%d\t%s\t%s\t%s\t%s", e.GetRevision(), moment(e.GetTime()), who(e), printable(e.GetSummary()), printable(e.GetReason()))
		for _, b := range e.GetBreaks() {
			t.line("\t\t\t  %s: %s", printable(b.GetField()), printable(b.GetDescription()))
		}
	}
}

// who says who made a change, and from where unless it was the machine of the registry.
func who(e *registryv1.RolloutEvent) string {
	name := printable(e.GetActor())
	if name == "" {
		name = "somebody"
	}
	if peer, err := netip.ParseAddr(e.GetPeer()); e.GetPeer() == "" || err == nil && peer.IsLoopback() {
		return name
	}
	return fmt.Sprintf("%s from %s", name, printable(e.GetPeer()))
}
