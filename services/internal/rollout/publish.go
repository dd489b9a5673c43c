package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
)

// Publication is a version that was added to a registry.
type Publication struct {
	// Version is the version.
	Version string
	// Digest is the SHA-256 digest of its file, in lower-case hexadecimal.
	Digest string
	// Forced says whether it was forced past the breaks.
	Forced bool
	// Breaks is what a forced publication breaks in the signature of the stable version.
	Breaks []*registryv1.SignatureBreak
}

// Publish records that a version was published, and returns the new record and the event that it
// ends with. The rollout stays as it is; where there is none yet, the version becomes stable. The
// error is an [*InvalidError].
func Publish(now *registryv1.RolloutRecord, model string, p Publication, c Change) (*registryv1.RolloutRecord, *registryv1.RolloutEvent, error) {
	present := now.GetRollout()
	v := new(violations)
	v.checkChange("", c)
	v.checkModel("model", model)
	v.checkPublication("", p)
	if name := present.GetModel(); name != "" && model != name {
		v.add("model", "is %s, expected %q, whose record this is", quoted(model), name)
	}
	if err := v.err(); err != nil {
		return nil, nil, err
	}
	var first *registryv1.Rollout
	if present == nil {
		first = Initial(model, p.Version)
	}
	event := &registryv1.RolloutEvent{
		Kind:    registryv1.RolloutEventKind_ROLLOUT_EVENT_KIND_PUBLISH,
		Summary: "published " + p.Version,
		Version: p.Version,
		Digest:  p.Digest,
		Forced:  p.Forced,
	}
	for _, b := range p.Breaks {
		event.Breaks = append(event.Breaks, proto.CloneOf(b))
	}
	switch {
	case len(p.Breaks) == 1:
		event.Summary += ", forced past 1 break"
	case len(p.Breaks) > 1:
		event.Summary += fmt.Sprintf(", forced past %d breaks", len(p.Breaks))
	}
	record, event := add(now, c, first, event)
	return record, event, nil
}

func (v *violations) checkPublication(at string, p Publication) {
	v.checkVersion(at+"version", p.Version)
	sum, err := hex.DecodeString(p.Digest)
	if err != nil || len(sum) != sha256.Size || strings.ToLower(p.Digest) != p.Digest {
		v.add(at+"digest", "is %s, expected %d lower-case hexadecimal digits", quoted(p.Digest), 2*sha256.Size)
	}
	if len(p.Breaks) > 0 && !p.Forced {
		v.add(at+"breaks", "has %d elements, expected none in a publication that was not forced", len(p.Breaks))
	}
}
