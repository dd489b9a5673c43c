package rollout

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// violations gathers what is wrong, in the order in which it was found.
type violations struct{ found []Violation }

func (v *violations) add(field, format string, args ...any) {
	v.found = append(v.found, Violation{field, fmt.Sprintf(format, args...)})
}

func (v *violations) none() bool { return len(v.found) == 0 }

// err returns the [*InvalidError], or nil where nothing was found.
func (v *violations) err() error {
	if v.none() {
		return nil
	}
	return &InvalidError{Violations: v.found}
}

// checkRollout holds a rollout against all rules but those of the ranges.
func (v *violations) checkRollout(at string, r *registryv1.Rollout) {
	v.checkModel(at+".model", r.GetModel())
	v.checkVersion(at+".stable", r.GetStable())
	v.checkVariants(at+".variants", r.GetVariants())
	v.checkShadows(at+".shadows", r.GetShadows())
	v.checkLabels(at+".labels", r.GetLabels())
	v.checkSeed(at+".seed", r.GetSeed())
}

func (v *violations) checkModel(at, name string) {
	switch {
	case name == "":
		v.add(at, "is missing")
	case native.CheckName(name) != nil:
		v.add(at, "is %s, expected 1 to 64 of a-z, 0-9, \"-\", \"_\", \".\" with a letter or digit first", quoted(name))
	}
}

func (v *violations) checkVersion(at, version string) {
	switch {
	case version == "":
		v.add(at, "is missing, expected a version such as \"v1.0.0\"")
	case native.CheckVersion(version) != nil:
		v.add(at, "is %s, expected a semantic version such as \"v1.0.0\"", quoted(version))
	}
}

func (v *violations) checkVariants(at string, variants []*registryv1.Variant) {
	if len(variants) > MaxVariants {
		v.add(at, "has %d elements, expected at most %d", len(variants), MaxVariants)
		return
	}
	first := make(map[string]int, len(variants))
	sum := uint64(0)
	for i, variant := range variants {
		at := fmt.Sprintf("%s[%d]", at, i)
		v.checkVersion(at+".version", variant.GetVersion())
		if name := nameOf(variant); name != "" {
			v.checkVariantName(at+".name", name)
			if j, seen := first[name]; seen {
				v.add(at+".name", "is %s, as that of variant %d: names are unique, and a variant without one is named by its version", quoted(name), j)
			} else {
				first[name] = i
			}
		}
		if variant.GetWeight() > Buckets {
			v.add(at+".weight", "is %d, expected 0 to %d hundredths of a percent", variant.GetWeight(), Buckets)
		}
		sum += uint64(variant.GetWeight())
	}
	if sum > Buckets {
		v.add(at, "has weights that sum to %d, expected at most %d hundredths of a percent", sum, Buckets)
	}
}

func (v *violations) checkVariantName(at, name string) {
	switch {
	case name == StableVariant:
		v.add(at, "is %q, which is the name of the stable version", name)
	case native.CheckVersion(name) != nil:
		v.checkModel(at, name)
	}
}

func (v *violations) checkShadows(at string, shadows []string) {
	if len(shadows) > MaxShadows {
		v.add(at, "has %d elements, expected at most %d", len(shadows), MaxShadows)
		return
	}
	for i, version := range shadows {
		at := fmt.Sprintf("%s[%d]", at, i)
		v.checkVersion(at, version)
		if first := slices.Index(shadows, version); first < i && version != "" {
			v.add(at, "is %s, as element %d: a version is scored once", quoted(version), first)
		}
	}
}

func (v *violations) checkLabels(at string, labels map[string]string) {
	if len(labels) > MaxLabels {
		v.add(at, "has %d elements, expected at most %d", len(labels), MaxLabels)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		at := fmt.Sprintf("%s[%s]", at, quoted(name))
		v.checkLabelName(at, name)
		v.checkVersion(at, labels[name])
	}
}

func (v *violations) checkLabelName(at, name string) {
	switch {
	case name == StableVariant:
		v.add(at, "has the name of the stable version")
	case native.CheckVersion(name) == nil:
		v.add(at, "has the name of a version, which it would hide")
	case native.CheckName(name) != nil:
		v.add(at, "has a name other than 1 to 64 of a-z, 0-9, \"-\", \"_\", \".\" with a letter or digit first")
	}
}

func (v *violations) checkSeed(at, seed string) {
	switch {
	case len(seed) > MaxSeedBytes:
		v.add(at, "has %d bytes, expected at most %d", len(seed), MaxSeedBytes)
	case !utf8.ValidString(seed):
		v.add(at, "is not UTF-8 text")
	}
}

// checkRanges holds the ranges of a rollout that is right otherwise against its weights.
func (v *violations) checkRanges(at string, r *registryv1.Rollout) {
	var taken [Buckets]bool
	for i, variant := range r.GetVariants() {
		at := fmt.Sprintf("%s.variants[%d].ranges", at, i)
		buckets, after := uint32(0), uint32(0)
		for j, held := range variant.GetRanges() {
			at, start, end := fmt.Sprintf("%s[%d]", at, j), held.GetStart(), held.GetEnd()
			if start < after || end <= start || end > Buckets {
				v.add(at, "is %d to %d, expected a range from %d or higher up to %d or lower that is not empty", start, end, after, Buckets)
				return
			}
			if k := slices.Index(taken[start:end], true); k >= 0 {
				v.add(at, "holds bucket %d, which another variant holds", int(start)+k)
				return
			}
			for bucket := start; bucket < end; bucket++ {
				taken[bucket] = true
			}
			buckets, after = buckets+end-start, end
		}
		if buckets != variant.GetWeight() {
			v.add(at, "hold %d buckets, expected as many as the weight: %d", buckets, variant.GetWeight())
			return
		}
	}
}
