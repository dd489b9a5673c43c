package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
)

// deadline bounds the time of unary requests. A client's own deadline stands where it is
// earlier.
func deadline(timeout time.Duration) connect.UnaryInterceptorFunc {
	return func(next connect.UnaryFunc) connect.UnaryFunc {
		if timeout <= 0 {
			return next
		}
		return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return next(ctx, request)
		}
	}
}
