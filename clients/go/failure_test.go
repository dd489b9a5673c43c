package sepal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestARefusalIsTypedOnEveryWire(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{}
			client := dial(t, serve(t, service.handler()).URL, wire.options...)
			_, err := client.Predict(t.Context(), Features(1, 2))
			e := asError(t, err)
			want := []FieldViolation{{"features", "has 2, expected 1 value (length_cm)"}}
			if e.Code != connect.CodeInvalidArgument || !slices.Equal(e.Violations, want) {
				t.Errorf("code %v, violations %v; want invalid_argument, %v", e.Code, e.Violations, want)
			}
			if e.Message != "features has 2, expected 1 value (length_cm)" || e.RequestID != "req-7" || e.Attempts != 1 {
				t.Errorf("message %q, request %q, %d attempts", e.Message, e.RequestID, e.Attempts)
			}
			const text = "sepal: invalid_argument: features has 2, expected 1 value (length_cm) (request req-7)"
			if e.Error() != text {
				t.Errorf("text\n %s\nwant\n %s", e, text)
			}
			if coded := new(connect.Error); !errors.As(err, &coded) || len(coded.Details()) != 1 {
				t.Errorf("it wraps %v, want the connect error with its detail", coded)
			}
			_, err = client.GetVersion(t.Context(), "", "v9.9.9")
			if e := asError(t, err); e.Code != connect.CodeNotFound || !strings.Contains(e.Message, "v1.0.0") {
				t.Errorf("GetVersion: %v, want not_found naming v1.0.0", e)
			}
			if n := service.calls.Load(); n != 2 {
				t.Errorf("the server was called %d times, want 2: refusals are final", n)
			}
		})
	}
}

func TestRetryAfterIsReadOnEveryWire(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{fail: func(context.Context, int) error {
				return refusal(connect.CodeResourceExhausted, "too many requests",
					&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
			}}
			_, err := dial(t, serve(t, service.handler()).URL, wire.options...).Health(t.Context())
			const text = "sepal: resource_exhausted: too many requests (request req-7, retry after 1h0m0s)"
			if e := asError(t, err); e.RetryAfter != time.Hour || e.Error() != text {
				t.Errorf("retry after %v, text %q; want 1h, %q", e.RetryAfter, e, text)
			}
		})
	}
}

func TestADeadlineEndsACallOnEveryWire(t *testing.T) {
	t.Parallel()
	own := func(t *testing.T) (context.Context, Option) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		t.Cleanup(cancel)
		return ctx, WithTimeout(time.Hour)
	}
	byDefault := func(t *testing.T) (context.Context, Option) {
		t.Helper()
		return t.Context(), WithTimeout(30 * time.Millisecond)
	}
	for name, bound := range map[string]func(*testing.T) (context.Context, Option){
		"of the context": own, "of the client": byDefault,
	} {
		for _, wire := range wires {
			t.Run(name+" on "+wire.name, func(t *testing.T) {
				t.Parallel()
				service := &fakeService{fail: func(ctx context.Context, _ int) error {
					<-ctx.Done()
					return ctx.Err()
				}}
				ctx, timeout := bound(t)
				client := dial(t, serve(t, service.handler()).URL, append([]Option{timeout}, wire.options...)...)
				_, err := client.Health(ctx)
				e := asError(t, err)
				if e.Code != connect.CodeDeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error is %v, want deadline_exceeded", e)
				}
				if n := service.calls.Load(); n > 1 || e.Attempts != 1 {
					t.Errorf("%d calls, %d attempts; want 1", n, e.Attempts)
				}
			})
		}
	}
}

