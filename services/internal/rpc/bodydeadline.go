package rpc

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"
)

type bodyDeadlineKey struct{}

// BodyDeadline bounds the time that a client may take to send a request, as the deadline of the
// call bounds the time to answer it: a deadline of a call begins when its message is there. 0
// is no bound. Streams take as long as they like; see [streamsTakeTheirTime].
func BodyDeadline(timeout time.Duration, next http.Handler) http.Handler {
	if timeout <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		body := http.NewResponseController(w)
		// What cannot have a deadline, such as a recorder in a test, is not read from a network.
		_ = body.SetReadDeadline(time.Now().Add(timeout))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), bodyDeadlineKey{}, body)))
	})
}

// streamsTakeTheirTime lifts the body's deadline from streams.
type streamsTakeTheirTime struct{}

func (streamsTakeTheirTime) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (streamsTakeTheirTime) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (streamsTakeTheirTime) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if body, ok := ctx.Value(bodyDeadlineKey{}).(*http.ResponseController); ok {
			_ = body.SetReadDeadline(time.Time{})
		}
		return next(ctx, conn)
	}
}
