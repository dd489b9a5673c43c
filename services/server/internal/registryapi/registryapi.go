// Package registryapi adapts the registry to RegistryService of the contract.
package registryapi

import (
	"context"

	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/server/internal/lookup"
)

// Service answers the calls of RegistryService.
type Service struct {
	registryv1connect.UnimplementedRegistryServiceHandler
	models *registry.Registry
}

var _ registryv1connect.RegistryServiceHandler = (*Service)(nil)

// New returns a service over the models.
func New(models *registry.Registry) *Service { return &Service{models: models} }

// GetVersion describes one version of a model.
func (s *Service) GetVersion(_ context.Context, request *registryv1.GetVersionRequest) (*registryv1.GetVersionResponse, error) {
	v, err := lookup.Version(s.models, request.GetModel(), request.GetVersion())
	if err != nil {
		return nil, err
	}
	return &registryv1.GetVersionResponse{Version: &registryv1.ModelVersion{
		Model:     v.Model,
		Version:   v.Version,
		Digest:    v.Digest,
		Signature: v.File.GetSignature(),
		Classes:   v.File.GetClasses(),
		Training:  v.File.GetTraining(),
	}}, nil
}
