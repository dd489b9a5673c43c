package predictionapi

import (
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// rowError returns the error of a row that does not fit, as a part of an answer.
func rowError(violations []rpc.Violation) *predictionv1.RowError {
	e := &predictionv1.RowError{
		Code:            connect.CodeInvalidArgument.String(),
		Message:         rpc.Describe(violations),
		FieldViolations: make([]*predictionv1.FieldViolation, len(violations)),
	}
	for i, v := range violations {
		e.FieldViolations[i] = &predictionv1.FieldViolation{Field: v.Field, Description: v.Description}
	}
	return e
}

// rowErrorOf returns the error of a call as a part of an answer; nil where it was not made for
// the client to see.
func rowErrorOf(err error) *predictionv1.RowError {
	var made *connect.Error
	if !errors.As(err, &made) || made.Code() == connect.CodeInternal || made.Code() == connect.CodeUnknown {
		return nil
	}
	e := &predictionv1.RowError{Code: made.Code().String(), Message: made.Message()}
	for _, detail := range made.Details() {
		value, err := detail.Value()
		if err != nil {
			continue // the message says it too
		}
		if bad, ok := value.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				e.FieldViolations = append(e.FieldViolations, &predictionv1.FieldViolation{Field: v.GetField(), Description: v.GetDescription()})
			}
		}
	}
	return e
}