func TestADeadlineThatTheServerSawIsOneAndItsCancelIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{fail: func(_ context.Context, n int) error {
				if n == 1 {
					return refusal(connect.CodeDeadlineExceeded, "too slow")
				}
				return refusal(connect.CodeCanceled, "stopping")
			}}
			client := dial(t, serve(t, service.handler()).URL, wire.options...)
			_, err := client.Health(t.Context())
			if e := asError(t, err); !errors.Is(err, context.DeadlineExceeded) || e.Message != "too slow" {
				t.Errorf("error is %v, want one that is context.DeadlineExceeded", err)
			}
			_, err = client.Health(t.Context())
			if e := asError(t, err); errors.Is(err, context.Canceled) || e.Code != connect.CodeCanceled {
				t.Errorf("error is %v, want canceled, but not context.Canceled", err)
			}
		})
	}
}

func TestACancelledCallEndsOnEveryWire(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			service := &fakeService{fail: func(ctx context.Context, _ int) error {
				cancel()
				<-ctx.Done()
				return ctx.Err()
			}}
			_, err := dial(t, serve(t, service.handler()).URL, wire.options...).Health(ctx)
			if e := asError(t, err); e.Code != connect.CodeCanceled || !errors.Is(err, context.Canceled) || e.Attempts != 1 {
				t.Errorf("error is %v (%d attempts), want canceled at the first", e, e.Attempts)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Error("a cancelled call passes for one whose deadline passed")
			}
		})
	}
}

func TestARefusedConnectionIsUnavailableOnEveryWire(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := listener.Addr().String()
			if err := listener.Close(); err != nil {
				t.Fatal(err)
			}
			client := dial(t, address, append([]Option{
				WithRetry(RetryPolicy{MaxAttempts: 4, InitialBackoff: time.Millisecond}),
			}, wire.options...)...)
			_, err = client.Health(t.Context())
			e := asError(t, err)
			if e.Code != connect.CodeUnavailable || e.Attempts != 4 {
				t.Errorf("%v after %d attempts, want unavailable after 4", e.Code, e.Attempts)
			}
			if !strings.Contains(e.Error(), address) || !strings.HasSuffix(e.Error(), "(4 attempts)") {
				t.Errorf("text %q names neither %s nor the attempts", e, address)
			}
		})
	}
}

// cutServer answers its first request with the beginning of an answer, then cuts the
// connection; later ones reach next.
func cutServer(t *testing.T, beginning string, reset bool, next http.Handler) (string, *atomic.Int64) {
	t.Helper()
	var (
		cut         atomic.Int64
		mu          sync.Mutex
		connections []net.Conn
	)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cut.Add(1) > 1 {
			next.ServeHTTP(w, r)
			return
		}
		if beginning != "" {
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, beginning)
			_ = http.NewResponseController(w).Flush()
		}
		mu.Lock()
		defer mu.Unlock()
		for _, c := range connections {
			if tcp, ok := c.(*net.TCPConn); ok && reset {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		}
		connections = nil
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.ErrorLog = quiet()
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			connections = append(connections, c)
			mu.Unlock()
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, &cut
}

func TestACutConnectionIsUnavailableAndTriedAgainOnEveryWire(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		for _, beginning := range []string{"", "\x00\x00\x00\x01\x00{\"", "\x00\x00"} {
			for _, reset := range []bool{false, true} {
				for _, attempts := range []int{1, 2} {
					name := fmt.Sprintf("%s after %d bytes, reset %v, %d attempts", wire.name, len(beginning), reset, attempts)
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						url, requests := cutServer(t, beginning, reset, (&fakeService{}).handler())
						client := dial(t, url, append([]Option{
							WithRetry(RetryPolicy{MaxAttempts: attempts, InitialBackoff: time.Millisecond}),
						}, wire.options...)...)
						res, err := client.Health(t.Context())
						if n := requests.Load(); n != int64(attempts) {
							t.Errorf("%d requests arrived, want %d", n, attempts)
						}
						if attempts == 2 {
							if err != nil || res.GetStatus() != "ok" {
								t.Errorf("the second attempt: %v, %v", res, err)
							}
							return
						}
						if e := asError(t, err); e.Code != connect.CodeUnavailable || errors.Is(err, context.Canceled) {
							t.Errorf("error is %v, want unavailable", e)
						}
					})
				}
			}
		}
	}
}

