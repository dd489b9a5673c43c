package rollout_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// noon is when the first changes are made.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var digest = strings.Repeat("0123456789abcdef", 4)

func by(actor string) rollout.Change { return rollout.Change{Time: noon, Actor: actor} }

// fresh is the record of model iris without events, v1.0.0 being stable.
func fresh() *registryv1.RolloutRecord {
	return rollout.NewRecord(rollout.Initial("iris", "v1.0.0"))
}

func variant(name, version string, weight uint32, bounds ...uint32) *registryv1.Variant {
	v := &registryv1.Variant{Name: name, Version: version, Weight: weight}
	for pair := range slices.Chunk(bounds, 2) {
		v.Ranges = append(v.Ranges, &registryv1.BucketRange{Start: pair[0], End: pair[1]})
	}
	return v
}

// set makes a change to the present rollout of a record that is good throughout.
func set(t testing.TB, now *registryv1.RolloutRecord, change func(r *registryv1.Rollout)) *registryv1.RolloutRecord {
	t.Helper()
	wanted := proto.CloneOf(now.GetRollout())
	change(wanted)
	next, event, err := rollout.Set(now, wanted, by("ada@laptop"))
	return added(t, now, next, event, err)
}

func rollback(t testing.TB, now *registryv1.RolloutRecord, to uint32) *registryv1.RolloutRecord {
	t.Helper()
	next, event, err := rollout.Rollback(now, to, by("ada@laptop"))
	return added(t, now, next, event, err)
}

func publish(t testing.TB, now *registryv1.RolloutRecord, version string) *registryv1.RolloutRecord {
	t.Helper()
	next, event, err := rollout.Publish(now, "iris", rollout.Publication{Version: version, Digest: digest}, by("ci"))
	return added(t, now, next, event, err)
}

// added fails unless the event is the last of the new record, and the record one that can be
// written and read.
func added(t testing.TB, now, next *registryv1.RolloutRecord, event *registryv1.RolloutEvent, err error) *registryv1.RolloutRecord {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if lastEvent(next) != event {
		t.Fatalf("the event returned is not the last of the record: %v", event)
	}
	last := uint32(0)
	if n := len(now.GetEvents()); n > 0 {
		last = now.GetEvents()[n-1].GetRevision()
	}
	if event.GetRevision() != last+1 {
		t.Fatalf("the event has revision %d, expected %d", event.GetRevision(), last+1)
	}
	return next
}

func lastEvent(r *registryv1.RolloutRecord) *registryv1.RolloutEvent {
	return r.GetEvents()[len(r.GetEvents())-1]
}

func compile(t testing.TB, r *registryv1.Rollout) *rollout.Plan {
	t.Helper()
	plan, err := rollout.Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// requireInvalid fails unless err is an [*rollout.InvalidError] with exactly these violations, each
// as "field description".
func requireInvalid(t *testing.T, err error, want ...string) {
	t.Helper()
	var invalid *rollout.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got error %v, expected an InvalidError", err)
	}
	var got []string
	for _, v := range invalid.Violations {
		got = append(got, v.Field+" "+v.Description)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-expected +got):\n%s", diff)
	}
	if text := strings.Join(want, "; "); err.Error() != text {
		t.Errorf("the error's text is %q, expected %q", err, text)
	}
}

func TestInitial(t *testing.T) {
	t.Parallel()
	want := &registryv1.Rollout{Model: "iris", Stable: "v1.0.0", Seed: "iris", Etag: "r0"}
	got := rollout.Initial("iris", "v1.0.0")
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	plan := compile(t, got)
	for bucket := range rollout.Buckets {
		if arm := plan.AssignBucket(bucket); arm != (rollout.Arm{Variant: rollout.StableVariant, Version: "v1.0.0"}) {
			t.Fatalf("bucket %d gets %v", bucket, arm)
		}
	}
}

func TestNewRecord(t *testing.T) {
	t.Parallel()
	initial := rollout.Initial("iris", "v1.0.0")
	pinned := proto.CloneOf(initial)
	pinned.Pinned = "v1.1.0"
	got := rollout.NewRecord(pinned)
	kept := proto.CloneOf(initial)
	kept.Etag = ""
	want := &registryv1.RolloutRecord{FormatVersion: 1, Rollout: initial, Initial: kept}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if pinned.GetPinned() == "" {
		t.Error("the message given was changed")
	}
	none := &registryv1.RolloutRecord{FormatVersion: 1}
	if diff := cmp.Diff(none, rollout.NewRecord(nil), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}
