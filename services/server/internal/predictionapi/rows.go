package predictionapi

import (
	"context"
	"fmt"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// cancelCheckRows is after how many rows a batch looks whether anyone still waits for it.
const cancelCheckRows = 256

// rowScorer classifies the rows of a batch that are messages of their own.
type rowScorer struct {
	source    []*predictionv1.Row
	predictor predictor
}

func (s *rowScorer) rows() int { return len(s.source) }

func (s *rowScorer) score(ctx context.Context, response *predictionv1.BatchPredictResponse, first, end int) error {
	response.Results = make([]*predictionv1.RowResult, 0, end-first)
	s.predictor.block = s.predictor.assigned.block(end - first)
	for i, row := range s.source[first:end] {
		if i%cancelCheckRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		response.Results = append(response.Results, s.result(ctx, row, fmt.Sprintf("rows[%d].", first+i)))
	}
	s.predictor.block.Flush()
	return nil
}

func (s *rowScorer) result(ctx context.Context, row *predictionv1.Row, prefix string) *predictionv1.RowResult {
	response := new(predictionv1.PredictResponse)
	if violations := s.predictor.predict(ctx, response, row, prefix); violations != nil {
		return &predictionv1.RowResult{Result: &predictionv1.RowResult_Error{Error: rowError(violations)}}
	}
	return &predictionv1.RowResult{Result: &predictionv1.RowResult_Response{Response: response}}
}
