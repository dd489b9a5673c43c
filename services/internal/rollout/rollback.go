package rollout

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// Rollback brings back the rollout of the event toRevision, with its seed and its buckets, and
// returns the new record and the event that it ends with. 0 undoes: it brings back what was in
// force before the present rollout was set; undone again, what was in force before that.
//
// The error is an [*InvalidError] about the change, a [*NothingError] where nothing is left to
// undo, or a [*NoEventError].
func Rollback(now *registryv1.RolloutRecord, toRevision uint32, c Change) (*registryv1.RolloutRecord, *registryv1.RolloutEvent, error) {
	if err := c.Check(); err != nil {
		return nil, nil, err
	}
	var earlier *registryv1.Rollout
	if toRevision == 0 {
		revision := now.GetRollout().GetRevision()
		if earlier = before(now, revision); earlier == nil {
			return nil, nil, &NothingError{Revision: revision}
		}
	} else {
		event := eventOf(now, toRevision)
		if !setsRollout(event) {
			return nil, nil, noEvent(now, toRevision)
		}
		earlier = event.GetRollout()
	}
	record, event := add(now, c, proto.CloneOf(earlier), &registryv1.RolloutEvent{
		Kind:             registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_ROLLBACK,
		Summary:          fmt.Sprintf("rolled back to revision %d: %s", earlier.GetRevision(), summary(now.GetRollout(), earlier)),
		RestoredRevision: earlier.GetRevision(),
	})
	return record, event, nil
}

// before returns the rollout that an undo of the event's leads to, or nil. What was brought back
// has the predecessor that it had the first time, or undoing twice would lead back to the start.
func before(now *registryv1.RolloutRecord, revision uint32) *registryv1.Rollout {
	for {
		i := indexOf(now, revision)
		if i < 0 {
			return nil // it is the initial one, or is no longer kept
		}
		event := now.GetEvents()[i]
		switch {
		case event.GetKind() == registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_ROLLBACK:
			revision = event.GetRestoredRevision()
		case event.GetKind() != registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_SET:
			return nil // the first version of the model
		case i == 0:
			return now.GetInitial()
		default:
			return now.GetEvents()[i-1].GetRollout()
		}
	}
}

// setsRollout reports whether the rollout of the event is its own: a publication's mostly is that
// of an earlier one.
func setsRollout(event *registryv1.RolloutEvent) bool {
	return event != nil && event.GetRollout().GetRevision() == event.GetRevision()
}

// indexOf returns where the event of a revision stands, or -1. The revisions of a record's events
// have no gaps.
func indexOf(r *registryv1.RolloutRecord, revision uint32) int {
	events := r.GetEvents()
	if len(events) == 0 {
		return -1
	}
	first := events[0].GetRevision()
	if revision < first || revision-first >= uint32(len(events)) {
		return -1
	}
	return int(revision - first)
}

func eventOf(r *registryv1.RolloutRecord, revision uint32) *registryv1.RolloutEvent {
	if i := indexOf(r, revision); i >= 0 {
		return r.GetEvents()[i]
	}
	return nil
}

func noEvent(now *registryv1.RolloutRecord, revision uint32) error {
	const most = 10
	var latest []uint32
	for _, event := range slices.Backward(now.GetEvents()) {
		if setsRollout(event) && len(latest) < most {
			latest = append(latest, event.GetRevision())
		}
	}
	slices.Reverse(latest)
	return &NoEventError{Revision: revision, Latest: latest}
}

// forget drops the oldest events: so many, none where that is not positive. What was in force
// after them is where an undo can lead to in the end.
func forget(r *registryv1.RolloutRecord, events int) {
	if events <= 0 {
		return
	}
	r.Initial = r.GetEvents()[events-1].GetRollout()
	r.Events = slices.Clone(r.GetEvents()[events:])
}
