package rpc

import (
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// Violation is a value of a request that is refused.
type Violation struct {
	// Field is the path of the value in the request, such as "features[2]".
	Field string
	// Description says what was found there and what was expected.
	Description string
}

// Describe returns one line that says what is wrong: the first violation, and how many more
// are listed. It panics without any.
func Describe(violations []Violation) string {
	first := violations[0].Field + " " + violations[0].Description
	if more := len(violations) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", first, more)
	}
	return first
}

// Invalid returns an INVALID_ARGUMENT error with a google.rpc.BadRequest that lists the
// violations, at least one.
func Invalid(violations ...Violation) *connect.Error {
	err := connect.NewError(connect.CodeInvalidArgument, errors.New(Describe(violations)))
	bad := &errdetails.BadRequest{FieldViolations: make([]*errdetails.BadRequest_FieldViolation, len(violations))}
	for i, v := range violations {
		bad.FieldViolations[i] = &errdetails.BadRequest_FieldViolation{Field: v.Field, Description: v.Description}
	}
	if detail, detailErr := connect.NewErrorDetail(bad); detailErr == nil {
		err.AddDetail(detail)
	}
	return err
}

// Bounded returns a text of a request, the start of it where it is long: what an error repeats
// goes into headers over gRPC, and into the log.
func Bounded(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
