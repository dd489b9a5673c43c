package rollout_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// stable sets the stable version, v1.<minor>.0, and nothing else.
func stable(t testing.TB, now *registryv1.RolloutRecord, minor int) *registryv1.RolloutRecord {
	t.Helper()
	return set(t, now, func(r *registryv1.Rollout) { r.Stable = fmt.Sprintf("v1.%d.0", minor) })
}

// requireBack rolls back to a revision, and fails unless that restores the event wanted, with the
// stable version wanted.
func requireBack(t *testing.T, now *registryv1.RolloutRecord, to, restored uint32, version string) *registryv1.RolloutRecord {
	t.Helper()
	before := proto.CloneOf(now)
	next := rollback(t, now, to)
	if diff := cmp.Diff(before, now, protocmp.Transform()); diff != "" {
		t.Fatalf("the record given was changed:\n%s", diff)
	}
	if event := lastEvent(next); event.GetRestoredRevision() != restored || event.GetRollout().GetStable() != version {
		t.Fatalf("revision %d brought back revision %d with %s, expected %d with %s",
			event.GetRevision(), event.GetRestoredRevision(), event.GetRollout().GetStable(), restored, version)
	}
	return next
}

func requireNothing(t *testing.T, now *registryv1.RolloutRecord, want string) {
	t.Helper()
	_, _, err := rollout.Rollback(now, 0, by("ada"))
	var nothing *rollout.NothingError
	if !errors.As(err, &nothing) {
		t.Fatalf("got %v, expected a NothingError", err)
	}
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestUndoGoesBackToTheStart(t *testing.T) {
	t.Parallel()
	now := stable(t, stable(t, stable(t, fresh(), 1), 2), 3)
	now = requireBack(t, now, 0, 2, "v1.2.0")
	now = requireBack(t, now, 0, 1, "v1.1.0")
	now = requireBack(t, now, 0, 0, "v1.0.0")
	requireNothing(t, now, "there is nothing to go back to: no rollout from before that of revision 6 is known")
}

func TestUndoAfterUndoAndSet(t *testing.T) {
	t.Parallel()
	now := stable(t, stable(t, fresh(), 1), 2)              // 1, 2
	now = publish(t, now, "v1.9.0")                         // 3
	now = requireBack(t, now, 0, 1, "v1.1.0")               // 4
	now = publish(t, stable(t, now, 4), "v1.8.0")           // 5, 6
	now = requireBack(t, now, 0, 4, "v1.1.0")               // 7: before 5 was 4
	now = requireBack(t, now, 0, 0, "v1.0.0")               // 8: 4 was 1, and before that was the initial one
	now = requireBack(t, now, 5, 5, "v1.4.0")               // 9
	now = requireBack(t, now, 0, 4, "v1.1.0")               // 10
	now = requireBack(t, stable(t, now, 5), 8, 8, "v1.0.0") // 11, 12
	requireNothing(t, now, "there is nothing to go back to: no rollout from before that of revision 12 is known")
}

func TestUndoOfAModelThatBeganByPublication(t *testing.T) {
	t.Parallel()
	now := rollout.NewRecord(nil)
	requireNothing(t, now, "there is nothing to go back to: nobody has set a rollout")
	now = publish(t, now, "v1.0.0")
	requireNothing(t, now, "there is nothing to go back to: no rollout from before that of revision 1 is known")
	now = requireBack(t, stable(t, now, 1), 0, 1, "v1.0.0")
	requireNothing(t, now, "there is nothing to go back to: no rollout from before that of revision 3 is known")
	requireBack(t, now, 1, 1, "v1.0.0")
	requireNothing(t, fresh(), "there is nothing to go back to: nobody has set a rollout")
}

func TestRollbackRestoresBucketsAndSeed(t *testing.T) {
	t.Parallel()
	wish := func(seed string, variants ...*registryv1.Variant) func(r *registryv1.Rollout) {
		return func(r *registryv1.Rollout) { r.Seed, r.Variants = seed, variants }
	}
	now := set(t, fresh(), wish("", variant("a", "v1.1.0", 100), variant("b", "v1.2.0", 200)))
	now = set(t, now, wish("", variant("b", "v1.2.0", 200)))
	there := proto.CloneOf(now.GetRollout()) // b has 100 to 300
	now = set(t, now, wish("other", variant("b", "v1.2.0", 200)))
	now = rollback(t, now, 0)
	there.Revision, there.Etag = 4, "r4"
	if diff := cmp.Diff(there, now.GetRollout(), protocmp.Transform()); diff != "" {
		t.Errorf("rollout (-expected +got):\n%s", diff)
	}
	if got, want := lastEvent(now).GetSummary(), `rolled back to revision 2: b v1.2.0 2 % in other buckets; seed "other" → "iris"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	now = rollback(t, now, 4)
	if got, want := lastEvent(now).GetSummary(), "rolled back to revision 4: nothing changed"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRollbackRefuses(t *testing.T) {
	t.Parallel()
	now := publish(t, stable(t, publish(t, rollout.NewRecord(nil), "v1.0.0"), 1), "v1.2.0")
	for _, revision := range []uint32{3, 4, 4294967295} {
		_, _, err := rollout.Rollback(now, revision, by("ada"))
		var missing *rollout.NoEventError
		if !errors.As(err, &missing) || missing.Revision != revision {
			t.Fatalf("revision %d: got %v, expected a NoEventError", revision, err)
		}
		if want := fmt.Sprintf("revision %d is no event that set a rollout, or is no longer kept; the latest that did: 1, 2", revision); err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
	}
	_, _, err := rollout.Rollback(rollout.NewRecord(nil), 1, by("ada"))
	if want := "revision 1 is no event that set a rollout, or is no longer kept"; err == nil || err.Error() != want {
		t.Errorf("got %v, expected %s", err, want)
	}
	_, _, err = rollout.Rollback(now, 2, rollout.Change{Reason: "\x1b"})
	requireInvalid(t, err, "reason has a control character at byte 0, expected text in one line")
}

func TestUndoAfterOldEventsWereDropped(t *testing.T) {
	t.Parallel()
	now := fresh()
	for minor := 1; minor <= rollout.MaxEvents+5; minor++ {
		now = stable(t, now, minor)
	}
	if n, first := len(now.GetEvents()), now.GetEvents()[0].GetRevision(); n != rollout.MaxEvents || first != 6 {
		t.Fatalf("%d events are kept, the first of revision %d, expected %d from 6", n, first, rollout.MaxEvents)
	}
	if initial := now.GetInitial(); initial.GetRevision() != 5 || initial.GetStable() != "v1.5.0" || initial.GetEtag() != "" {
		t.Errorf("the initial rollout is %v, expected that of revision 5", initial)
	}
	now = requireBack(t, now, 7, 7, "v1.7.0") // event 1006 drops event 6, and initial is 6
	now = requireBack(t, now, 0, 6, "v1.6.0") // event 1007 drops event 7
	requireNothing(t, now, "there is nothing to go back to: no rollout from before that of revision 1007 is known")
	_, _, err := rollout.Rollback(now, 7, by("ada"))
	want := "revision 7 is no event that set a rollout, or is no longer kept; the latest that did: 998, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, expected %s", err, want)
	}
	requireBack(t, now, 1003, 1003, "v1.1003.0")
	encodes(t, now)
}
