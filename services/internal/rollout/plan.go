package rollout

import (
	"maps"
	"math/rand/v2"
	"slices"

	"golang.org/x/mod/semver"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// Plan is a rollout that was checked and compiled for assignment. It does not change, and may be
// used from any number of goroutines.
type Plan struct {
	rollout  *registryv1.Rollout
	arms     []Arm          // the stable version, then the variants in their order
	armOf    [Buckets]uint8 // index into arms
	seedHash uint32
	labels   []string
	versions []string
}

// Arm is what answers a request.
type Arm struct {
	// Variant is the name of the variant, or [StableVariant].
	Variant string
	// Version is the version that answers.
	Version string
}

// Compile checks a rollout that has its ranges, as records do, and returns the plan for it. The
// error is an [*InvalidError].
func Compile(r *registryv1.Rollout) (*Plan, error) {
	v := new(violations)
	v.checkRollout("rollout", r)
	if v.none() {
		v.checkRanges("rollout", r)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	p := &Plan{
		rollout:  r,
		arms:     []Arm{{StableVariant, r.GetStable()}},
		seedHash: fnv32a(fnvOffset, r.GetSeed()),
		labels:   slices.Sorted(maps.Keys(r.GetLabels())),
		versions: versionsOf(r),
	}
	for i, variant := range r.GetVariants() {
		p.arms = append(p.arms, Arm{nameOf(variant), variant.GetVersion()})
		for _, held := range variant.GetRanges() {
			for bucket := held.GetStart(); bucket < held.GetEnd(); bucket++ {
				p.armOf[bucket] = uint8(i + 1)
			}
		}
	}
	return p, nil
}

// nameOf returns the name under which a variant answers.
func nameOf(v *registryv1.Variant) string {
	if v.GetName() == "" {
		return v.GetVersion()
	}
	return v.GetName()
}

func versionsOf(r *registryv1.Rollout) []string {
	versions := append([]string{r.GetStable()}, r.GetShadows()...)
	for _, variant := range r.GetVariants() {
		versions = append(versions, variant.GetVersion())
	}
	versions = slices.AppendSeq(versions, maps.Values(r.GetLabels()))
	semver.Sort(versions)
	return slices.Compact(versions)
}

// Assign returns what answers a subject: the same for as long as neither its variant shrinks nor
// the seed changes. The subject "" is a request without one, and answered by chance. Assign does
// not allocate.
func (p *Plan) Assign(subject string) Arm {
	if subject == "" {
		return p.arms[p.armOf[rand.IntN(Buckets)]]
	}
	return p.arms[p.armOf[bucketOf(p.seedHash, subject)]]
}

// AssignBucket returns what answers the subjects of a bucket, 0 to 9999. For any other number, it
// is the stable version.
func (p *Plan) AssignBucket(bucket int) Arm {
	if bucket < 0 || bucket >= Buckets {
		return p.arms[0]
	}
	return p.arms[p.armOf[bucket]]
}

// Label returns the version that a label names, and whether there is such a label.
func (p *Plan) Label(name string) (version string, ok bool) {
	version, ok = p.rollout.GetLabels()[name]
	return version, ok
}

// Labels returns the names of the labels, sorted. The slice is not to be changed.
func (p *Plan) Labels() []string { return p.labels }

// Shadows returns the shadow versions, in the order of the rollout. The slice is not to be
// changed.
func (p *Plan) Shadows() []string { return p.rollout.GetShadows() }

// Versions returns every version that the rollout names, once, in the order of semantic versions:
// stable, variants even of weight 0, shadows and labels. The slice is not to be changed.
func (p *Plan) Versions() []string { return p.versions }

// Rollout returns the message that the plan was compiled from. It is not to be changed.
func (p *Plan) Rollout() *registryv1.Rollout { return p.rollout }
