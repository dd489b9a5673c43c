// Package predictionapi adapts models to PredictionService of the contract: it turns requests
// into rows, and what the engine says of them into responses.
package predictionapi

import (
	"context"
	"fmt"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/server/internal/lookup"
)

// cancelCheckRows is after how many rows a batch looks whether anyone still waits for it.
const cancelCheckRows = 256

// Service answers the calls of PredictionService.
type Service struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	models  *registry.Registry
	status  func() string
	maxRows int
}

var _ predictionv1connect.PredictionServiceHandler = (*Service)(nil)

// New returns a service over the models. status is asked for the status of each Health call;
// maxRows is the largest number of rows of a batch.
func New(models *registry.Registry, status func() string, maxRows int) *Service {
	return &Service{models: models, status: status, maxRows: maxRows}
}

// Health says whether the server is ready and what it serves by default.
func (s *Service) Health(context.Context, *predictionv1.HealthRequest) (*predictionv1.HealthResponse, error) {
	v := s.models.Default()
	return &predictionv1.HealthResponse{Status: s.status(), Model: v.Model, ModelVersion: v.Version}, nil
}

// Predict classifies one row.
func (s *Service) Predict(_ context.Context, request *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	v, err := lookup.Version(s.models, request.GetModel(), request.GetVersion())
	if err != nil {
		return nil, err
	}
	p := newPredictor(v, request.TopK, request.GetExplain())
	response, violations := p.predict(request, "")
	if violations != nil {
		return nil, rpc.Invalid(violations...)
	}
	return response, nil
}

// BatchPredict classifies many rows, each with a result of its own.
func (s *Service) BatchPredict(ctx context.Context, request *predictionv1.BatchPredictRequest) (*predictionv1.BatchPredictResponse, error) {
	rows := request.GetRows()
	if n := len(rows); n == 0 || n > s.maxRows {
		return nil, rpc.Invalid(rpc.Violation{Field: "rows", Description: fmt.Sprintf("has %d, expected 1 to %d", n, s.maxRows)})
	}
	v, err := lookup.Version(s.models, request.GetModel(), request.GetVersion())
	if err != nil {
		return nil, err
	}
	p := newPredictor(v, request.TopK, request.GetExplain())
	results := make([]*predictionv1.RowResult, len(rows))
	for i, row := range rows {
		if i%cancelCheckRows == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		results[i] = p.result(row, fmt.Sprintf("rows[%d].", i))
	}
	return &predictionv1.BatchPredictResponse{Results: results}, nil
}
