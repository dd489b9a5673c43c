package sepal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
)

// broken is an HTTP client whose every request fails before an answer comes.
type broken struct{ err error }

func (b broken) Do(*http.Request) (*http.Response, error) { return nil, b.err }

func TestAFailureOfTheTransportIsUnavailableWhileTheContextLives(t *testing.T) {
	t.Parallel()
	dialing := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, cause := range map[string]error{
		"reset":                 fmt.Errorf("read: %w", syscall.ECONNRESET),
		"broken pipe":           fmt.Errorf("write: %w", syscall.EPIPE),
		"refused":               dialing(syscall.ECONNREFUSED),
		"dial timed out":        dialing(os.ErrDeadlineExceeded),
		"stream cancelled":      errors.New("stream error: stream ID 1; CANCEL; received from peer"),
		"stream refused":        errors.New("stream error: stream ID 1; REFUSED_STREAM; received from peer"),
		"closed before headers": errors.New("http2: client connection lost"),
	} {
		for _, wire := range wires {
			t.Run(name+" on "+wire.name, func(t *testing.T) {
				t.Parallel()
				client := dial(t, "in.memory:1", append([]Option{
					WithHTTPClient(broken{cause}),
					WithRetry(RetryPolicy{MaxAttempts: 2, InitialBackoff: time.Nanosecond}),
				}, wire.options...)...)
				_, err := client.Health(t.Context())
				if e := asError(t, err); e.Code != connect.CodeUnavailable || e.Attempts != 2 {
					t.Errorf("error is %v after %d attempts, want unavailable after 2", e, e.Attempts)
				}
			})
		}
	}
}

func TestAFailureOfTheTransportAfterTheContextIsTheContexts(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for ctx, want := range map[context.Context]struct {
		code connect.Code
		err  error
	}{
		cancelled: {connect.CodeCanceled, context.Canceled},
		expired:   {connect.CodeDeadlineExceeded, context.DeadlineExceeded},
	} {
		for _, code := range []connect.Code{connect.CodeUnknown, connect.CodeCanceled} {
			cut := connect.NewError(code, fmt.Errorf("read: %w", syscall.ECONNRESET))
			e := newError(ctx, cut, 1, nil)
			if e.Code != want.code || !errors.Is(e, want.err) || !errors.Is(e, syscall.ECONNRESET) {
				t.Errorf("%v gives %v, want %v with both causes", cut, e, want.code)
			}
		}
	}
}

func TestWhatTheServerSaidIsNotRewritten(t *testing.T) {
	t.Parallel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	before := newError(t.Context(), connect.NewError(connect.CodeUnavailable, errors.New("loading")), 1, nil)
	sent := connect.NewWireError(connect.CodeDeadlineExceeded, errors.New("no time left"))
	sent.Meta().Set("X-Request-Id", "req-8")
	e := newError(expired, sent, 2, before)
	if e.Message != "no time left" || e.RequestID != "req-8" || e.Unwrap() != error(sent) {
		t.Errorf("error is %v, want what the server sent", e)
	}
}
