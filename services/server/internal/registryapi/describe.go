package registryapi

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

func (s *Service) describeModel(m *registry.Model) *registryv1.RegisteredModel {
	described := &registryv1.RegisteredModel{
		Name:           m.Name,
		IsDefault:      m.Default,
		Rollout:        m.Rollout,
		LoadedVersions: uint32(len(m.Loaded)),
		FailedVersions: uint32(len(m.Broken)),
	}
	for _, problem := range m.Problems {
		described.Problems = append(described.Problems, s.shown(problem))
	}
	if len(m.Loaded) > 0 {
		described.NewestVersion = m.Loaded[0].Version
	}
	return described
}

func (s *Service) describeVersion(v *registry.Version) *registryv1.ModelVersion {
	described := &registryv1.ModelVersion{
		Model:     v.Model,
		Version:   v.Version,
		Digest:    v.Digest,
		Signature: v.File.GetSignature(),
		Classes:   v.File.GetClasses(),
		Training:  v.File.GetTraining(),
		State:     registryv1.VersionState_VERSION_STATE_LOADED,
		Reason:    s.shown(v.Problem),
		SizeBytes: uint32(v.Size),
	}
	if !v.Modified.IsZero() {
		described.ModifiedTime = timestamppb.New(v.Modified)
	}
	return described
}

func (s *Service) describeBroken(b *registry.BrokenVersion) *registryv1.ModelVersion {
	return &registryv1.ModelVersion{
		Model:   b.Model,
		Version: b.Version,
		State:   registryv1.VersionState_VERSION_STATE_FAILED,
		Reason:  s.shown(b.Err.Error()),
	}
}

// versionsOf describes the versions of a model, the newest first.
func (s *Service) versionsOf(m *registry.Model) []*registryv1.ModelVersion {
	var all []*registryv1.ModelVersion
	for _, v := range m.Loaded {
		all = append(all, s.describeVersion(v))
	}
	for _, b := range m.Broken {
		all = append(all, s.describeBroken(b))
	}
	slices.SortStableFunc(all, func(a, b *registryv1.ModelVersion) int {
		if c := semver.Compare(b.GetVersion(), a.GetVersion()); c != 0 {
			return c
		}
		return strings.Compare(b.GetVersion(), a.GetVersion())
	})
	return all
}

func latestFirst(events []*registryv1.RolloutEvent) []*registryv1.RolloutEvent {
	latest := slices.Clone(events)
	slices.Reverse(latest)
	return latest
}

func eventKey(e *registryv1.RolloutEvent) string {
	return strconv.FormatUint(uint64(e.GetRevision()), 10)
}
