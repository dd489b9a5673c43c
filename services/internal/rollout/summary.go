package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// summary says in one line for people what another rollout changes.
func summary(from, to *registryv1.Rollout) string {
	var parts []string
	if from.GetStable() != to.GetStable() {
		parts = append(parts, fmt.Sprintf("stable %s → %s", from.GetStable(), to.GetStable()))
	}
	parts = slices.Concat(parts, variantChanges(from.GetVariants(), to.GetVariants()),
		shadowChanges(from.GetShadows(), to.GetShadows()), labelChanges(from.GetLabels(), to.GetLabels()))
	if from.GetSeed() != to.GetSeed() {
		parts = append(parts, fmt.Sprintf("seed %s → %s", quoted(from.GetSeed()), quoted(to.GetSeed())))
	}
	if len(parts) == 0 {
		return "nothing changed"
	}
	return strings.Join(parts, "; ")
}

func variantChanges(from, to []*registryv1.Variant) []string {
	var parts []string
	for _, v := range to {
		old := named(from, nameOf(v))
		if old == nil {
			parts = append(parts, "variant + "+titled(v)+" "+percent(v.GetWeight()))
		} else if change := variantChange(old, v); change != "" {
			parts = append(parts, change)
		}
	}
	for _, v := range from {
		if named(to, nameOf(v)) == nil {
			parts = append(parts, "variant - "+titled(v)+" "+percent(v.GetWeight()))
		}
	}
	return parts
}

func named(variants []*registryv1.Variant, name string) *registryv1.Variant {
	for _, v := range variants {
		if nameOf(v) == name {
			return v
		}
	}
	return nil
}

// variantChange says what changes of a variant that keeps its name; "" where nothing does.
func variantChange(from, to *registryv1.Variant) string {
	what, share := titled(to), percent(to.GetWeight())
	if from.GetVersion() != to.GetVersion() {
		what = nameOf(to) + " " + from.GetVersion() + " → " + to.GetVersion()
	}
	switch {
	case from.GetWeight() != to.GetWeight():
		share = percent(from.GetWeight()) + " → " + share
	case !sameRanges(from.GetRanges(), to.GetRanges()):
		share += " in other buckets"
	case from.GetVersion() == to.GetVersion():
		return ""
	}
	return what + " " + share
}

func sameRanges(a, b []*registryv1.BucketRange) bool {
	return slices.EqualFunc(a, b, func(a, b *registryv1.BucketRange) bool { return proto.Equal(a, b) })
}

// titled returns the name of a variant and its version, once where they are the same.
func titled(v *registryv1.Variant) string {
	if nameOf(v) == v.GetVersion() {
		return v.GetVersion()
	}
	return nameOf(v) + " " + v.GetVersion()
}

// percent returns a weight as "5 %", "0.05 %".
func percent(weight uint32) string {
	return strconv.FormatFloat(float64(weight)/100, 'f', -1, 64) + " %"
}

func shadowChanges(from, to []string) []string {
	var parts []string
	for _, version := range to {
		if !slices.Contains(from, version) {
			parts = append(parts, "shadow + "+version)
		}
	}
	for _, version := range from {
		if !slices.Contains(to, version) {
			parts = append(parts, "shadow - "+version)
		}
	}
	return parts
}

func labelChanges(from, to map[string]string) []string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if version, had := from[name]; !had || version != to[name] {
			parts = append(parts, "label "+name+" = "+to[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, has := to[name]; !has {
			parts = append(parts, "label - "+name)
		}
	}
	return parts
}
