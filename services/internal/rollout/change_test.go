package rollout_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

func TestSet(t *testing.T) {
	t.Parallel()
	now := fresh()
	before := proto.CloneOf(now)
	wanted := &registryv1.Rollout{
		Stable:   "v1.0.0",
		Variants: []*registryv1.Variant{variant("", "v1.1.0", 500, 7000, 9000)},
		Etag:     "r0",
		Revision: 77,
		Pinned:   "v0.9.0",
	}
	c := rollout.Change{Time: noon, Actor: "ada@laptop", Peer: "127.0.0.1:4711", Reason: "try it", RequestID: "7f"}
	next, event, err := rollout.Set(now, wanted, c)
	if err != nil {
		t.Fatal(err)
	}
	wantRollout := &registryv1.Rollout{
		Model: "iris", Stable: "v1.0.0", Seed: "iris", Revision: 1,
		Variants: []*registryv1.Variant{variant("v1.1.0", "v1.1.0", 500, 0, 500)},
	}
	wantEvent := &registryv1.RolloutEvent{
		Revision: 1, Time: timestamppb.New(noon), Kind: registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_SET,
		Actor: "ada@laptop", Peer: "127.0.0.1:4711", Reason: "try it", RequestId: "7f",
		Summary: "variant + v1.1.0 5 %", Rollout: wantRollout,
	}
	if diff := cmp.Diff(wantEvent, event, protocmp.Transform()); diff != "" {
		t.Errorf("event (-expected +got):\n%s", diff)
	}
	present := proto.CloneOf(wantRollout)
	present.Etag = "r1"
	want := &registryv1.RolloutRecord{FormatVersion: 1, Rollout: present, Events: []*registryv1.RolloutEvent{wantEvent}, Initial: before.GetInitial()}
	if diff := cmp.Diff(want, next, protocmp.Transform()); diff != "" {
		t.Errorf("record (-expected +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, now, protocmp.Transform()); diff != "" {
		t.Errorf("the record given was changed:\n%s", diff)
	}
}

func TestSetRefusesAnEtagThatIsStale(t *testing.T) {
	t.Parallel()
	now := set(t, fresh(), func(r *registryv1.Rollout) { r.Stable = "v1.1.0" })
	wanted := rollout.Initial("iris", "v1.2.0")
	_, _, err := rollout.Set(now, wanted, by("bob"))
	if !errors.Is(err, rollout.ErrStale) {
		t.Fatalf("got %v, expected ErrStale", err)
	}
	want := `the rollout was changed meanwhile: the etag is "r0", but the present rollout is that of revision 1, ` +
		`since 2026-03-01T12:00:00Z by "ada@laptop"; read it again and repeat the change`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	now = publish(t, now, "v1.3.0") // leaves the rollout, and so the etag, as they are
	wanted.Etag = "r1"
	next, event, err := rollout.Set(now, wanted, by("bob"))
	added(t, now, next, event, err)
	if got := next.GetRollout(); got.GetRevision() != 3 || got.GetEtag() != "r3" {
		t.Errorf("revision %d, etag %s, expected 3 and r3", got.GetRevision(), got.GetEtag())
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	wanted := func(change func(r *registryv1.Rollout)) *registryv1.Rollout {
		r := rollout.Initial("iris", "v1.0.0")
		change(r)
		return r
	}
	for _, test := range []struct {
		name   string
		now    *registryv1.RolloutRecord
		wanted *registryv1.Rollout
		change rollout.Change
		want   []string
	}{
		{"no etag", fresh(), wanted(func(r *registryv1.Rollout) { r.Etag = "" }), by("ada"), []string{"rollout.etag is missing, expected the one that GetRollout gave"}},
		{"another model", fresh(), wanted(func(r *registryv1.Rollout) { r.Model = "loans" }), by("ada"), []string{`rollout.model is "loans", expected "iris", whose rollout is set`}},
		{"nothing", fresh(), nil, by("ada"), []string{`rollout.stable is missing, expected a version such as "v1.0.0"`, "rollout.etag is missing, expected the one that GetRollout gave"}},
		{"no version", rollout.NewRecord(nil), wanted(func(*registryv1.Rollout) {}), by("ada"), []string{"rollout cannot be set: the model has no version yet"}},
		{"change", fresh(), wanted(func(*registryv1.Rollout) {}), by("ada\n"), []string{"actor has a control character at byte 3, expected text in one line"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := rollout.Set(test.now, test.wanted, test.change)
			requireInvalid(t, err, test.want...)
		})
	}
}

func TestCheckOfAChange(t *testing.T) {
	t.Parallel()
	longest := rollout.Change{Actor: strings.Repeat("a", 256), Peer: strings.Repeat("p", 256), Reason: strings.Repeat("r", 1024), RequestID: strings.Repeat("i", 64)}
	for _, c := range []rollout.Change{{}, longest, {Actor: "Ada König", Reason: "weil → so"}} {
		if err := c.Check(); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
	longer := rollout.Change{Actor: longest.Actor + "a", Peer: longest.Peer + "p", Reason: longest.Reason + "r", RequestID: longest.RequestID + "i"}
	requireInvalid(t, longer.Check(), "actor has 257 bytes, expected at most 256", "peer has 257 bytes, expected at most 256",
		"reason has 1025 bytes, expected at most 1024", "request_id has 65 bytes, expected at most 64")
	requireInvalid(t, rollout.Change{Actor: "\xff", Reason: "so\tso", RequestID: "é\u0085"}.Check(), "actor is not UTF-8 text",
		"reason has a control character at byte 2, expected text in one line", "request_id has a control character at byte 2, expected text in one line")
}

func TestPublish(t *testing.T) {
	t.Parallel()
	first := publish(t, rollout.NewRecord(nil), "v1.0.0")
	want := rollout.Initial("iris", "v1.0.0")
	want.Revision, want.Etag = 1, "r1"
	if diff := cmp.Diff(want, first.GetRollout(), protocmp.Transform()); diff != "" {
		t.Errorf("the first version's rollout (-expected +got):\n%s", diff)
	}
	breaks := []*registryv1.SignatureBreak{{Field: "classes[0]", Description: "gone"}, {Field: "classes[1]", Description: "gone too"}}
	second, event, err := rollout.Publish(first, "iris", rollout.Publication{Version: "v2.0.0", Digest: digest, Forced: true, Breaks: breaks}, by("ci"))
	added(t, first, second, event, err)
	if diff := cmp.Diff(want, second.GetRollout(), protocmp.Transform()); diff != "" {
		t.Errorf("the rollout after a second version (-expected +got):\n%s", diff)
	}
	kept := proto.CloneOf(want)
	kept.Etag = ""
	wantEvent := &registryv1.RolloutEvent{
		Revision: 2, Time: timestamppb.New(noon), Kind: registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_PUBLISH, Actor: "ci",
		Summary: "published v2.0.0, forced past 2 breaks", Rollout: kept, Version: "v2.0.0", Digest: digest, Forced: true, Breaks: breaks,
	}
	if diff := cmp.Diff(wantEvent, event, protocmp.Transform()); diff != "" {
		t.Errorf("event (-expected +got):\n%s", diff)
	}
	for count, want := range map[int]string{0: "published v3.0.0", 1: "published v3.0.0, forced past 1 break"} {
		_, event, err := rollout.Publish(first, "iris", rollout.Publication{Version: "v3.0.0", Digest: digest, Forced: true, Breaks: breaks[:count]}, by("ci"))
		if err != nil || event.GetSummary() != want {
			t.Errorf("got %q, %v, expected %q", event.GetSummary(), err, want)
		}
	}
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	_, _, err := rollout.Publish(fresh(), "loans", rollout.Publication{Version: "1", Digest: strings.ToUpper(digest), Breaks: make([]*registryv1.SignatureBreak, 1)}, by("\x00"))
	requireInvalid(t, err,
		"actor has a control character at byte 0, expected text in one line",
		`version is "1", `+versionRule,
		`digest is "`+strings.ToUpper(digest)+`", expected 64 lower-case hexadecimal digits`,
		"breaks has 1 elements, expected none in a publication that was not forced",
		`model is "loans", expected "iris", whose record this is`)
	_, _, err = rollout.Publish(rollout.NewRecord(nil), "", rollout.Publication{Version: "v1.0.0", Digest: digest}, by("ci"))
	requireInvalid(t, err, "model is missing")
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	now := publish(t, fresh(), "v1.1.0")
	for _, id := range []string{"a", "b"} {
		next, event, err := rollout.Rollback(set(t, now, func(*registryv1.Rollout) {}), 0, rollout.Change{Time: noon, RequestID: id})
		if err != nil {
			t.Fatal(err)
		}
		now = next
		if got := rollout.Repeated(now, id); got != event {
			t.Errorf("%q gives %v", id, got)
		}
	}
	if got := rollout.Repeated(now, "a"); got.GetRevision() != 3 {
		t.Errorf("a gives revision %d, expected 3", got.GetRevision())
	}
	for _, id := range []string{"", "c"} {
		if got := rollout.Repeated(now, id); got != nil {
			t.Errorf("%q gives %v, expected none", id, got)
		}
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	now := fresh()
	for _, step := range []struct {
		want   string
		change func(r *registryv1.Rollout)
	}{
		{"nothing changed", func(*registryv1.Rollout) {}},
		{"variant + canary v1.2.0 5 %; variant + v1.1.0 0.05 %; shadow + v1.2.0", func(r *registryv1.Rollout) {
			r.Variants, r.Shadows = []*registryv1.Variant{variant("canary", "v1.2.0", 500), variant("", "v1.1.0", 5)}, []string{"v1.2.0"}
		}},
		{"stable v1.0.0 → v1.1.0; canary v1.2.0 5 % → 20 %; variant - v1.1.0 0.05 %; shadow + v1.3.0; shadow - v1.2.0; label champion = v1.1.0", func(r *registryv1.Rollout) {
			r.Stable, r.Variants[0].Weight, r.Variants, r.Shadows = "v1.1.0", 2000, r.GetVariants()[:1], []string{"v1.3.0"}
			r.Labels = map[string]string{"champion": "v1.1.0"}
		}},
		{"canary v1.2.0 → v1.3.0 20 %; label best = v1.0.0; label champion = v1.2.0", func(r *registryv1.Rollout) {
			r.Variants[0].Version, r.Labels = "v1.3.0", map[string]string{"champion": "v1.2.0", "best": "v1.0.0"}
		}},
		{"canary v1.3.0 → v1.2.0 20 % → 12.5 %; label - best; label - champion", func(r *registryv1.Rollout) {
			r.Variants[0].Version, r.Variants[0].Weight, r.Labels = "v1.2.0", 1250, nil
		}},
		{`variant + a.100 v1.0.0 0 %; seed "iris" → "iris\n2"`, func(r *registryv1.Rollout) {
			r.Seed, r.Variants = "iris\n2", append(r.GetVariants(), variant("a.100", "v1.0.0", 0))
		}},
	} {
		now = set(t, now, step.change)
		if got, want := lastEvent(now).GetSummary(), step.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
