package rollout_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// full is a rollout that uses everything.
func full() *registryv1.Rollout {
	return &registryv1.Rollout{
		Model:  "iris",
		Stable: "v1.9.0",
		Seed:   "iris",
		Variants: []*registryv1.Variant{
			variant("canary", "v1.10.0", 500, 0, 300, 1000, 1200),
			variant("", "v2.0.0-rc.1", 100, 300, 400),
			variant("dark", "v1.2.0", 0),
			variant("same", "v1.9.0", 1, 9999, 10000),
		},
		Shadows: []string{"v1.3.0", "v1.10.0"},
		Labels:  map[string]string{"champion": "v1.9.0", "audit": "v1.0.0"},
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	r := full()
	plan := compile(t, r)
	stable := rollout.Arm{Variant: "stable", Version: "v1.9.0"}
	canary := rollout.Arm{Variant: "canary", Version: "v1.10.0"}
	candidate := rollout.Arm{Variant: "v2.0.0-rc.1", Version: "v2.0.0-rc.1"}
	for bucket, want := range map[int]rollout.Arm{
		-1: stable, 0: canary, 299: canary, 300: candidate, 399: candidate, 400: stable, 999: stable, 1000: canary,
		1199: canary, 1200: stable, 9998: stable, 9999: {Variant: "same", Version: "v1.9.0"}, 10000: stable, math.MaxInt: stable,
	} {
		if got := plan.AssignBucket(bucket); got != want {
			t.Errorf("bucket %d gets %v, expected %v", bucket, got, want)
		}
	}
	if diff := cmp.Diff([]string{"v1.0.0", "v1.2.0", "v1.3.0", "v1.9.0", "v1.10.0", "v2.0.0-rc.1"}, plan.Versions()); diff != "" {
		t.Errorf("versions (-expected +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"audit", "champion"}, plan.Labels()); diff != "" {
		t.Errorf("labels (-expected +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"v1.3.0", "v1.10.0"}, plan.Shadows()); diff != "" {
		t.Errorf("shadows (-expected +got):\n%s", diff)
	}
	if version, ok := plan.Label("champion"); version != "v1.9.0" || !ok {
		t.Errorf("label champion is %q, %t", version, ok)
	}
	if version, ok := plan.Label("v1.9.0"); version != "" || ok {
		t.Errorf("label v1.9.0 is %q, %t, expected none", version, ok)
	}
	if plan.Rollout() != r {
		t.Error("the plan's rollout is another message")
	}
}

func TestAssignFollowsTheBucketOfTheSubject(t *testing.T) {
	t.Parallel()
	plan := compile(t, full())
	for i := range 20_000 {
		subject := "customer-" + strconv.Itoa(i)
		if got, want := plan.Assign(subject), plan.AssignBucket(rollout.Bucket("iris", subject)); got != want {
			t.Fatalf("%s gets %v, expected %v", subject, got, want)
		}
	}
}

func TestAssignByChanceWithoutASubject(t *testing.T) {
	t.Parallel()
	const draws = 100_000
	record := set(t, fresh(), func(r *registryv1.Rollout) { r.Variants = []*registryv1.Variant{variant("canary", "v1.1.0", 2000)} })
	plan, canaries := compile(t, record.GetRollout()), 0
	for range draws {
		if plan.Assign("").Variant == "canary" {
			canaries++
		}
	}
	// The standard deviation of the share is 0.13 %: chance does not leave 10 of them.
	if share := float64(canaries) / draws; math.Abs(share-0.2) > 0.013 {
		t.Errorf("the canary answered %.2f %% of the requests, expected 20 %%", 100*share)
	}
}

func TestSharesOfAMillionSubjects(t *testing.T) {
	t.Parallel()
	const subjects = 1_000_000
	weigh := func(now *registryv1.RolloutRecord, weight uint32) *registryv1.RolloutRecord {
		return set(t, now, func(r *registryv1.Rollout) { r.Variants = []*registryv1.Variant{variant("canary", "v1.1.0", weight)} })
	}
	five := weigh(fresh(), 500)
	small, large := compile(t, five.GetRollout()), compile(t, weigh(five, 2000).GetRollout())
	var inSmall, inLarge, movedOut int
	for i := range subjects {
		subject := "customer-" + strconv.Itoa(i)
		before, after := small.Assign(subject).Variant == "canary", large.Assign(subject).Variant == "canary"
		if before {
			inSmall++
		}
		if after {
			inLarge++
		}
		if before && !after {
			movedOut++
		}
	}
	for _, test := range []struct {
		got  int
		want float64
	}{{inSmall, 0.05}, {inLarge, 0.20}} {
		if share := float64(test.got) / subjects; math.Abs(share-test.want) > 0.001 {
			t.Errorf("the canary has %.3f %% of the subjects, expected %.0f %%", 100*share, 100*test.want)
		}
	}
	if movedOut > 0 {
		t.Errorf("%d subjects were moved out of the canary as it grew", movedOut)
	}
}

func TestAssignDoesNotAllocate(t *testing.T) {
	plan := compile(t, full())
	for _, subject := range []string{"customer-4711", ""} {
		var arm rollout.Arm
		if allocations := testing.AllocsPerRun(1000, func() { arm = plan.Assign(subject) }); allocations != 0 {
			t.Errorf("subject %q: %v allocations", subject, allocations)
		}
		if arm.Version == "" {
			t.Errorf("subject %q gets no version", subject)
		}
	}
}
