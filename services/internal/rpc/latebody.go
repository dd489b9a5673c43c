package rpc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"
)

// lateBody is the body of a request that has a time to arrive in. Its end in the midst of that says
// so, where that of the connection would name the addresses of both sides.
type lateBody struct {
	io.ReadCloser
	limit time.Duration // 0: it has all the time
}

// begin puts the body around that of a request, if it has one.
func (b *lateBody) begin(r *http.Request, limit time.Duration) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	b.ReadCloser, b.limit = r.Body, limit
	r.Body = b
}

func (b *lateBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.limit > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		err = connect.NewError(connect.CodeDeadlineExceeded, tooSlowError(b.limit))
	}
	return n, err
}

// tooSlowError is the error of a request that has not arrived in that time. It is os.ErrDeadlineExceeded.
type tooSlowError time.Duration

func (t tooSlowError) Error() string {
	return fmt.Sprintf("the request did not arrive whole within %v", time.Duration(t))
}

func (tooSlowError) Is(target error) bool { return target == os.ErrDeadlineExceeded }
