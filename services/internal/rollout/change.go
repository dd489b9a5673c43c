package rollout

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// Change is who asks for a change, when and why.
type Change struct {
	// Time is when the change is made.
	Time time.Time
	// Actor is who makes it, by their own account: at most 256 bytes.
	Actor string
	// Peer is the address that it came from, at most 256 bytes; empty: not over the network.
	Peer string
	// Reason is why, in the words of who makes it: at most 1024 bytes.
	Reason string
	// RequestID makes the request safe to send twice: at most 64 bytes; empty: it is not.
	RequestID string
}

// Check returns an [*InvalidError] unless the texts are short enough, UTF-8, and without control
// characters.
func (c Change) Check() error {
	v := new(violations)
	v.checkChange("", c)
	return v.err()
}

func (v *violations) checkChange(at string, c Change) {
	v.checkText(at+"actor", c.Actor, 256)
	v.checkText(at+"peer", c.Peer, 256)
	v.checkText(at+"reason", c.Reason, 1024)
	v.checkText(at+"request_id", c.RequestID, 64)
}

func (v *violations) checkText(at, text string, most int) {
	switch {
	case len(text) > most:
		v.add(at, "has %d bytes, expected at most %d", len(text), most)
	case !utf8.ValidString(text):
		v.add(at, "is not UTF-8 text")
	default:
		if i := strings.IndexFunc(text, unicode.IsControl); i >= 0 {
			v.add(at, "has a control character at byte %d, expected text in one line", i)
		}
	}
}

// Set makes the wanted rollout the present one, and returns the new record and the event that it
// ends with. The revision, the ranges and what pins the model are not read from wanted; an empty
// model or seed is the present one, and an empty name of a variant its version.
//
// The error is an [*InvalidError], or [ErrStale] where the etag is not that of the present
// rollout; its text says who changed it.
func Set(now *registryv1.RolloutRecord, wanted *registryv1.Rollout, c Change) (*registryv1.RolloutRecord, *registryv1.RolloutEvent, error) {
	present := now.GetRollout()
	next := complete(present, wanted)
	v := new(violations)
	v.checkChange("", c)
	if present == nil {
		v.add("rollout", "cannot be set: the model has no version yet")
	} else {
		v.checkWanted(next, present.GetModel(), wanted.GetEtag())
	}
	if err := v.err(); err != nil {
		return nil, nil, err
	}
	if wanted.GetEtag() != Etag(present) {
		return nil, nil, stale(now, wanted.GetEtag())
	}
	var had []*registryv1.Variant // with another seed, buckets hold other subjects
	if next.GetSeed() == present.GetSeed() {
		had = present.GetVariants()
	}
	divide(had, next.GetVariants())
	record, event := add(now, c, next, &registryv1.RolloutEvent{
		Kind:    registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_SET,
		Summary: summary(present, next),
	})
	return record, event, nil
}

func (v *violations) checkWanted(next *registryv1.Rollout, model, etag string) {
	v.checkRollout("rollout", next)
	if next.GetModel() != model {
		v.add("rollout.model", "is %s, expected %q, whose rollout is set", quoted(next.GetModel()), model)
	}
	if etag == "" {
		v.add("rollout.etag", "is missing, expected the one that GetRollout gave")
	}
}

// complete returns the part of the wanted rollout that its author decides on, with what was left
// out. It takes no field that this program does not know.
func complete(present, wanted *registryv1.Rollout) *registryv1.Rollout {
	next := &registryv1.Rollout{
		Model:   wanted.GetModel(),
		Stable:  wanted.GetStable(),
		Shadows: slices.Clone(wanted.GetShadows()),
		Labels:  maps.Clone(wanted.GetLabels()),
		Seed:    wanted.GetSeed(),
	}
	if next.Model == "" {
		next.Model = present.GetModel()
	}
	if next.Seed == "" {
		next.Seed = present.GetSeed()
	}
	for _, v := range wanted.GetVariants() {
		next.Variants = append(next.Variants, &registryv1.Variant{Name: nameOf(v), Version: v.GetVersion(), Weight: v.GetWeight()})
	}
	return next
}

// add returns the record with one event more, which is completed. A rollout of nil stays as it
// is; any other becomes that of the event's revision, and the present one.
func add(now *registryv1.RolloutRecord, c Change, next *registryv1.Rollout, event *registryv1.RolloutEvent) (*registryv1.RolloutRecord, *registryv1.RolloutEvent) {
	event.Revision = lastRevision(now) + 1
	event.Time = timestamppb.New(c.Time)
	event.Actor, event.Peer, event.Reason, event.RequestId = c.Actor, c.Peer, c.Reason, c.RequestID
	if next == nil {
		next = now.GetRollout()
	} else {
		next.Revision = event.GetRevision()
	}
	event.Rollout = forEvent(next)
	record := &registryv1.RolloutRecord{
		FormatVersion: FormatVersion,
		Rollout:       inForce(next),
		Events:        append(slices.Clone(now.GetEvents()), event),
		Initial:       now.GetInitial(),
	}
	forget(record, len(record.GetEvents())-MaxEvents)
	shrink(record)
	return record, event
}

func lastRevision(r *registryv1.RolloutRecord) uint32 {
	if len(r.GetEvents()) == 0 {
		return 0
	}
	return r.GetEvents()[len(r.GetEvents())-1].GetRevision()
}

// Says reports whether the event set what is wanted, as far as its author decides.
func Says(event *registryv1.RolloutEvent, wanted *registryv1.Rollout) bool {
	if event.GetKind() != registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_SET {
		return false
	}
	set := complete(nil, event.GetRollout())
	return proto.Equal(set, complete(set, wanted))
}

// WentBack reports whether the event is a rollback to that revision; 0: to whatever there was.
func WentBack(event *registryv1.RolloutEvent, toRevision uint32) bool {
	return event.GetKind() == registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_ROLLBACK &&
		(toRevision == 0 || event.GetRestoredRevision() == toRevision)
}

// Repeated returns the event that a request with this id made, or nil. No id is that of no
// request.
func Repeated(now *registryv1.RolloutRecord, requestID string) *registryv1.RolloutEvent {
	if requestID == "" {
		return nil
	}
	for _, event := range slices.Backward(now.GetEvents()) {
		if event.GetRequestId() == requestID {
			return event
		}
	}
	return nil
}
