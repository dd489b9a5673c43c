// Package registryapi adapts the registry to RegistryService of the contract.
package registryapi

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/registry"
)

// Service answers the calls of RegistryService.
type Service struct {
	models *registry.Live
}

var _ registryv1connect.RegistryServiceHandler = (*Service)(nil)

// New returns a service over the models.
func New(models *registry.Live) *Service { return &Service{models: models} }

// ListModels lists the models by name.
func (s *Service) ListModels(_ context.Context, request *registryv1.ListModelsRequest) (*registryv1.ListModelsResponse, error) {
	now := s.models.Current()
	names, next, err := page(now.Models(), func(name string) string { return name }, request)
	if err != nil {
		return nil, err
	}
	response := &registryv1.ListModelsResponse{NextPageToken: next}
	for _, name := range names {
		m, err := now.Model(name)
		if err != nil {
			return nil, s.wireError(err)
		}
		response.Models = append(response.Models, s.describeModel(m))
	}
	return response, nil
}

// GetModel describes one model.
func (s *Service) GetModel(_ context.Context, request *registryv1.GetModelRequest) (*registryv1.GetModelResponse, error) {
	m, err := s.models.Current().Model(request.GetModel())
	if err != nil {
		return nil, s.wireError(err)
	}
	return &registryv1.GetModelResponse{Model: s.describeModel(m)}, nil
}

// ListVersions lists the versions of a model, the newest first.
func (s *Service) ListVersions(_ context.Context, request *registryv1.ListVersionsRequest) (*registryv1.ListVersionsResponse, error) {
	m, err := s.models.Current().Model(request.GetModel())
	if err != nil {
		return nil, s.wireError(err)
	}
	versions, next, err := page(s.versionsOf(m), (*registryv1.ModelVersion).GetVersion, request)
	if err != nil {
		return nil, err
	}
	return &registryv1.ListVersionsResponse{Versions: versions, NextPageToken: next}, nil
}

// GetVersion describes one version of a model.
func (s *Service) GetVersion(_ context.Context, request *registryv1.GetVersionRequest) (*registryv1.GetVersionResponse, error) {
	now := s.models.Current()
	v, err := now.Resolve(request.GetModel(), request.GetVersion())
	if err == nil {
		return &registryv1.GetVersionResponse{Version: s.describeVersion(v)}, nil
	}
	if m, modelErr := now.Model(request.GetModel()); modelErr == nil {
		for _, b := range m.Broken {
			if b.Version == request.GetVersion() {
				return &registryv1.GetVersionResponse{Version: s.describeBroken(b)}, nil
			}
		}
	}
	return nil, s.wireError(err)
}

// VerifyVersion reads a version's file again and checks it.
func (s *Service) VerifyVersion(ctx context.Context, request *registryv1.VerifyVersionRequest) (*registryv1.VerifyVersionResponse, error) {
	v, err := s.models.Verify(ctx, request.GetModel(), request.GetVersion())
	if err != nil {
		return nil, s.wireError(err)
	}
	response := &registryv1.VerifyVersionResponse{Model: v.Model, Version: v.Version, Passed: v.Passed()}
	for _, c := range v.Checks {
		response.Checks = append(response.Checks, &registryv1.Check{Name: c.Name, Passed: c.Passed, Detail: s.shown(c.Detail)})
	}
	return response, nil
}

// GetRollout says which versions of a model answer which requests.
func (s *Service) GetRollout(_ context.Context, request *registryv1.GetRolloutRequest) (*registryv1.GetRolloutResponse, error) {
	m, err := s.models.Current().Model(request.GetModel())
	if err != nil {
		return nil, s.wireError(err)
	}
	response := &registryv1.GetRolloutResponse{Rollout: m.Rollout}
	if m.NotFollowed != nil {
		response.Problem = s.shown(m.NotFollowed.Error())
	}
	for _, a := range s.models.Agreements(m.Name) {
		response.Agreements = append(response.Agreements, &registryv1.ShadowAgreement{
			Shadow: a.Shadow, Version: a.Version,
			Rows: a.Rows, Agreed: a.Agreed, Failed: a.Failed,
			MeanDifference: a.Mean, MaxDifference: a.Max,
			Since: timestamppb.New(a.Since),
		})
	}
	return response, nil
}

// ListRolloutEvents lists what was changed of a model, the latest first.
func (s *Service) ListRolloutEvents(_ context.Context, request *registryv1.ListRolloutEventsRequest) (*registryv1.ListRolloutEventsResponse, error) {
	m, err := s.models.Current().Model(request.GetModel())
	if err != nil {
		return nil, s.wireError(err)
	}
	events, next, err := page(latestFirst(m.Events), eventKey, request)
	if err != nil {
		return nil, err
	}
	return &registryv1.ListRolloutEventsResponse{Events: events, NextPageToken: next}, nil
}

// Reload looks at the registry now.
func (s *Service) Reload(ctx context.Context, _ *registryv1.ReloadRequest) (*registryv1.ReloadResponse, error) {
	changed, err := s.models.Reload(ctx)
	if err != nil {
		return nil, s.wireError(err)
	}
	now := s.models.Current()
	response := &registryv1.ReloadResponse{Changed: changed}
	for _, problem := range now.Problems() {
		response.Problems = append(response.Problems, s.shown(problem))
	}
	for _, err := range now.Broken() {
		response.Problems = append(response.Problems, s.shown(err.Error()))
	}
	return response, nil
}
