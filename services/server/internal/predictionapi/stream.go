package predictionapi

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// PredictStream classifies one row per message and answers each in order.
func (s *Service) PredictStream(
	ctx context.Context,
	stream *connect.BidiStream[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse],
) error {
	// A message is on its way, or copied, once Send returns: what answered one message answers
	// the next.
	var p predictor
	allowance := rpc.AllowanceFrom(ctx)
	answered := &predictionv1.PredictStreamResponse_Response{Response: new(predictionv1.PredictResponse)}
	answer := new(predictionv1.PredictStreamResponse)
	for {
		message, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		answer.Result = answered
		if err := allowance.Take(); err != nil {
			answer.Result = &predictionv1.PredictStreamResponse_Error{Error: rowErrorOf(err)}
		} else if err := s.predictMessage(ctx, &p, answered.Response, message); err != nil {
			refused := rowErrorOf(err)
			if refused == nil {
				return err
			}
			answer.Result = &predictionv1.PredictStreamResponse_Error{Error: refused}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// predictMessage is predict for a message of a stream.
func (s *Service) predictMessage(ctx context.Context, p *predictor, response *predictionv1.PredictResponse, message *predictionv1.PredictStreamRequest) error {
	if message.GetRequest() == nil {
		return rpc.Invalid(rpc.Violation{Field: "request", Description: "is not given, expected the row to classify"})
	}
	_, err := s.predict(ctx, p, response, message.GetRequest())
	return err
}
