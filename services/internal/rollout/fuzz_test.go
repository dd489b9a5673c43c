package rollout_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/sepal-ml/sepal/services/internal/rollout"
)

func FuzzDecode(f *testing.F) {
	f.Add(encodes(f, storied(f)))
	f.Add(encodes(f, fresh()))
	f.Add(encodes(f, rollout.NewRecord(nil)))
	for _, wrong := range wrongRecords {
		record := proto.CloneOf(storied(f))
		wrong.change(record)
		data, err := protojson.Marshal(record)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := rollout.Decode(data)
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("the error is no single line: %q", err)
			}
			return
		}
		encodes(t, record)
		if record.GetRollout() != nil {
			compile(t, record.GetRollout())
		}
		if next, event, err := rollout.Rollback(record, 0, by("ada")); err == nil {
			encodes(t, added(t, record, next, event, err))
		}
	})
}

func FuzzSet(f *testing.F) {
	f.Add("canary", "v1.1.0", uint32(500), "best", "v1.0.0", "seed")
	f.Add("", "v1.1.0+x", uint32(10001), "stable", "", "\xff")
	f.Add("v2.0.0", "v1.1.0", uint32(0), "v1.0.0", "v1.0.0", "")
	f.Fuzz(func(t *testing.T, name, version string, weight uint32, label, labelled, seed string) {
		wanted := rollout.Initial("iris", "v1.0.0")
		wanted.Variants = append(wanted.Variants, variant(name, version, weight))
		wanted.Labels, wanted.Seed = map[string]string{label: labelled}, seed
		next, event, err := rollout.Set(fresh(), wanted, by("ada"))
		if err != nil {
			if text := err.Error(); strings.ContainsFunc(text, unicode.IsControl) || len(text) > 2000 {
				t.Errorf("the error is no single short line: %q", err)
			}
			return
		}
		encodes(t, added(t, fresh(), next, event, err))
		plan := compile(t, next.GetRollout())
		held := 0
		for bucket := range rollout.Buckets {
			if plan.AssignBucket(bucket).Variant != rollout.StableVariant {
				held++
			}
		}
		if diff := cmp.Diff(int(weight), held); diff != "" {
			t.Errorf("buckets of the variant (-expected +got):\n%s", diff)
		}
	})
}
