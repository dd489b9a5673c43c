// Package monitoringapi adapts what a server counts to MonitoringService of the contract.
package monitoringapi

import (
	"context"

	monitoringv1 "github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/monitoring/v1/monitoringv1connect"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/server/internal/lookup"
)

// Service answers the calls of MonitoringService.
type Service struct {
	models  *registry.Live
	monitor *monitor.Monitor
}

var _ monitoringv1connect.MonitoringServiceHandler = (*Service)(nil)

// New returns a service over the models and what is counted of them.
func New(models *registry.Live, m *monitor.Monitor) *Service {
	return &Service{models: models, monitor: m}
}

// GetDriftReport compares the rows that a version has answered lately with those that it was
// trained on.
func (s *Service) GetDriftReport(_ context.Context, request *monitoringv1.GetDriftReportRequest) (*monitoringv1.GetDriftReportResponse, error) {
	v, err := s.models.Current().Resolve(request.GetModel(), request.GetVersion())
	if err != nil {
		return nil, lookup.WireError(err)
	}
	return &monitoringv1.GetDriftReportResponse{Report: s.monitor.Drift(v)}, nil
}

// GetActivity says what the server has been doing over the last minutes.
func (s *Service) GetActivity(_ context.Context, request *monitoringv1.GetActivityRequest) (*monitoringv1.GetActivityResponse, error) {
	model := request.GetModel()
	if model != "" {
		if _, err := s.models.Current().Model(model); err != nil {
			return nil, lookup.WireError(err)
		}
	}
	return &monitoringv1.GetActivityResponse{Activity: s.monitor.Activity(model)}, nil
}
