package rollout

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// checkRecord returns the [*InvalidError] of the first part of a record that breaks a rule.
func checkRecord(r *registryv1.RolloutRecord) error {
	v := new(violations)
	v.checkFormat(r.GetFormatVersion())
	if n := len(r.GetEvents()); n > MaxEvents {
		v.add("events", "has %d elements, expected at most %d", n, MaxEvents)
	}
	if v.none() {
		v.checkInitial(r)
	}
	inForce := r.GetInitial()
	for i, event := range r.GetEvents() {
		if !v.none() {
			break
		}
		v.checkEvent(fmt.Sprintf("events[%d]", i), r, i, inForce)
		inForce = event.GetRollout()
	}
	if v.none() {
		v.checkPresent(r.GetRollout(), inForce)
	}
	return v.err()
}

func (v *violations) checkFormat(version uint32) {
	if version > FormatVersion {
		v.add("format_version", "is %d, which this Sepal does not know: it was written by a newer one; expected %d", version, FormatVersion)
	} else if version != FormatVersion {
		v.add("format_version", "is %d, expected %d", version, FormatVersion)
	}
}

// checkInitial checks the rollout before the first event. Where that is not the first of the
// model, there was one.
func (v *violations) checkInitial(r *registryv1.RolloutRecord) {
	first := uint32(1)
	if len(r.GetEvents()) > 0 {
		first = r.GetEvents()[0].GetRevision()
	}
	switch initial := r.GetInitial(); {
	case initial != nil:
		v.checkKept("initial", initial)
		if initial.GetRevision() >= max(first, 1) {
			v.add("initial.revision", "is %d, expected less than that of the first event: %d", initial.GetRevision(), first)
		}
	case first > 1:
		v.add("initial", "is missing, expected the rollout before the first event, which is of revision %d", first)
	}
}

// checkKept checks a rollout that is not the present one.
func (v *violations) checkKept(at string, r *registryv1.Rollout) {
	v.checkRollout(at, r)
	if v.none() {
		v.checkRanges(at, r)
	}
	if r.GetEtag() != "" {
		v.add(at+".etag", "is %s, expected none but of the present rollout", quoted(r.GetEtag()))
	}
	if r.GetPinned() != "" {
		v.add(at+".pinned", "is %s, expected none", quoted(r.GetPinned()))
	}
}

// checkEvent checks an event of the record; inForce was the rollout before it.
func (v *violations) checkEvent(at string, r *registryv1.RolloutRecord, i int, inForce *registryv1.Rollout) {
	event := r.GetEvents()[i]
	switch {
	case event.GetRevision() == 0:
		v.add(at+".revision", "is missing, expected 1 or more")
	case i > 0 && event.GetRevision()-1 != r.GetEvents()[i-1].GetRevision():
		v.add(at+".revision", "is %d, expected the one after %d", event.GetRevision(), r.GetEvents()[i-1].GetRevision())
	}
	if !event.GetTime().IsValid() {
		v.add(at+".time", "is missing")
	}
	v.checkChange(at+".", Change{Actor: event.GetActor(), Peer: event.GetPeer(), Reason: event.GetReason(), RequestID: event.GetRequestId()})
	v.checkKind(at, r, event, inForce)
	if v.none() && setsRollout(event) {
		v.checkKept(at+".rollout", event.GetRollout())
	}
	if name := inForce.GetModel(); name != "" && event.GetRollout().GetModel() != name {
		v.add(at+".rollout.model", "is %s, expected %q as before", quoted(event.GetRollout().GetModel()), name)
	}
}

func (v *violations) checkKind(at string, r *registryv1.RolloutRecord, event *registryv1.RolloutEvent, inForce *registryv1.Rollout) {
	switch kind := event.GetKind(); kind {
	case registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_PUBLISH:
		v.checkPublication(at+".", Publication{event.GetVersion(), event.GetDigest(), event.GetForced(), event.GetBreaks()})
		if inForce != nil {
			if !proto.Equal(event.GetRollout(), inForce) {
				v.add(at+".rollout", "differs from the one before, which a publication leaves as it is")
			}
			return
		}
	case registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_SET:
		v.checkEarlier(at, inForce)
	case registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_ROLLBACK:
		v.checkEarlier(at, inForce)
		v.checkRestored(at, r, event)
	default:
		v.add(at+".kind", "is %d, which is no kind of change", kind)
	}
	if !setsRollout(event) {
		v.add(at+".rollout.revision", "is %d, expected that of its event: %d", event.GetRollout().GetRevision(), event.GetRevision())
	}
}

func (v *violations) checkEarlier(at string, inForce *registryv1.Rollout) {
	if inForce == nil {
		v.add(at+".kind", "is a change of a rollout, expected the publication of the first version")
	}
}

// checkRestored checks that a rollback brought back what an earlier event set, as far as that is
// kept. It leads an undo further back, which must come to an end.
func (v *violations) checkRestored(at string, r *registryv1.RolloutRecord, event *registryv1.RolloutEvent) {
	restored := event.GetRestoredRevision()
	if restored >= event.GetRevision() {
		v.add(at+".restored_revision", "is %d, expected less than the event's own: %d", restored, event.GetRevision())
	} else if earlier := eventOf(r, restored); earlier != nil && !setsRollout(earlier) {
		v.add(at+".restored_revision", "is %d, expected that of an event that set a rollout", restored)
	}
}

// checkPresent checks the present rollout against what the last event left.
func (v *violations) checkPresent(present, left *registryv1.Rollout) {
	if present == nil || left == nil {
		if present != left {
			v.add("rollout", "is there without any event or initial rollout, or is missing beside them")
		}
		return
	}
	if etag := Etag(present); present.GetEtag() != etag {
		v.add("rollout.etag", "is %s, expected %q", quoted(present.GetEtag()), etag)
	}
	if !proto.Equal(forEvent(present), left) || present.GetPinned() != "" {
		v.add("rollout", "differs from the one that the last event left: change it by a call of SetRollout or Rollback, which leaves an event")
	}
}
