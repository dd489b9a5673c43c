package rollout_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// encodes returns the record's bytes, and fails unless they are read as the same record.
func encodes(t testing.TB, record *registryv1.RolloutRecord) []byte {
	t.Helper()
	data, err := rollout.Encode(record)
	if err != nil {
		t.Fatal(err)
	}
	again, err := rollout.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(record, again) {
		t.Fatalf("the record read (-written +read):\n%s", cmp.Diff(record, again, protocmp.Transform()))
	}
	return data
}

// storied is a record with an event of every kind, 1 to 4.
func storied(t testing.TB) *registryv1.RolloutRecord {
	t.Helper()
	now := publish(t, rollout.NewRecord(nil), "v1.0.0")
	breaks := []*registryv1.SignatureBreak{{Field: "features[2]", Description: `feature "petal_length_cm" was removed`}}
	next, event, err := rollout.Publish(now, "iris", rollout.Publication{Version: "v1.1.0", Digest: digest, Forced: true, Breaks: breaks},
		rollout.Change{Time: noon, Actor: "ci", Peer: "10.0.0.7:50112", Reason: "petals <cost> too much & more", RequestID: "7f"})
	now = added(t, now, next, event, err)
	now = set(t, now, func(r *registryv1.Rollout) {
		r.Variants = []*registryv1.Variant{variant("canary", "v1.1.0", 500), variant("dark", "v1.1.0", 0)}
		r.Shadows = []string{"v1.1.0"}
		r.Labels = map[string]string{"champion": "v1.0.0", "challenger": "v1.1.0"}
	})
	return rollback(t, now, 0)
}

func TestEncode(t *testing.T) {
	t.Parallel()
	record := storied(t)
	got := encodes(t, record)
	path := filepath.Join("testdata", "rollout.json")
	if os.Getenv("SEPAL_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-expected +got):\n%s", path, diff)
	}
	encodes(t, rollout.NewRecord(nil))
	encodes(t, fresh())
}

