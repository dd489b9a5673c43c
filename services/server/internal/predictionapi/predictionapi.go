// Package predictionapi adapts models to PredictionService of the contract: it turns requests
// into rows, and what the engine says of them into responses.
package predictionapi

import (
	"context"
	"fmt"
	"sync"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/monitor"
	"github.com/sepal-ml/sepal/services/internal/registry"
	"github.com/sepal-ml/sepal/services/internal/rpc"
	"github.com/sepal-ml/sepal/services/server/internal/lookup"
)

// maxSubjectBytes is how long the id of a subject may be.
const maxSubjectBytes = 256

// Service answers the calls of PredictionService.
type Service struct {
	models  *registry.Live
	status  func() string
	maxRows int
	// Assigned is told, where it is not nil, which version is about to answer a request. It is set
	// before the first.
	Assigned func(ctx context.Context, model, version, variant string)
	// Monitor counts the rows that are answered, and Unsure logs some of those of low confidence;
	// where they are nil, nothing does. They are set before the first request.
	Monitor *monitor.Monitor
	Unsure  *UnsureLog
	// predictors are *predictor that no request uses. One keeps its version until the next
	// collection of garbage.
	predictors sync.Pool
}

var _ predictionv1connect.PredictionServiceHandler = (*Service)(nil)

// New returns a service over the models. status is asked for the status of each Health call;
// maxRows is the largest number of rows of a batch, a hundredth of that of a matrix.
func New(models *registry.Live, status func() string, maxRows int) *Service {
	return &Service{models: models, status: status, maxRows: maxRows}
}

// Health says whether the server is ready and what it serves by default.
func (s *Service) Health(context.Context, *predictionv1.HealthRequest) (*predictionv1.HealthResponse, error) {
	response := &predictionv1.HealthResponse{Status: s.status()}
	if v := s.models.Current().Default(); v != nil {
		response.Model, response.ModelVersion = v.Model, v.Version
	}
	return response, nil
}

// Predict classifies one row.
func (s *Service) Predict(ctx context.Context, request *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	p, ok := s.predictors.Get().(*predictor)
	if !ok {
		p = new(predictor)
	}
	defer s.predictors.Put(p)
	return s.predict(ctx, p, nil, request)
}

// predict answers a request with response, which may be an earlier answer; nil: with a new one. The
// predictor may be one that has answered other requests.
func (s *Service) predict(ctx context.Context, p *predictor, response *predictionv1.PredictResponse, request *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	if violations := checkSubject(request.GetSubjectId(), ""); violations != nil {
		return nil, rpc.Invalid(violations...)
	}
	a, err := s.assign(ctx, request.GetModel(), request.GetVersion(), request.GetSubjectId())
	if err != nil {
		return nil, err
	}
	p.prepare(a, request.TopK, request.GetExplain())
	if response == nil {
		response = newResponse(len(p.ranked))
	}
	if violations := p.predict(ctx, response, request, ""); violations != nil {
		return nil, rpc.Invalid(violations...)
	}
	return response, nil
}

// assigned is what answers a request.
type assigned struct {
	version *registry.Version
	variant string // empty where the request named a version
	shadows []*registry.Shadow
	tally   *monitor.Tally // nil: nothing is counted
	unsure  *UnsureLog     // nil: nothing is logged
}

// assign returns what answers a request of the subject. The error is NOT_FOUND where there is
// no such model or version, FAILED_PRECONDITION where it could not be loaded.
func (s *Service) assign(ctx context.Context, model, version, subject string) (assigned, error) {
	a, err := s.models.Current().Assign(model, version, subject)
	if err != nil {
		return assigned{}, lookup.WireError(err)
	}
	if s.Assigned != nil {
		s.Assigned(ctx, a.Version.Model, a.Version.Version, a.Variant)
	}
	return s.assignedOf(a), nil
}

func (s *Service) assignedOf(a registry.Assignment) assigned {
	assigned := assigned{version: a.Version, variant: a.Variant, shadows: a.Shadows, unsure: s.Unsure}
	if s.Monitor != nil {
		assigned.tally = s.Monitor.Tally(a.Version, a.Variant)
	}
	return assigned
}

// blockRows is from how many rows on they are counted together.
const blockRows = 16

// block returns what so many rows are counted by together; nil: each is counted by itself.
func (a *assigned) block(rows int) *monitor.Block {
	if rows < blockRows {
		return nil
	}
	return a.tally.Block()
}

// observe counts a row that was answered with a class and its probability, by the block where there
// is one, and lets the shadows score it. Of the values, those that missing tells of were not given;
// nil is none. It reports whether the prediction is an unsure one.
func (a *assigned) observe(block *monitor.Block, values []float64, missing []bool, class int, probability float64) (unsure bool) {
	for _, shadow := range a.shadows {
		shadow.Observe(values, class, probability)
	}
	if block != nil {
		return block.Add(values, missing, class, probability)
	}
	return a.tally.Add(values, missing, class, probability)
}

// observeRows is observe for rows of so many columns, row-major and without missing values. It
// returns the first whose prediction is an unsure one, or -1.
func (a *assigned) observeRows(block *monitor.Block, rows []float64, columns int, classes []int, confidences []float64) (unsure int) {
	if block != nil && len(a.shadows) == 0 {
		return block.AddRows(rows, classes, confidences)
	}
	unsure = -1
	for i, class := range classes {
		if a.observe(block, rows[i*columns:(i+1)*columns], nil, class, confidences[i]) && unsure < 0 {
			unsure = i
		}
	}
	return unsure
}

// checkSubject returns what is wrong with the id of a subject.
func checkSubject(id, prefix string) []rpc.Violation {
	if len(id) <= maxSubjectBytes {
		return nil
	}
	return []rpc.Violation{{
		Field:       prefix + "subject_id",
		Description: fmt.Sprintf("has %d bytes, expected at most %d", len(id), maxSubjectBytes),
	}}
}
