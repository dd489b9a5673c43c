package rpc

import (
	"errors"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retryAfter is the header, or over gRPC the trailer, that says in whole seconds when to try again.
const retryAfter = "Retry-After"

// Exhausted returns a RESOURCE_EXHAUSTED error that says when to try again: after wait, in a
// google.rpc.RetryInfo, and rounded up to whole seconds as Retry-After, which every protocol
// carries with an error. The text says which limit it is. A wait below 0 counts as 0.
//
// It says nothing of why a request is rejected, which is told apart for the metrics; who refuses
// sets that.
func Exhausted(wait time.Duration, text string) *connect.Error {
	wait = max(wait, 0)
	err := connect.NewError(connect.CodeResourceExhausted, errors.New(text))
	if detail, detailErr := connect.NewErrorDetail(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}); detailErr == nil {
		err.AddDetail(detail)
	}
	seconds := wait / time.Second
	if wait%time.Second > 0 {
		seconds++
	}
	err.Meta().Set(retryAfter, strconv.FormatInt(int64(seconds), 10))
	return err
}