// wrongRecords are changes to the record of [storied], and what is wrong then.
var wrongRecords = []struct {
	name   string
	change func(r *registryv1.RolloutRecord)
	want   []string
}{
	{"no format", func(r *registryv1.RolloutRecord) { r.FormatVersion = 0 }, []string{"format_version is 0, expected 1"}},
	{"newer format", func(r *registryv1.RolloutRecord) { r.FormatVersion = 2 },
		[]string{"format_version is 2, which this Sepal does not know: it was written by a newer one; expected 1"}},
	{"too many events", func(r *registryv1.RolloutRecord) {
		for range 1000 {
			r.Events = append(r.Events, &registryv1.RolloutEvent{})
		}
	}, []string{"events has 1004 elements, expected at most 1000"}},
	{"no rollout", func(r *registryv1.RolloutRecord) { r.Rollout = nil }, []string{"rollout is there without any event or initial rollout, or is missing beside them"}},
	{"no events", func(r *registryv1.RolloutRecord) { r.Events = nil }, []string{"rollout is there without any event or initial rollout, or is missing beside them"}},
	{"rollout changed by hand", func(r *registryv1.RolloutRecord) { r.Rollout.Stable = "v1.1.0" },
		[]string{"rollout differs from the one that the last event left: change it by a call of SetRollout or Rollback, which leaves an event"}},
	{"rollout pinned", func(r *registryv1.RolloutRecord) { r.Rollout.Pinned = "v1.1.0" },
		[]string{"rollout differs from the one that the last event left: change it by a call of SetRollout or Rollback, which leaves an event"}},
	{"etag", func(r *registryv1.RolloutRecord) { r.Rollout.Etag = "r3" }, []string{`rollout.etag is "r3", expected "r4"`}},
	{"initial rollout that cannot be", func(r *registryv1.RolloutRecord) { r.Initial = rollout.Initial("iris", "v1") },
		[]string{`initial.stable is "v1", ` + versionRule, `initial.etag is "r0", expected none but of the present rollout`}},
	{"initial rollout of an event", func(r *registryv1.RolloutRecord) { r.Initial = r.Events[0].Rollout },
		[]string{"initial.revision is 1, expected less than that of the first event: 1"}},
	{"first events missing", func(r *registryv1.RolloutRecord) { r.Events = r.Events[1:] },
		[]string{"initial is missing, expected the rollout before the first event, which is of revision 2"}},
	{"event missing", func(r *registryv1.RolloutRecord) { r.Events = append(r.Events[:1:1], r.Events[2:]...) },
		[]string{"events[1].revision is 3, expected the one after 1"}},
	{"events out of order", func(r *registryv1.RolloutRecord) { r.Events[2], r.Events[3] = r.Events[3], r.Events[2] },
		[]string{"events[2].revision is 4, expected the one after 2"}},
	{"event 0", func(r *registryv1.RolloutRecord) { r.Events[0].Revision, r.Events[0].Rollout.Revision = 0, 0 },
		[]string{"events[0].revision is missing, expected 1 or more"}},
	{"no time", func(r *registryv1.RolloutRecord) { r.Events[0].Time = nil }, []string{"events[0].time is missing"}},
	{"actor", func(r *registryv1.RolloutRecord) { r.Events[1].Actor = "ci\n" },
		[]string{"events[1].actor has a control character at byte 2, expected text in one line"}},
	{"kind", func(r *registryv1.RolloutRecord) { r.Events[2].Kind = 9 }, []string{"events[2].kind is 9, which is no kind of change"}},
	{"first event is no publication", func(r *registryv1.RolloutRecord) {
		r.Events[0].Kind = registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_SET
	}, []string{"events[0].kind is a change of a rollout, expected the publication of the first version"}},
	{"digest", func(r *registryv1.RolloutRecord) { r.Events[1].Digest = "ab" }, []string{`events[1].digest is "ab", expected 64 lower-case hexadecimal digits`}},
	{"publication that changes the rollout", func(r *registryv1.RolloutRecord) { r.Events[1].Rollout.Stable = "v1.1.0" },
		[]string{"events[1].rollout differs from the one before, which a publication leaves as it is"}},
	{"no rollout in an event", func(r *registryv1.RolloutRecord) { r.Events[2].Rollout = nil },
		[]string{"events[2].rollout.revision is 0, expected that of its event: 3", `events[2].rollout.model is "", expected "iris" as before`}},
	{"rollout of an event that cannot be", func(r *registryv1.RolloutRecord) { r.Events[2].Rollout.Variants[0].Ranges[0].End = 499 },
		[]string{"events[2].rollout.variants[0].ranges hold 499 buckets, expected as many as the weight: 500"}},
	{"etag of an event", func(r *registryv1.RolloutRecord) { r.Events[2].Rollout.Etag = "r3" },
		[]string{`events[2].rollout.etag is "r3", expected none but of the present rollout`}},
	{"pinned event", func(r *registryv1.RolloutRecord) { r.Events[2].Rollout.Pinned = "v1.0.0" },
		[]string{`events[2].rollout.pinned is "v1.0.0", expected none`}},
	{"another model", func(r *registryv1.RolloutRecord) { r.Events[2].Rollout.Model = "loans" },
		[]string{`events[2].rollout.model is "loans", expected "iris" as before`}},
	{"rollback to itself", func(r *registryv1.RolloutRecord) { r.Events[3].RestoredRevision = 4 },
		[]string{"events[3].restored_revision is 4, expected less than the event's own: 4"}},
	{"rollback to a publication", func(r *registryv1.RolloutRecord) { r.Events[3].RestoredRevision = 2 },
		[]string{"events[3].restored_revision is 2, expected that of an event that set a rollout"}},
}

func TestWrongRecordsAreNeitherReadNorWritten(t *testing.T) {
	t.Parallel()
	for _, test := range wrongRecords {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			record := proto.CloneOf(storied(t))
			test.change(record)
			_, err := rollout.Encode(record)
			requireInvalid(t, err, test.want...)
			data, err := protojson.Marshal(record)
			if err != nil {
				t.Fatal(err)
			}
			_, err = rollout.Decode(data)
			requireInvalid(t, err, test.want...)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const start = "it is not the JSON of a rollout's record, or is cut short: "
	for _, test := range []struct{ name, data, want string }{
		{"nothing", "", "it is empty, expected the JSON of a rollout's record"},
		{"too much", strings.Repeat(" ", rollout.MaxRecordBytes+1), "it has 16777217 bytes, expected at most 16777216"},
		{"cut short", `{"formatVersion": 1, "events": [`, start + "unexpected EOF"},
		{"control character", "\x10", start + "syntax error (line 1:1): invalid value \ufffd"},
		{"long unknown field", `{"` + strings.Repeat("é", 1e6) + `": 1}`, start + `(line 1:2): unknown field "` + strings.Repeat("é", 136) + "…"},
		{"unknown field", `{"formatVersion": 1, "colour": "red"}`, start + `(line 1:22): unknown field "colour"`},
		{"newer format", `{"formatVersion": 2, "colour": "red"}`, "format_version is 2, which this Sepal does not know: it was written by a newer one; expected 1"},
		{"no format", `{}`, "format_version is 0, expected 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := rollout.Decode([]byte(test.data))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, expected %s", err, test.want)
			}
		})
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	t.Parallel()
	record := storied(t)
	want := encodes(t, record)
	for range 20 {
		if got := encodes(t, proto.CloneOf(record)); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nexpected\n%s", got, want)
		}
	}
}

