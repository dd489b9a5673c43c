package registry

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/rollout"
)

// plan settles which versions of the entry answer: what MODEL_VERSION says, what the rollout
// says, or the newest release. Where that names a version that is not loaded, what was followed
// before stays.
func (b *builder) plan(e *entry, isDefault bool) {
	before := b.before.models[e.name]
	var err error
	switch {
	case isDefault && b.live.options.Version != "":
		e.pinned = b.live.options.Version
		err = b.followPin(e)
	case e.recordErr != nil:
		err = e.recordErr
		if before != nil {
			e.record = before.record // the last that made sense
		}
	case e.record != nil:
		err = b.followRecord(e)
	case before != nil && before.record != nil:
		// Its loss must not move traffic, nor lose the history.
		e.record = before.record
		err = fmt.Errorf("%s: the file is gone; what it said stays in force until a rollout is set", b.live.at(e.rolloutPath()))
	default:
		err = b.followRelease(e)
	}
	if err == nil {
		return
	}
	e.notFollowed = err
	if before == nil || before.plan == nil {
		b.followPartly(e)
		return
	}
	if _, missing := e.missing(before.plan); !missing {
		e.follow(before.plan, b.live.agreements)
	}
}

// rolloutPath is where the entry's rollout file stands.
func (e *entry) rolloutPath() string { return path.Join(e.dir, rolloutFile) }

// followPin follows the version that the server was told to serve.
func (b *builder) followPin(e *entry) error {
	if err := b.notPinned(e, e.pinned); err != nil {
		return err
	}
	pin := rollout.Initial(e.name, e.pinned)
	if e.record != nil {
		for name, version := range e.record.GetRollout().GetLabels() {
			if e.loaded[version] != nil {
				if pin.Labels == nil {
					pin.Labels = map[string]string{}
				}
				pin.Labels[name] = version
			}
		}
	}
	plan, err := rollout.Compile(pin)
	if err != nil {
		return err
	}
	e.follow(plan, b.live.agreements)
	return nil
}

// notPinned returns why a version that MODEL_VERSION names cannot answer; nil where it can.
func (b *builder) notPinned(e *entry, version string) error {
	if e.loaded[version] != nil {
		return nil
	}
	if broken := e.broken[version]; broken != nil {
		return broken.Err
	}
	all := newestFirst(append(sortedKeys(e.loaded), sortedKeys(e.broken)...))
	return fmt.Errorf("%s: model %q has no version %q (MODEL_VERSION); it has: %s", b.live.store, e.name, version, some(all))
}

// followPartly follows the rollout but for those versions of it that get no traffic and are not
// loaded, so that a server may start.
func (b *builder) followPartly(e *entry) {
	if e.record == nil || e.recordErr != nil || e.pinned != "" || e.record.GetRollout().GetModel() != e.name {
		return
	}
	reduced := proto.CloneOf(e.record.GetRollout())
	reduced.Variants = slices.DeleteFunc(reduced.GetVariants(), func(v *registryv1.Variant) bool {
		return v.GetWeight() == 0 && e.loaded[v.GetVersion()] == nil
	})
	reduced.Shadows = slices.DeleteFunc(reduced.GetShadows(), func(version string) bool { return e.loaded[version] == nil })
	maps.DeleteFunc(reduced.GetLabels(), func(_, version string) bool { return e.loaded[version] == nil })
	plan, err := rollout.Compile(reduced)
	if err != nil {
		return
	}
	if _, missing := e.missing(plan); !missing {
		e.follow(plan, b.live.agreements)
		e.partly = true
	}
}

// followRecord follows the rollout that somebody set.
func (b *builder) followRecord(e *entry) error {
	if model := e.record.GetRollout().GetModel(); model != e.name {
		return fmt.Errorf("%s: the rollout is of model %q, but stands in the folder of %q", b.live.at(e.rolloutPath()), model, e.name)
	}
	plan, err := rollout.Compile(e.record.GetRollout())
	if err != nil {
		return fmt.Errorf("%s: %w", b.live.at(e.rolloutPath()), err)
	}
	if version, missing := e.missing(plan); missing {
		return fmt.Errorf("%s: %w", b.live.at(e.rolloutPath()), e.notLoaded(version))
	}
	e.follow(plan, b.live.agreements)
	return nil
}

// followRelease follows the newest release.
func (b *builder) followRelease(e *entry) error {
	newest := newestRelease(newestFirst(append(sortedKeys(e.loaded), sortedKeys(e.broken)...)))
	if broken := e.broken[newest]; broken != nil {
		return broken.Err
	}
	return b.followNewest(e, newest)
}

func (b *builder) followNewest(e *entry, version string) error {
	plan, err := rollout.Compile(rollout.Initial(e.name, version))
	if err != nil {
		return fmt.Errorf("%s: %w", b.live.store, err)
	}
	e.follow(plan, b.live.agreements)
	return nil
}

// serves reports whether requests may get the version without naming it.
func (e *entry) serves(version string) bool {
	return e.plan != nil && slices.Contains(e.plan.Versions(), version)
}

// published returns the event of a version's publication; nil if that is not on record.
func published(record *registryv1.RolloutRecord, version string) *registryv1.RolloutEvent {
	for _, event := range record.GetEvents() {
		if event.GetKind() == registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_PUBLISH && event.GetVersion() == version {
			return event
		}
	}
	return nil
}

// publishedDigest returns the digest with which a version was published; "" if that is not on
// record.
func publishedDigest(record *registryv1.RolloutRecord, version string) string {
	return published(record, version).GetDigest()
}
