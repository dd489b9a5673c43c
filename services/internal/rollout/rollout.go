// Package rollout decides which version of a model answers which request, and keeps the record
// of who changed that. It is pure: it reads no file and no clock, and knows no registry. It works
// on the messages of sepal/registry/v1/rollout.proto, whose comments say what the fields mean.
//
// A [Plan] is a rollout that was checked and compiled: [Plan.Assign] gives the answering version
// of a subject. A record is the content of a model's rollout.json: [Decode] and [Encode] read and
// write it; [Set], [Rollback] and [Publish] make a new one out of the present one.
//
// Records share their events with those that they were made from, and a Plan keeps its message: a
// message that was given to this package, or came from it, is not to be changed. The functions
// may be called from any number of goroutines.
package rollout

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// StableVariant is the name under which the stable version answers.
const StableVariant = "stable"

// Buckets is the number of buckets; a weight counts them, as a bucket is a hundredth of a percent.
const Buckets = 10000

// FormatVersion is the version of the format of records.
const FormatVersion = 1

// Limits of a rollout and its record.
const (
	// MaxVariants is the number of variants that a rollout may have, the stable version aside.
	MaxVariants = 16
	// MaxShadows is the number of shadow versions that a rollout may have.
	MaxShadows = 16
	// MaxLabels is the number of labels that a rollout may have.
	MaxLabels = 64
	// MaxSeedBytes is the length of the longest seed.
	MaxSeedBytes = 256
	// MaxEvents is the number of events that a record keeps: the latest.
	MaxEvents = 1000
	// MaxRecordBytes is the size of the largest record, encoded: 16 MiB. One that would be larger
	// keeps fewer events.
	MaxRecordBytes = 16 << 20
)

// Initial is the rollout of a model for which nobody set one: the version given answers
// everything.
func Initial(model, stable string) *registryv1.Rollout {
	r := &registryv1.Rollout{Model: model, Stable: stable, Seed: model}
	r.Etag = Etag(r)
	return r
}

// NewRecord is the record of a model without rollout.json: one without events. The rollout is
// that of [Initial], or nil for a model that has no version yet.
func NewRecord(initial *registryv1.Rollout) *registryv1.RolloutRecord {
	record := &registryv1.RolloutRecord{FormatVersion: FormatVersion}
	if initial != nil {
		record.Initial = forEvent(initial)
		record.Rollout = inForce(initial)
	}
	return record
}

// Etag returns the etag of a rollout: another for each of its model's. It means nothing to
// clients.
func Etag(r *registryv1.Rollout) string {
	return "r" + strconv.FormatUint(uint64(r.GetRevision()), 10)
}

// forEvent returns a copy as events keep it.
func forEvent(r *registryv1.Rollout) *registryv1.Rollout {
	kept := proto.CloneOf(r)
	kept.Etag, kept.Pinned = "", ""
	return kept
}

// inForce returns a copy as a record has its present rollout.
func inForce(r *registryv1.Rollout) *registryv1.Rollout {
	present := forEvent(r)
	present.Etag = Etag(r)
	return present
}
