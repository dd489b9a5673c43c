package rollout_test

import (
	"fmt"
	"strings"
	"testing"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

const (
	nameRule    = `expected 1 to 64 of a-z, 0-9, "-", "_", "." with a letter or digit first`
	versionRule = `expected a semantic version such as "v1.0.0"`
)

// wrongRollouts are changes to the rollout of [full], and what is wrong then.
var wrongRollouts = []struct {
	name   string
	change func(r *registryv1.Rollout)
	want   []string
}{
	{"no model", func(r *registryv1.Rollout) { r.Model = "" }, []string{"rollout.model is missing"}},
	{"model", func(r *registryv1.Rollout) { r.Model = "Iris" }, []string{`rollout.model is "Iris", ` + nameRule}},
	{"no stable version", func(r *registryv1.Rollout) { r.Stable = "" }, []string{`rollout.stable is missing, expected a version such as "v1.0.0"`}},
	{"stable version", func(r *registryv1.Rollout) { r.Stable = "v1" }, []string{`rollout.stable is "v1", ` + versionRule}},
	{"several fields", func(r *registryv1.Rollout) { r.Stable, r.Variants[2].Version = "", "1.2.0\n" }, []string{
		`rollout.stable is missing, expected a version such as "v1.0.0"`, `rollout.variants[2].version is "1.2.0\n", ` + versionRule,
	}},
	{"long version", func(r *registryv1.Rollout) { r.Stable = "v1.0.0-" + strings.Repeat("é", 1e6) }, []string{
		`rollout.stable is "v1.0.0-` + strings.Repeat("é", 36) + `"… (2000007 bytes), ` + versionRule,
	}},
	{"empty variant", func(r *registryv1.Rollout) { r.Variants[2] = nil }, []string{`rollout.variants[2].version is missing, expected a version such as "v1.0.0"`}},
	{"variant called stable", func(r *registryv1.Rollout) { r.Variants[0].Name = "stable" }, []string{`rollout.variants[0].name is "stable", which is the name of the stable version`}},
	{"name of a variant", func(r *registryv1.Rollout) { r.Variants[0].Name = "the canary" }, []string{`rollout.variants[0].name is "the canary", ` + nameRule}},
	{"name of two variants", func(r *registryv1.Rollout) { r.Variants[2].Name = "canary" }, []string{
		`rollout.variants[2].name is "canary", as that of variant 0: names are unique, and a variant without one is named by its version`,
	}},
	{"name that is another's version", func(r *registryv1.Rollout) { r.Variants[2].Name = "v2.0.0-rc.1" }, []string{
		`rollout.variants[2].name is "v2.0.0-rc.1", as that of variant 1: names are unique, and a variant without one is named by its version`,
	}},
	{"weight", func(r *registryv1.Rollout) { r.Variants[0].Weight = 4294967295 }, []string{
		"rollout.variants[0].weight is 4294967295, expected 0 to 10000 hundredths of a percent",
		"rollout.variants has weights that sum to 4294967396, expected at most 10000 hundredths of a percent",
	}},
	{"sum of weights", func(r *registryv1.Rollout) { r.Variants[0].Weight = 9900 }, []string{
		"rollout.variants has weights that sum to 10001, expected at most 10000 hundredths of a percent",
	}},
	{"too many variants", func(r *registryv1.Rollout) { r.Variants = make([]*registryv1.Variant, 17) }, []string{"rollout.variants has 17 elements, expected at most 16"}},
	{"too many shadows", func(r *registryv1.Rollout) { r.Shadows = make([]string, 17) }, []string{"rollout.shadows has 17 elements, expected at most 16"}},
	{"shadow", func(r *registryv1.Rollout) { r.Shadows[1] = "latest" }, []string{`rollout.shadows[1] is "latest", ` + versionRule}},
	{"two shadows", func(r *registryv1.Rollout) { r.Shadows[1] = r.Shadows[0] }, []string{`rollout.shadows[1] is "v1.3.0", as element 0: a version is scored once`}},
	{"too many labels", func(r *registryv1.Rollout) {
		for i := range 65 {
			r.Labels[fmt.Sprint("label", i)] = "v1.0.0"
		}
	}, []string{"rollout.labels has 67 elements, expected at most 64"}},
	{"labels", func(r *registryv1.Rollout) {
		r.Labels = map[string]string{"": "v1.0.0", "stable": "v1.0.0", "v1.0.0": "v1.1.0", "Best": "v1.0.0", "best": "newest"}
	}, []string{
		`rollout.labels[""] has a name other than 1 to 64 of a-z, 0-9, "-", "_", "." with a letter or digit first`,
		`rollout.labels["Best"] has a name other than 1 to 64 of a-z, 0-9, "-", "_", "." with a letter or digit first`,
		`rollout.labels["best"] is "newest", ` + versionRule,
		`rollout.labels["stable"] has the name of the stable version`,
		`rollout.labels["v1.0.0"] has the name of a version, which it would hide`,
	}},
	{"long seed", func(r *registryv1.Rollout) { r.Seed = strings.Repeat("s", 257) }, []string{"rollout.seed has 257 bytes, expected at most 256"}},
	{"seed", func(r *registryv1.Rollout) { r.Seed = "\xff" }, []string{"rollout.seed is not UTF-8 text"}},
}

// wrongRanges are changes to the ranges of [full], and what is wrong then.
var wrongRanges = []struct {
	name   string
	change func(r *registryv1.Rollout)
	want   string
}{
	{"too few", func(r *registryv1.Rollout) { r.Variants[0].Ranges[0].End = 299 }, "rollout.variants[0].ranges hold 499 buckets, expected as many as the weight: 500"},
	{"too many", func(r *registryv1.Rollout) { r.Variants[2].Ranges = variant("", "", 0, 5000, 5001).GetRanges() },
		"rollout.variants[2].ranges hold 1 buckets, expected as many as the weight: 0"},
	{"empty range", func(r *registryv1.Rollout) { r.Variants[1].Ranges[0].End = 300 },
		"rollout.variants[1].ranges[0] is 300 to 300, expected a range from 0 or higher up to 10000 or lower that is not empty"},
	{"out of order", func(r *registryv1.Rollout) { r.Variants[0].Ranges[1].Start = 299 },
		"rollout.variants[0].ranges[1] is 299 to 1200, expected a range from 300 or higher up to 10000 or lower that is not empty"},
	{"one beyond the last bucket", func(r *registryv1.Rollout) { r.Variants[3].Ranges[0].Start, r.Variants[3].Ranges[0].End = 10000, 10001 },
		"rollout.variants[3].ranges[0] is 10000 to 10001, expected a range from 0 or higher up to 10000 or lower that is not empty"},
	{"far beyond the last bucket", func(r *registryv1.Rollout) { r.Variants[3].Ranges[0].End = 4294967295 },
		"rollout.variants[3].ranges[0] is 9999 to 4294967295, expected a range from 0 or higher up to 10000 or lower that is not empty"},
	{"held twice", func(r *registryv1.Rollout) { r.Variants[1].Ranges[0].Start = 250 }, "rollout.variants[1].ranges[0] holds bucket 250, which another variant holds"},
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range wrongRollouts {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := full()
			test.change(r)
			_, err := rollout.Compile(r)
			requireInvalid(t, err, test.want...)
		})
	}
	for _, test := range wrongRanges {
		t.Run("ranges: "+test.name, func(t *testing.T) {
			t.Parallel()
			r := full()
			test.change(r)
			_, err := rollout.Compile(r)
			requireInvalid(t, err, test.want)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		_, err := rollout.Compile(nil)
		requireInvalid(t, err, "rollout.model is missing", `rollout.stable is missing, expected a version such as "v1.0.0"`)
	})
}

func TestSetRefusesWhatCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range wrongRollouts {
		if test.name == "no model" || test.name == "model" {
			continue // Set says more about it, or takes the present one
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wanted := full()
			wanted.Etag = "r0"
			test.change(wanted)
			_, _, err := rollout.Set(fresh(), wanted, by("ada@laptop"))
			requireInvalid(t, err, test.want...)
		})
	}
}

func TestCompileTakesTheLimits(t *testing.T) {
	t.Parallel()
	r := &registryv1.Rollout{Model: strings.Repeat("m", 64), Stable: "v1.0.0-" + strings.Repeat("x", 57), Labels: map[string]string{}}
	r.Seed = strings.Repeat("s", 256)
	for i := range uint32(16) {
		r.Variants = append(r.Variants, variant("", fmt.Sprintf("v1.0.%d+x", i), 625, 625*i, 625*i+625))
		r.Shadows = append(r.Shadows, fmt.Sprintf("v2.%d.0", i))
	}
	for i := range 64 {
		r.Labels[fmt.Sprintf("%064d", i)] = "v3.0.0"
	}
	plan := compile(t, r)
	if arm := plan.AssignBucket(9999); arm.Variant != "v1.0.15+x" {
		t.Errorf("bucket 9999 gets %v", arm)
	}
}
