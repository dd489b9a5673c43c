package monitor

import (
	"cmp"
	"slices"
	"sync/atomic"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/drift"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

const (
	// maxPast is how many variants that are no more are kept of a version, so that what was
	// counted of one goes on when it comes back.
	maxPast = 64
	// maxGone is how many versions that are no more are kept until their points of time are past.
	maxGone = 64
)

// key tells versions apart. One that is loaded anew, or that has a problem by now, is the same.
type key struct{ model, version, digest string }

// entry is what is counted of one version.
type entry struct {
	model, version string
	classes        []string
	window         *drift.Window
	report         cachedReport
	// tallies are one per variant. The list is never changed, but replaced.
	tallies atomic.Pointer[[]*Tally]

	// What follows is guarded by the monitor's mu.

	live  bool     // whether it is served
	place int      // among those that are served
	arms  []string // the variants that it answers as
	used  int64    // the last step of time in which a row was counted, or it was new
}

func newEntry(v *registry.Version, o drift.Options) *entry {
	e := &entry{model: v.Model, version: v.Version, window: drift.NewWindow(v.File, o)}
	e.tallies.Store(new([]*Tally))
	for k := range v.Compiled.NumClasses() {
		e.classes = append(e.classes, v.Compiled.Class(k))
	}
	return e
}

// tally returns the tally of a variant; nil if there is none yet.
func (e *entry) tally(variant string) *Tally {
	for _, t := range *e.tallies.Load() {
		if t.variant == variant {
			return t
		}
	}
	return nil
}

func (e *entry) add(t *Tally) {
	list := append(slices.Clone(*e.tallies.Load()), t)
	e.tallies.Store(&list)
}

// answersAs reports whether the version answers as the variant now.
func (e *entry) answersAs(variant string) bool { return slices.Contains(e.arms, variant) }

// listed returns the tallies in the order in which they are shown: the variants of the rollout as
// they stand there, then the others by name.
func (e *entry) listed() []*Tally {
	list := slices.Clone(*e.tallies.Load())
	place := func(t *Tally) int {
		if i := slices.Index(e.arms, t.variant); i >= 0 {
			return i
		}
		return len(e.arms)
	}
	slices.SortFunc(list, func(a, b *Tally) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.variant, b.variant))
	})
	return list
}

// prune forgets the variants that are no more, but for the last ones that were used.
func (e *entry) prune() {
	list := *e.tallies.Load()
	if len(list) <= maxPast {
		return
	}
	past := slices.DeleteFunc(slices.Clone(list), func(t *Tally) bool { return t.variant == "" || e.answersAs(t.variant) })
	if len(past) <= maxPast {
		return
	}
	slices.SortStableFunc(past, func(a, b *Tally) int { return cmp.Compare(b.used, a.used) })
	kept := slices.DeleteFunc(slices.Clone(list), func(t *Tally) bool { return slices.Contains(past[maxPast:], t) })
	e.tallies.Store(&kept)
}

// prune forgets what is no more and belongs to none of the points of time. It is called with mu
// held.
func (m *Monitor) prune() {
	var gone []*entry
	for k, e := range m.entries {
		switch {
		case e.live:
			e.prune()
		case m.history.step-e.used > points:
			delete(m.entries, k)
		default:
			gone = append(gone, e)
		}
	}
	if len(gone) <= maxGone {
		return
	}
	slices.SortFunc(gone, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(b.used, a.used), compareNames(a, b))
	})
	for k, e := range m.entries {
		if slices.Contains(gone[maxGone:], e) {
			delete(m.entries, k)
		}
	}
}

// listed returns what is counted of versions, in the order of the registry, and then of those that
// it does not hold any more. It is called with mu held.
func (m *Monitor) listed() []*entry {
	list := make([]*entry, 0, len(m.entries))
	for _, e := range m.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *entry) int {
		switch {
		case a.live && b.live:
			return cmp.Compare(a.place, b.place)
		case a.live != b.live:
			if a.live {
				return -1
			}
			return 1
		}
		return compareNames(a, b)
	})
	return list
}

func compareNames(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.model, b.model), cmp.Compare(a.version, b.version))
}

// arms returns which versions answer as which variants.
func arms(r *registryv1.Rollout) []rollout.Arm {
	if pinned := r.GetPinned(); pinned != "" {
		return []rollout.Arm{{Variant: rollout.StableVariant, Version: pinned}}
	}
	list := []rollout.Arm{{Variant: rollout.StableVariant, Version: r.GetStable()}}
	for _, v := range r.GetVariants() {
		list = append(list, rollout.Arm{Variant: cmp.Or(v.GetName(), v.GetVersion()), Version: v.GetVersion()})
	}
	return list
}
