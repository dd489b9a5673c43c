package sepal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

const requestIDHeader = "X-Request-Id"

// newError says why an attempt, or the wait after it, failed. before is the failure of the
// attempt before, or nil: an error of the context hides it, so it is told along.
func newError(ctx context.Context, err error, attempts int, before *Error) *Error {
	err = withCode(ctx, err)
	e := &Error{Code: connect.CodeOf(err), Attempts: attempts}
	if before != nil {
		e.RequestID = before.RequestID
		if contextCode(ctx) == e.Code && !connect.IsWireError(err) {
			err = connect.NewError(e.Code, fmt.Errorf("%w; attempt %d failed: %w",
				cause(err), before.Attempts, before.err))
		}
	}
	e.err, e.Message = err, err.Error()
	if outer, ok := outermost(err); ok {
		e.Message = outer.Message()
	}
	var coded *connect.Error
	if errors.As(err, &coded) {
		if id := coded.Meta().Get(requestIDHeader); id != "" {
			e.RequestID = id
		}
		e.readDetails(coded)
	}
	return e
}

// withCode gives an error of an attempt the code that this package promises. Errors that the
// server sent keep theirs.
func withCode(ctx context.Context, err error) error {
	var coded *connect.Error
	switch {
	case connect.IsWireError(err):
		return err
	case !errors.As(err, &coded):
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return connect.NewError(connect.CodeDeadlineExceeded, err)
		case errors.Is(err, context.Canceled):
			return connect.NewError(connect.CodeCanceled, err)
		}
		return connect.NewError(connect.CodeUnknown, err)
	case !isCut(coded):
		return err
	case contextCode(ctx) != 0:
		return connect.NewError(contextCode(ctx), fmt.Errorf("%w: %w", contextError(ctx), cause(err)))
	}
	return connect.NewError(connect.CodeUnavailable, cause(err))
}

// isCut says whether the connection failed where connect has another code than unavailable
// for it: it takes a reset connection for a caller who left, a dial that timed out for the
// call's deadline, and a response cut short for an unknown or internal error.
func isCut(coded *connect.Error) bool {
	code := coded.Code()
	if code == connect.CodeCanceled && !errors.Is(coded, context.Canceled) {
		return true
	}
	if code != connect.CodeUnknown && code != connect.CodeInternal &&
		code != connect.CodeDeadlineExceeded && code != connect.CodeCanceled {
		return false
	}
	var network *net.OpError
	return errors.As(coded, &network) ||
		errors.Is(coded, io.ErrUnexpectedEOF) ||
		errors.Is(coded, syscall.ECONNRESET) ||
		errors.Is(coded, syscall.EPIPE)
}

// contextCode returns the code for a context that is done, or 0. A deadline that has passed
// counts even when the context's timer has not yet fired.
func contextCode(ctx context.Context) connect.Code {
	err := contextError(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return connect.CodeCanceled
	}
	return connect.CodeDeadlineExceeded
}

func contextError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, bounded := ctx.Deadline(); bounded && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// outermost returns err as a connect error, unless an interceptor wrapped it again: then its
// text says more than the connect error's.
func outermost(err error) (*connect.Error, bool) {
	var coded *connect.Error
	if errors.As(err, &coded) && coded.Error() == err.Error() {
		return coded, true
	}
	return nil, false
}

// cause strips the code that connect put before an error's text.
func cause(err error) error {
	if coded, ok := outermost(err); ok && coded.Unwrap() != nil {
		return coded.Unwrap()
	}
	return err
}

// readDetails takes what the server pointed at. Details of other types, and ones that cannot
// be read, stay with the wrapped error.
func (e *Error) readDetails(coded *connect.Error) {
	for _, detail := range coded.Details() {
		message, err := detail.Value()
		if err != nil {
			continue
		}
		switch d := message.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{v.GetField(), v.GetDescription()})
			}
		case *errdetails.PreconditionFailure:
			for _, v := range d.GetViolations() {
				e.Preconditions = append(e.Preconditions, PreconditionViolation{v.GetType(), v.GetSubject(), v.GetDescription()})
			}
		case *errdetails.RetryInfo:
			if delay := d.GetRetryDelay(); delay.IsValid() {
				e.RetryAfter = max(0, delay.AsDuration())
			}
		}
	}
}
