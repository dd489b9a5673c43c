package rollout_test

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// The vectors are those of version 2 of the hash in GrowthBook's cases.json, times 10000.
func TestBucketGivesGrowthBooksVectors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		seed, subject string
		bucket        int
	}{
		{"seed", "a", 505},
		{"seed", "b", 2696},
		{"foo", "ab", 2575},
		{"foo", "def", 2019},
		{"89123klj", "8952klfjas09ujkasdf", 1240},
		{"90850943850283058242805", "123", 7516},
		{"()**(%$##$%#$#", `___)((*":&`, 128},
	} {
		if got := rollout.Bucket(test.seed, test.subject); got != test.bucket {
			t.Errorf("%q, %q: bucket %d, expected %d", test.seed, test.subject, got, test.bucket)
		}
	}
}

func TestBucketIsTheHashOfTheHash(t *testing.T) {
	t.Parallel()
	hash := func(text string) uint32 {
		h := fnv.New32a()
		h.Write([]byte(text))
		return h.Sum32()
	}
	for i := range 10_000 {
		seed, subject := fmt.Sprint("saat-ü-", i%7), fmt.Sprint("customer-", i)
		want := int(hash(strconv.FormatUint(uint64(hash(seed+subject)), 10)) % rollout.Buckets)
		if got := rollout.Bucket(seed, subject); got != want {
			t.Fatalf("%q, %q: bucket %d, expected %d", seed, subject, got, want)
		}
	}
}

func TestBucketDoesNotAllocate(t *testing.T) {
	sum := 0
	if allocations := testing.AllocsPerRun(1000, func() { sum += rollout.Bucket("iris", "customer-4711") }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
