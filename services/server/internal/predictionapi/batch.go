package predictionapi

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

const (
	// matrixRows is how many rows a matrix may have for each that a batch of rows may have.
	matrixRows = 100
	// defaultChunkRows is how many rows a chunk has where the request does not say.
	defaultChunkRows = 1000
)

// BatchPredict classifies many rows, each with a result of its own.
func (s *Service) BatchPredict(ctx context.Context, request *predictionv1.BatchPredictRequest) (*predictionv1.BatchPredictResponse, error) {
	b, err := s.newBatch(ctx, request, "")
	if err != nil {
		return nil, err
	}
	response := new(predictionv1.BatchPredictResponse)
	if err := b.answer(ctx, response, 0, b.rows()); err != nil {
		return nil, err
	}
	return response, nil
}

// BatchPredictStream is BatchPredict with the results in chunks.
func (s *Service) BatchPredictStream(
	ctx context.Context, request *predictionv1.BatchPredictStreamRequest,
	stream *connect.ServerStream[predictionv1.BatchPredictStreamResponse],
) error {
	b, err := s.newBatch(ctx, request.GetBatch(), "batch.")
	if err != nil {
		return err
	}
	size := int(min(uint64(request.GetChunkRows()), uint64(s.maxRows)))
	if size == 0 {
		size = min(defaultChunkRows, s.maxRows)
	}
	// A message is on its way, or copied, once Send returns: one does for all chunks.
	message := &predictionv1.BatchPredictStreamResponse{Chunk: new(predictionv1.BatchPredictResponse)}
	for first := 0; first < b.rows(); first += size {
		message.FirstRow = uint32(first)
		if err := b.answer(ctx, message.Chunk, first, min(first+size, b.rows())); err != nil {
			return err
		}
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

// batch is a batch whose request is in order, and what answers it.
type batch struct {
	assigned
	request *predictionv1.BatchPredictRequest
	scorer  interface {
		// rows is how many there are.
		rows() int
		// score writes the results of the rows from first up to, not including, end. What an
		// earlier call has written to response is written over.
		score(ctx context.Context, response *predictionv1.BatchPredictResponse, first, end int) error
	}
}

func (b *batch) rows() int { return b.scorer.rows() }

// answer writes the answer for the rows from first up to, not including, end.
func (b *batch) answer(ctx context.Context, response *predictionv1.BatchPredictResponse, first, end int) error {
	response.ModelVersion = b.version.Version
	response.Model = b.version.Model
	response.Variant = b.variant
	return b.scorer.score(ctx, response, first, end)
}

// newBatch returns the batch of a request. Field paths of its error begin with prefix; those of
// a row's error begin at the batch.
func (s *Service) newBatch(ctx context.Context, request *predictionv1.BatchPredictRequest, prefix string) (*batch, error) {
	if violations := s.checkBatch(request, prefix); violations != nil {
		return nil, rpc.Invalid(violations...)
	}
	a, err := s.assign(ctx, request.GetModel(), request.GetVersion(), request.GetSubjectId())
	if err != nil {
		return nil, err
	}
	b := &batch{assigned: a, request: request}
	if request.GetMatrix() == nil {
		rows := &rowScorer{source: request.GetRows()}
		rows.predictor.prepare(a, request.TopK, request.GetExplain())
		b.scorer = rows
		return b, nil
	}
	matrix := newMatrixScorer(a, request, s.maxRows)
	if violations := matrix.check(prefix+"matrix.", matrixRows*s.maxRows); violations != nil {
		return nil, rpc.Invalid(violations...)
	}
	b.scorer = matrix
	return b, nil
}

// checkBatch returns what is wrong with a request, whichever version answers it.
func (s *Service) checkBatch(request *predictionv1.BatchPredictRequest, prefix string) []rpc.Violation {
	violations := checkSubject(request.GetSubjectId(), prefix)
	refuse := func(field, format string, args ...any) {
		violations = append(violations, rpc.Violation{Field: prefix + field, Description: fmt.Sprintf(format, args...)})
	}
	if request.GetMatrix() == nil {
		if n := len(request.GetRows()); n == 0 || n > s.maxRows {
			refuse("rows", "has %d, expected 1 to %d", n, s.maxRows)
		}
		if request.GetProbabilities() {
			refuse("probabilities", "is true, expected it only with a matrix; top_k says how many scores a row has")
		}
		return violations
	}
	values, floats := len(request.GetMatrix().GetValues()), len(request.GetMatrix().GetFloatValues())
	switch {
	case len(request.GetRows()) > 0:
		refuse("matrix", "is given and rows too, expected one of them")
	case values > 0 && floats > 0:
		refuse("matrix.float_values", "is given and values too, expected one of them")
	case values == 0 && floats == 0:
		refuse("matrix.values", "is empty, expected at least one row; or give the values in float_values")
	}
	if request.TopK != nil {
		refuse("top_k", "is %d, expected none with a matrix; probabilities asks for those of all classes", request.GetTopK())
	}
	if request.GetExplain() {
		refuse("explain", "is true, expected it only with rows")
	}
	return violations
}
