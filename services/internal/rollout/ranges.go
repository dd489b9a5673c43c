package rollout

import (
	"slices"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// free is the owner of a bucket that no variant holds.
const free = -1

// division says which variant holds each bucket.
type division struct {
	owner [Buckets]int
	held  []int // of each variant, how many buckets it holds
	last  []int // of each variant, the highest bucket that it holds, or free
}

// divide gives each of the wanted variants as many buckets as its weight says, in their ranges.
// A variant keeps the lowest of those that the one of its name holds at present, and only then
// are buckets that nobody keeps given out. So whatever weights grow, nobody is moved out of a
// variant that does not shrink.
func divide(present, wanted []*registryv1.Variant) {
	d := &division{held: make([]int, len(wanted)), last: make([]int, len(wanted))}
	for bucket := range d.owner {
		d.owner[bucket] = free
	}
	for i, variant := range wanted {
		d.last[i] = free
		at := slices.IndexFunc(present, func(old *registryv1.Variant) bool { return nameOf(old) == nameOf(variant) })
		if at >= 0 {
			d.keep(i, variant, present[at].GetRanges())
		}
	}
	for i, variant := range wanted {
		d.extend(i, variant)
	}
	for i, variant := range wanted {
		d.fill(i, variant)
	}
	for i, variant := range wanted {
		variant.Ranges = d.ranges(i)
	}
}

func (d *division) take(i, bucket int) {
	d.owner[bucket] = i
	d.held[i]++
	d.last[i] = max(d.last[i], bucket)
}

func (d *division) wants(i int, v *registryv1.Variant) bool { return d.held[i] < int(v.GetWeight()) }

// keep takes the lowest buckets of the ranges that the variant had.
func (d *division) keep(i int, v *registryv1.Variant, had []*registryv1.BucketRange) {
	for _, r := range had {
		for bucket := int(r.GetStart()); bucket < int(r.GetEnd()) && d.wants(i, v); bucket++ {
			d.take(i, bucket)
		}
	}
}

// extend takes the free buckets right after those that the variant kept, so that ranges stay few.
func (d *division) extend(i int, v *registryv1.Variant) {
	if d.last[i] == free {
		return
	}
	for bucket := d.last[i] + 1; bucket < Buckets && d.owner[bucket] == free && d.wants(i, v); bucket++ {
		d.take(i, bucket)
	}
}

// fill takes the lowest free buckets.
func (d *division) fill(i int, v *registryv1.Variant) {
	for bucket := 0; bucket < Buckets && d.wants(i, v); bucket++ {
		if d.owner[bucket] == free {
			d.take(i, bucket)
		}
	}
}

// ranges returns the buckets of a variant, ascending, neighbours as one range.
func (d *division) ranges(i int) []*registryv1.BucketRange {
	var ranges []*registryv1.BucketRange
	for bucket := 0; bucket < Buckets; bucket++ {
		if d.owner[bucket] != i {
			continue
		}
		start := bucket
		for bucket < Buckets && d.owner[bucket] == i {
			bucket++
		}
		ranges = append(ranges, &registryv1.BucketRange{Start: uint32(start), End: uint32(bucket)})
	}
	return ranges
}
