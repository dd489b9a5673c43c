package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
	"github.com/sepal-ml/sepal/services/modelfile/native"
)

// share is what a version is to get of the requests.
type share struct {
	variant string // empty: the variant of that version, or a new one named by it
	version string
	weight  uint32 // hundredths of a percent
}

// shareOf reads a share such as "v1.1.0=5" or "canary:v1.1.0=0.5%".
func shareOf(text string) (share, error) {
	const expected = "expected VERSION=PERCENT such as v1.1.0=5, or NAME:VERSION=PERCENT"
	target, percent, ok := strings.Cut(text, "=")
	if !ok {
		return share{}, fmt.Errorf("found %q, %s", text, expected)
	}
	s := share{version: target}
	if name, version, named := strings.Cut(target, ":"); named {
		if name == "" {
			return share{}, fmt.Errorf("found %q without a name before the colon, %s", text, expected)
		}
		if name == rollout.StableVariant {
			return share{}, fmt.Errorf("found %q, but %s is the name of what the variants leave, expected another", text, name)
		}
		s.variant, s.version = name, version
	}
	if native.CheckVersion(s.version) != nil {
		return share{}, fmt.Errorf("found %q, whose version %q is none such as v1.0.0, %s", text, s.version, expected)
	}
	var err error
	if s.weight, err = weightOf(percent); err != nil {
		return share{}, fmt.Errorf("found %q, %w", text, err)
	}
	return s, nil
}

// weightOf returns a percentage such as "5", "0.25" or "5 %" in hundredths of a percent.
func weightOf(percent string) (uint32, error) {
	number := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(percent), "%"))
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return 0, fmt.Errorf("expected a percentage of 0 to 100 after the =")
	}
	weight := math.Round(100 * v)
	if math.Abs(100*v-weight) > 1e-9 {
		return 0, fmt.Errorf("expected a percentage of at most two digits after the point")
	}
	return uint32(weight), nil
}

// split changes the shares of variants; those that are not named keep theirs.
type split struct {
	clear  bool     // all variants end first
	remove []string // variants that end
	shares []share
}

// check returns an error if the split contradicts itself.
func (s split) check() error {
	if !s.clear && len(s.remove) == 0 && len(s.shares) == 0 {
		return errors.New("expected VERSION=PERCENT, --remove or --clear")
	}
	for i, given := range s.shares {
		if slices.Contains(s.remove, given.name()) {
			return fmt.Errorf("variant %s is given a share and is to be removed, expected one of both", given.name())
		}
		if slices.ContainsFunc(s.shares[:i], func(other share) bool { return other.name() == given.name() }) {
			return twice(given.name())
		}
	}
	return nil
}

func twice(variant string) error { return fmt.Errorf("variant %s is given a share twice", variant) }

// name returns the name of the variant that gets the share, as far as the command line says.
func (s share) name() string {
	if s.variant == "" {
		return s.version
	}
	return s.variant
}

func (s split) edit(r *registryv1.Rollout) (*registryv1.Rollout, error) {
	r = proto.CloneOf(r)
	if s.clear {
		r.Variants = nil
	}
	for _, name := range s.remove {
		at := slices.IndexFunc(r.GetVariants(), func(v *registryv1.Variant) bool { return variantName(v) == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no variant %q; %s", name, there(variantNames(r.GetVariants())))
		}
		r.Variants = slices.Delete(r.Variants, at, at+1)
	}
	set := map[*registryv1.Variant]bool{}
	for _, s := range s.shares {
		v, err := s.variantOf(r)
		if err != nil {
			return nil, err
		}
		if set[v] {
			return nil, &usageError{verb: "models split", err: twice(variantName(v))}
		}
		set[v] = true
		v.Version, v.Weight = s.version, s.weight
	}
	return r, checkSum(r.GetVariants())
}

// checkSum refuses shares that are more than there is.
func checkSum(variants []*registryv1.Variant) error {
	sum := uint32(0)
	parts := make([]string, len(variants))
	for i, v := range variants {
		sum += v.GetWeight()
		parts[i] = variantName(v) + " " + percentOf(v.GetWeight())
	}
	if sum > rollout.Buckets {
		return fmt.Errorf("the shares of the variants are %s in all (%s), expected at most 100 %%", percentOf(sum), strings.Join(parts, ", "))
	}
	return nil
}

// variantOf returns the variant that gets the share, which it adds where there is none.
func (s share) variantOf(r *registryv1.Rollout) (*registryv1.Variant, error) {
	var found []*registryv1.Variant
	for _, v := range r.GetVariants() {
		if s.variant != "" && variantName(v) == s.variant || s.variant == "" && v.GetVersion() == s.version {
			found = append(found, v)
		}
	}
	switch {
	case len(found) > 1:
		return nil, fmt.Errorf("several variants answer with %s (%s); name one, such as %s:%s=5",
			s.version, strings.Join(variantNames(found), ", "), variantName(found[0]), s.version)
	case len(found) == 1:
		return found[0], nil
	case s.variant == "" && s.version == r.GetStable():
		return nil, fmt.Errorf("%s is the stable version, which gets what the variants leave; to compare it with itself name a variant, such as same:%s=5", s.version, s.version)
	}
	added := &registryv1.Variant{Name: s.variant, Version: s.version}
	r.Variants = append(r.Variants, added)
	return added, nil
}

// variantName returns the name of a variant as responses give it.
func variantName(v *registryv1.Variant) string {
	if v.GetName() == "" {
		return v.GetVersion()
	}
	return v.GetName()
}

func variantNames(variants []*registryv1.Variant) []string {
	names := make([]string, len(variants))
	for i, v := range variants {
		names[i] = variantName(v)
	}
	return names
}
