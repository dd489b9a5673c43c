package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"
)

// timeoutError is the cause of a context's end by our own time-out.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("no answer within %v", e.after) }

// Is makes it a [context.DeadlineExceeded].
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// kind tells errors apart, those of gocloud.dev and those of S3.
func kind(err error) gcerrors.ErrorCode {
	if err == nil {
		return gcerrors.OK
	}
	switch code(err) {
	case "PreconditionFailed":
		return gcerrors.FailedPrecondition
	case "AccessDenied", "Forbidden":
		return gcerrors.PermissionDenied
	case "NoSuchKey", "NotFound":
		return gcerrors.NotFound
	case "":
		return gcerrors.Code(err)
	default:
		return gcerrors.Unknown
	}
}

// code returns what S3 calls an error, or nothing if it is not one of its answers.
func code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// undecided tells whether a server says that it was asked for two writes at once.
func undecided(err error) bool { return code(err) == "ConditionalRequestConflict" }

// gone tells whether an object is not there, in a bucket that is.
func gone(err error) bool { return kind(err) == gcerrors.NotFound }

// reason says what is wrong in few words, without the names of keys and the parameters of requests
// that libraries put in.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return fmt.Errorf("%s: %.200s", answer.ErrorCode(), answer.ErrorMessage())
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	if strings.HasPrefix(err.Error(), "get identity: ") {
		return errors.New("no credentials are to be had (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role)")
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	return err
}
