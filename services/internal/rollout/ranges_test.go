package rollout_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

func TestSetDividesTheBuckets(t *testing.T) {
	t.Parallel()
	type variants = []*registryv1.Variant
	steps := []struct {
		name         string
		wanted, want variants
	}{
		{"new ones take the lowest buckets", variants{variant("a", "v1.1.0", 500), variant("b", "v1.2.0", 100)},
			variants{variant("a", "v1.1.0", 500, 0, 500), variant("b", "v1.2.0", 100, 500, 600)}},
		{"one that grows goes on where others end", variants{variant("a", "v1.1.0", 700), variant("b", "v1.2.0", 100)},
			variants{variant("a", "v1.1.0", 700, 0, 500, 600, 800), variant("b", "v1.2.0", 100, 500, 600)}},
		{"one that shrinks gives up its highest", variants{variant("a", "v1.1.0", 550), variant("b", "v1.2.0", 100)},
			variants{variant("a", "v1.1.0", 550, 0, 500, 600, 650), variant("b", "v1.2.0", 100, 500, 600)}},
		{"another version and place keep buckets", variants{variant("b", "v1.3.0", 100), variant("a", "v1.1.0", 550)},
			variants{variant("b", "v1.3.0", 100, 500, 600), variant("a", "v1.1.0", 550, 0, 500, 600, 650)}},
		{"a new one takes what another gave up, but not what one that grows takes", variants{variant("c", "v1.4.0", 600), variant("b", "v1.3.0", 150)},
			variants{variant("c", "v1.4.0", 600, 0, 500, 650, 750), variant("b", "v1.3.0", 150, 500, 650)}},
		{"a dark one has none", variants{variant("c", "v1.4.0", 0), variant("b", "v1.3.0", 150)},
			variants{variant("c", "v1.4.0", 0), variant("b", "v1.3.0", 150, 500, 650)}},
		{"all of them", variants{variant("b", "v1.3.0", 10000)}, variants{variant("b", "v1.3.0", 10000, 0, 10000)}},
		{"neighbours are one range", variants{variant("b", "v1.3.0", 1)}, variants{variant("b", "v1.3.0", 1, 0, 1)}},
	}
	now := fresh()
	for _, step := range steps {
		now = set(t, now, func(r *registryv1.Rollout) { r.Variants = step.wanted })
		if diff := cmp.Diff(step.want, now.GetRollout().GetVariants(), protocmp.Transform()); diff != "" {
			t.Errorf("%s (-expected +got):\n%s", step.name, diff)
		}
	}
}

func TestAnotherSeedDividesAnew(t *testing.T) {
	t.Parallel()
	now := set(t, fresh(), func(r *registryv1.Rollout) {
		r.Variants = []*registryv1.Variant{variant("a", "v1.1.0", 500), variant("b", "v1.2.0", 100)}
	})
	now = set(t, now, func(r *registryv1.Rollout) { r.Variants = r.GetVariants()[1:] })
	now = set(t, now, func(r *registryv1.Rollout) { r.Seed = "iris-2" })
	want := []*registryv1.Variant{variant("b", "v1.2.0", 100, 0, 100)}
	if diff := cmp.Diff(want, now.GetRollout().GetVariants(), protocmp.Transform()); diff != "" {
		t.Errorf("ranges (-expected +got):\n%s", diff)
	}
}

// randomVariants returns up to 16 variants of a few names, whose weights sum to at most 10000.
func randomVariants(random *rand.Rand) []*registryv1.Variant {
	var variants []*registryv1.Variant
	left := rollout.Buckets
	for _, i := range random.Perm(20)[:random.IntN(17)] {
		weight := 0
		switch random.IntN(4) {
		case 0:
			weight = random.IntN(left + 1)
		case 1, 2:
			weight = random.IntN(left/10 + 1)
		}
		left -= weight
		variants = append(variants, variant(fmt.Sprintf("name%d", i), fmt.Sprintf("v1.%d.0", random.IntN(3)), uint32(weight)))
	}
	return variants
}

// owners returns which variant, by name, has each bucket, "" where none has; it fails unless
// ranges are sorted, apart, not empty, and as long as the weights say.
func owners(t *testing.T, r *registryv1.Rollout) [rollout.Buckets]string {
	t.Helper()
	var owner [rollout.Buckets]string
	for _, v := range r.GetVariants() {
		buckets, after := uint32(0), -1
		for _, held := range v.GetRanges() {
			start, end := int(held.GetStart()), int(held.GetEnd())
			if start <= after || start >= end || end > rollout.Buckets {
				t.Fatalf("%s has ranges %v", v.GetName(), v.GetRanges())
			}
			after = end
			for bucket := start; bucket < end; bucket++ {
				if owner[bucket] != "" {
					t.Fatalf("bucket %d is of %s and %s", bucket, owner[bucket], v.GetName())
				}
				owner[bucket] = v.GetName()
				buckets++
			}
		}
		if buckets != v.GetWeight() {
			t.Fatalf("%s has %d buckets, expected %d", v.GetName(), buckets, v.GetWeight())
		}
	}
	return owner
}

func TestNobodyIsMovedOutOfAVariantThatDoesNotShrink(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random, now := rand.New(rand.NewPCG(seed, 7)), fresh()
			for range 60 {
				change := func(r *registryv1.Rollout) { r.Variants = randomVariants(random) }
				if random.IntN(3) == 0 { // grow only
					change = func(r *registryv1.Rollout) { grow(random, r.GetVariants()) }
				}
				next := set(t, now, change)
				requireKept(t, now.GetRollout(), next.GetRollout())
				wanted := proto.CloneOf(next.GetRollout())
				wanted.Etag = now.GetRollout().GetEtag()
				again, _, err := rollout.Set(now, wanted, by("ada@laptop"))
				if err != nil {
					t.Fatal(err)
				}
				if !proto.Equal(again.GetRollout(), next.GetRollout()) {
					t.Fatal("the same change gives other ranges")
				}
				now = next
			}
		})
	}
}

// grow raises some weights.
func grow(random *rand.Rand, variants []*registryv1.Variant) {
	left := rollout.Buckets
	for _, v := range variants {
		left -= int(v.GetWeight())
	}
	for _, v := range variants {
		more := random.IntN(left/4 + 1)
		v.Weight += uint32(more)
		left -= more
	}
}

// requireKept fails unless variants that do not shrink keep all their buckets, and those that
// shrink have none that they did not have.
func requireKept(t *testing.T, before, after *registryv1.Rollout) {
	t.Helper()
	was, is := owners(t, before), owners(t, after)
	for _, v := range after.GetVariants() {
		i := slices.IndexFunc(before.GetVariants(), func(old *registryv1.Variant) bool { return old.GetName() == v.GetName() })
		if i < 0 {
			continue
		}
		grows := v.GetWeight() >= before.GetVariants()[i].GetWeight()
		for bucket := range rollout.Buckets {
			switch had, has := was[bucket] == v.GetName(), is[bucket] == v.GetName(); {
			case grows && had && !has:
				t.Fatalf("%s grew, and bucket %d was moved from it to %q", v.GetName(), bucket, is[bucket])
			case !grows && has && !had:
				t.Fatalf("%s shrank, and took bucket %d of %q", v.GetName(), bucket, was[bucket])
			}
		}
	}
}