func TestErrorsOfInterceptorsKeepTheirText(t *testing.T) {
	t.Parallel()
	secret := errors.New("no token: sign in first")
	for name, c := range map[string]struct {
		err     error
		code    connect.Code
		message string
	}{
		"plain": {secret, connect.CodeUnknown, "no token: sign in first"},
		"coded": {connect.NewError(connect.CodeUnauthenticated, secret), connect.CodeUnauthenticated, "no token: sign in first"},
		"coded and wrapped": {
			fmt.Errorf("auth: %w", connect.NewError(connect.CodeUnauthenticated, secret)),
			connect.CodeUnauthenticated, "auth: unauthenticated: no token: sign in first",
		},
		"own deadline": {
			fmt.Errorf("%w: %w", secret, context.DeadlineExceeded),
			connect.CodeDeadlineExceeded, "no token: sign in first: context deadline exceeded",
		},
		"own cancel": {
			fmt.Errorf("%w: %w", secret, context.Canceled),
			connect.CodeCanceled, "no token: sign in first: context canceled",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := connect.UnaryInterceptorFunc(func(connect.UnaryFunc) connect.UnaryFunc {
				return func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return nil, c.err }
			})
			_, err := dial(t, "localhost:1", WithInterceptors(failing)).Health(t.Context())
			e := asError(t, err)
			if e.Code != c.code || e.Message != c.message || e.Attempts != 1 {
				t.Errorf("%v, %q, %d attempts; want %v, %q, 1", e.Code, e.Message, e.Attempts, c.code, c.message)
			}
			if !errors.Is(err, secret) {
				t.Error("the interceptor's error is not in the chain")
			}
		})
	}
}

func TestTheTextOfAnError(t *testing.T) {
	t.Parallel()
	many := make([]FieldViolation, 11)
	for i := range many {
		many[i] = FieldViolation{fmt.Sprintf("f%d", i), "is bad"}
	}
	long := strings.Repeat("ä", 400)
	short := strings.Repeat("ä", 300)
	code := connect.CodeInvalidArgument
	for want, e := range map[string]*Error{
		"sepal: internal":                  {Code: connect.CodeInternal},
		"sepal: not_found: no model \"x\"": {Code: connect.CodeNotFound, Message: `no model "x"`, Attempts: 1},
		"sepal: internal: one two three":   {Code: connect.CodeInternal, Message: "one\ntwo\r\nthree"},
		"sepal: invalid_argument: a is b; c is d (request r, 2 attempts, retry after 1.5s)": {
			Code: connect.CodeInvalidArgument, Violations: []FieldViolation{{"a", "is b"}, {"c", "is d"}},
			RequestID: "r", Attempts: 2, RetryAfter: 1500 * time.Millisecond,
		},
		"sepal: invalid_argument: m: f0 is bad; f1 is bad; f2 is bad; and 8 more": {Code: code, Message: "m", Violations: many},
		// What a server says: the first violation, and how many more there are.
		"sepal: invalid_argument: f0 is bad":                                   {Code: code, Message: "f0 is bad", Violations: many[:1]},
		"sepal: invalid_argument: f0 is bad; f1 is bad":                        {Code: code, Message: "f0 is bad (and 1 more)", Violations: many[:2]},
		"sepal: invalid_argument: f0 is bad; f1 is bad; f2 is bad; and 8 more": {Code: code, Message: "f0 is bad (and 10 more)", Violations: many},
		"sepal: invalid_argument: f0 is badly spelt: f0 is bad":                {Code: code, Message: "f0 is badly spelt", Violations: many[:1]},
		"sepal: invalid_argument: " + short + "…: f " + short[:len(short)-4] + "…": {
			Code: code, Message: long, Violations: []FieldViolation{{"f", long}},
		},
	} {
		if got := e.Error(); got != want {
			t.Errorf("text\n %s\nwant\n %s", got, want)
		}
	}
}