// TestALargeRecordKeepsFewerEvents adds an event to 40 with as many ranges and labels as there
// can be.
func TestALargeRecordKeepsFewerEvents(t *testing.T) {
	t.Parallel()
	scattered := variant("scattered", "v1.1.0", 5000)
	for bucket := uint32(0); bucket < rollout.Buckets; bucket += 2 {
		scattered.Ranges = append(scattered.Ranges, &registryv1.BucketRange{Start: bucket, End: bucket + 1})
	}
	initial := rollout.Initial("iris", "v1.0.0")
	initial.Variants, initial.Labels = []*registryv1.Variant{scattered}, map[string]string{}
	for i := range rollout.MaxLabels {
		initial.Labels[fmt.Sprintf("%064d", i)] = "v1.0.0-" + strings.Repeat("x", 57)
	}
	record := rollout.NewRecord(initial)
	for revision := uint32(1); revision <= 40; revision++ {
		r := proto.CloneOf(record.GetInitial())
		r.Revision = revision
		record.Events = append(record.Events, &registryv1.RolloutEvent{
			Revision: revision, Time: timestamppb.New(noon), Kind: registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_SET, Rollout: r,
		})
	}
	record.Rollout = proto.CloneOf(record.GetEvents()[39].GetRollout())
	record.Rollout.Etag = "r40"
	if _, err := rollout.Encode(record); err == nil || !strings.HasSuffix(err.Error(), "bytes, expected at most 16777216") {
		t.Fatalf("got %v, expected an error that the record is too large", err)
	}
	record = stable(t, record, 1)
	if data := encodes(t, record); len(data) < rollout.MaxRecordBytes/2 {
		t.Errorf("the record has %d bytes, expected nearly %d", len(data), rollout.MaxRecordBytes)
	}
	first, last := record.GetEvents()[0].GetRevision(), lastEvent(record).GetRevision()
	if before := record.GetInitial().GetRevision(); last != 41 || first < 2 || before != first-1 {
		t.Errorf("events %d to %d after an initial rollout of revision %d", first, last, before)
	}
}

func TestRandomHistoriesAreRead(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random, now := rand.New(rand.NewPCG(seed, 3)), fresh()
			if seed%2 == 0 {
				now = publish(t, rollout.NewRecord(nil), "v1.0.0")
			}
			for i := range 40 {
				switch random.IntN(4) {
				case 0:
					now = publish(t, now, fmt.Sprintf("v2.%d.0", i))
				case 1:
					if next, _, err := rollout.Rollback(now, uint32(random.IntN(i+2)), by("ada")); err == nil {
						now = next
					}
				default:
					now = set(t, now, func(r *registryv1.Rollout) { r.Variants = randomVariants(random) })
				}
				encodes(t, now)
			}
		})
	}
}

func TestTimesAreKeptToTheNanosecond(t *testing.T) {
	t.Parallel()
	at := noon.Add(123456789)
	next, _, err := rollout.Set(fresh(), rollout.Initial("iris", "v1.1.0"), rollout.Change{Time: at})
	if err != nil {
		t.Fatal(err)
	}
	record, err := rollout.Decode(encodes(t, next))
	if err != nil {
		t.Fatal(err)
	}
	if got := lastEvent(record).GetTime(); !proto.Equal(got, timestamppb.New(at)) {
		t.Errorf("the event is of %v, expected %v", got.AsTime(), at)
	}
}
