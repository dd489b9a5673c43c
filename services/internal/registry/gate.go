package registry

import (
	"fmt"
	"slices"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/softmax"
)

// BreakError says that a version breaks the signature of the one that is stable.
type BreakError struct {
	Model, Version, Stable string
	Breaks                 []*registryv1.SignatureBreak
}

func (e *BreakError) Error() string {
	return fmt.Sprintf("version %q breaks the signature of %q, which is the stable version of model %q: %s; "+
		"callers would get errors or other classes. Publish it as another model, or force it", e.Version, e.Stable, e.Model, described(e.Breaks))
}

// described joins what breaks, of many the first few.
func described(breaks []*registryv1.SignatureBreak) string {
	what := make([]string, len(breaks))
	for i, b := range breaks {
		what[i] = b.GetDescription()
	}
	return some(what)
}

// Breaks returns in which ways version does not take the rows that stable takes, or does not
// answer in its classes: a feature that was removed, renamed, retyped, moved or added, or that
// takes fewer values; a class that was removed or moved. Nothing for versions that agree.
func Breaks(stable, version *Version) []*registryv1.SignatureBreak {
	return append(
		featureBreaks(stable.Compiled.Signature(), version.Compiled.Signature()),
		classBreaks(stable.Compiled, version.Compiled)...)
}

func featureBreaks(old, next *softmax.Signature) []*registryv1.SignatureBreak {
	var breaks []*registryv1.SignatureBreak
	add := func(i int, format string, args ...any) {
		breaks = append(breaks, &registryv1.SignatureBreak{Field: fmt.Sprintf("features[%d]", i), Description: fmt.Sprintf(format, args...)})
	}
	for i := range old.Len() {
		was := old.Feature(i)
		j, there := next.Index(was.Name)
		if !there {
			if i < next.Len() && next.Len() == old.Len() && !has(old, next.Feature(i).Name) {
				add(i, "feature %q was renamed to %q", was.Name, next.Feature(i).Name)
			} else {
				add(i, "feature %q was removed", was.Name)
			}
			continue
		}
		if j != i {
			add(i, "feature %q was moved from position %d to %d", was.Name, i, j)
		}
		valueBreaks(was, next.Feature(j), func(format string, args ...any) { add(i, format, args...) })
	}
	for j := range next.Len() {
		name := next.Feature(j).Name
		if !has(old, name) && (next.Len() != old.Len() || has(next, old.Feature(j).Name)) {
			add(j, "feature %q was added", name)
		}
	}
	return breaks
}

// valueBreaks says how a feature takes other values than it did.
func valueBreaks(was, is *softmax.Feature, add func(format string, args ...any)) {
	switch {
	case was.Categorical() != is.Categorical():
		add("feature %q was %s and is %s", was.Name, kind(was), kind(is))
	case was.Categorical() && (len(is.Categories) < len(was.Categories) || !slices.Equal(was.Categories, is.Categories[:len(was.Categories)])):
		add("feature %q had the categories %s and has %s; new ones may only come after those that there were",
			was.Name, quoted(was.Categories), quoted(is.Categories))
	}
	if was.Other != nil && is.Other == nil && is.Categorical() {
		add("feature %q took texts that are none of its categories and does not any more", was.Name)
	}
	if was.Impute != nil && is.Impute == nil {
		add("feature %q was allowed to be missing and is not any more", was.Name)
	}
	if was.Unit != "" && is.Unit != "" && was.Unit != is.Unit {
		add("feature %q was in unit %q and is in %q", was.Name, was.Unit, is.Unit)
	}
}

func has(s *softmax.Signature, name string) bool {
	_, there := s.Index(name)
	return there
}

func kind(f *softmax.Feature) string {
	if f.Categorical() {
		return "categorical"
	}
	return "numeric"
}

func classBreaks(old, next *softmax.Model) []*registryv1.SignatureBreak {
	was, is := old.Definition().Classes, next.Definition().Classes
	var breaks []*registryv1.SignatureBreak
	add := func(i int, format string, args ...any) {
		breaks = append(breaks, &registryv1.SignatureBreak{Field: fmt.Sprintf("classes[%d]", i), Description: fmt.Sprintf(format, args...)})
	}
	for i, class := range was {
		switch j := slices.Index(is, class); {
		case j < 0:
			add(i, "class %q was removed", class)
		case j != i:
			add(i, "class %q was moved from position %d to %d", class, i, j)
		}
	}
	return breaks
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return some(out)
}
