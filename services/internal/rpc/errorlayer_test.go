package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

const procedure = "/sepal.test.v1.TestService/Call"

// secret stands in the texts that no client may see.
const secret = "/etc/models/iris: permission denied"

// journal keeps the lines of a log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) lines(t *testing.T) []map[string]any {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []map[string]any
	for text := range strings.Lines(j.text.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in the line %s", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// end is how a handler ends.
type end func(ctx context.Context) error

// endpoints are a unary and a streaming RPC that end so, with all layers around them.
func endpoints(log *journal, level zerolog.Level, timeout time.Duration, f end) map[string]http.Handler {
	options := HandlerOptions(Options{Logger: zerolog.New(log).Level(level), MaxMessageBytes: 1 << 20, Timeout: timeout})
	return map[string]http.Handler{
		"unary": RequestID(Unheard(zerolog.New(log).Level(level), nil, connect.NewUnaryHandler(procedure,
			func(ctx context.Context, _ *connect.Request[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
				if err := f(ctx); err != nil {
					return nil, err
				}
				return connect.NewResponse(&predictionv1.HealthResponse{Status: "ok"}), nil
			}, options...))),
		"stream": RequestID(Unheard(zerolog.New(log).Level(level), nil, connect.NewServerStreamHandler(procedure,
			func(ctx context.Context, _ *connect.Request[predictionv1.HealthRequest], stream *connect.ServerStream[predictionv1.HealthResponse]) error {
				if err := stream.Send(&predictionv1.HealthResponse{Status: "ok"}); err != nil {
					return err
				}
				return f(ctx)
			}, options...))),
	}
}

// errorOf calls the handler over a connection and returns the error that the client gets.
func errorOf(t *testing.T, kind string, h http.Handler) error {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	client := connect.NewClient[predictionv1.HealthRequest, predictionv1.HealthResponse](server.Client(), server.URL+procedure)
	request := connect.NewRequest(&predictionv1.HealthRequest{})
	request.Header().Set(RequestIDHeader, "id-1")
	if kind == "unary" {
		_, err := client.CallUnary(t.Context(), request)
		return err
	}
	stream, err := client.CallServerStream(t.Context(), request)
	if err != nil {
		return err
	}
	for stream.Receive() {
	}
	return errors.Join(stream.Err(), stream.Close())
}

func TestHowCallsEnd(t *testing.T) {
	t.Parallel()
	const neutral = "internal error; the server's log has more under request id id-1"
	const deadlinePassed = "the deadline passed before the answer was ready"
	tests := []struct {
		name    string
		end     end
		code    connect.Code // 0: the call succeeds
		message string
		level   string
		logged  string // the error in the log
	}{
		{"well", func(context.Context) error { return nil }, 0, "", "debug", ""},
		{"an error of the program", func(context.Context) error { return errors.New(secret) }, connect.CodeInternal, neutral, "error", secret},
		{
			"an internal error made for the client",
			func(context.Context) error { return connect.NewError(connect.CodeInternal, errors.New(secret)) },
			connect.CodeInternal, neutral, "error", "internal: " + secret,
		},
		{
			"an unknown error made for the client",
			func(context.Context) error { return connect.NewError(connect.CodeUnknown, errors.New(secret)) },
			connect.CodeInternal, neutral, "error", "unknown: " + secret,
		},
		{"a panic", func(context.Context) error { panic(secret) }, connect.CodeInternal, neutral, "error", "panic: " + secret},
		{
			"a panic of the runtime",
			func(context.Context) error { return []error{}[len(secret)] },
			connect.CodeInternal, neutral, "error", fmt.Sprintf("panic: runtime error: index out of range [%d] with length 0", len(secret)),
		},
		{
			"the context's deadline",
			func(context.Context) error { return fmt.Errorf("%s: %w", secret, context.DeadlineExceeded) },
			connect.CodeDeadlineExceeded, deadlinePassed, "info", secret + ": context deadline exceeded",
		},
		{
			"the context's cancellation",
			func(context.Context) error { return fmt.Errorf("%s: %w", secret, context.Canceled) },
			connect.CodeCanceled, "the request was cancelled", "info", secret + ": context canceled",
		},
		{
			"an error made for the client",
			func(context.Context) error {
				return connect.NewError(connect.CodeNotFound, errors.New("no such model"))
			},
			connect.CodeNotFound, "no such model", "info", "not_found: no such model",
		},
		{
			"an error made for the client, wrapped",
			func(context.Context) error {
				return fmt.Errorf("%s: %w", secret, connect.NewError(connect.CodeUnavailable, errors.New("loading")))
			},
			connect.CodeUnavailable, "loading", "info", secret + ": unavailable: loading",
		},
	}
	for _, test := range tests {
		for _, kind := range []string{"unary", "stream"} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				log := new(journal)
				err := errorOf(t, kind, endpoints(log, zerolog.DebugLevel, 0, test.end)[kind])
				requireEnd(t, err, test.code, test.message)
				lines := log.lines(t)
				if len(lines) != 1 {
					t.Fatalf("the log has %d lines, expected 1: %v", len(lines), lines)
				}
				requireLine(t, lines[0], test.level, test.code, test.logged)
			})
		}
	}
}

func requireEnd(t *testing.T, err error, code connect.Code, message string) {
	t.Helper()
	if code == 0 {
		if err != nil {
			t.Errorf("got error %v, expected none", err)
		}
		return
	}
	var made *connect.Error
	if !errors.As(err, &made) || made.Code() != code || made.Message() != message {
		t.Fatalf("got error %v, expected %s: %s", err, code, message)
	}
	if seen := fmt.Sprintf("%v %v", made.Details(), made.Meta()); strings.Contains(seen, secret) {
		t.Errorf("the client sees %s", seen)
	}
}

// requireLine checks a line of the log, but for the values that change from call to call.
func requireLine(t *testing.T, line map[string]any, level string, code connect.Code, text string) {
	t.Helper()
	want := map[string]any{"level": level, "rpc": procedure, "protocol": "connect", "request_id": "id-1", "message": "request", "code": "ok"}
	if code != 0 {
		want["code"], want["error"] = code.String(), text
	}
	stack, _ := line["stack"].(string)
	if panicked := strings.HasPrefix(text, "panic: "); panicked != strings.Contains(stack, "errorlayer_test.go") {
		t.Errorf("the stack is %q", stack)
	}
	peer, _ := line["peer"].(string)
	took, ok := line["duration_ms"].(float64)
	if !strings.HasPrefix(peer, "127.0.0.1:") || !ok || took < 0 {
		t.Errorf("the peer is %v, the duration %v", line["peer"], line["duration_ms"])
	}
	delete(line, "stack")
	delete(line, "peer")
	delete(line, "duration_ms")
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("line of the log (-want +got):\n%s", diff)
	}
}

func TestErrorsMadeForTheClientKeepTheirDetails(t *testing.T) {
	t.Parallel()
	violation := Violation{Field: "features[2]", Description: "is NaN"}
	for _, kind := range []string{"unary", "stream"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			err := errorOf(t, kind, endpoints(new(journal), zerolog.DebugLevel, 0, func(context.Context) error { return Invalid(violation) })[kind])
			requireEnd(t, err, connect.CodeInvalidArgument, "features[2] is NaN")
			var made *connect.Error
			if !errors.As(err, &made) {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Violation{violation}, violationsOf(t, made)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServersDeadlineEndsACall(t *testing.T) {
	t.Parallel()
	log := new(journal)
	err := errorOf(t, "unary", endpoints(log, zerolog.DebugLevel, time.Millisecond, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})["unary"])
	requireEnd(t, err, connect.CodeDeadlineExceeded, "the deadline passed before the answer was ready")
	if n := len(log.lines(t)); n != 1 {
		t.Errorf("the log has %d lines, expected 1", n)
	}
}

// What the level leaves out of the log changes nothing for the client.
func TestLevelOfTheLog(t *testing.T) {
	t.Parallel()
	tests := []struct {
		end  end
		code connect.Code
		at   zerolog.Level
	}{
		{func(context.Context) error { return nil }, 0, zerolog.DebugLevel},
		{func(context.Context) error { return connect.NewError(connect.CodeNotFound, errors.New("no")) }, connect.CodeNotFound, zerolog.InfoLevel},
		{func(context.Context) error { return errors.New(secret) }, connect.CodeInternal, zerolog.ErrorLevel},
	}
	for _, test := range tests {
		for _, level := range []zerolog.Level{zerolog.DebugLevel, zerolog.InfoLevel, zerolog.ErrorLevel, zerolog.Disabled} {
			log := new(journal)
			err := errorOf(t, "unary", endpoints(log, level, 0, test.end)["unary"])
			if (err != nil) != (test.code != 0) || err != nil && connect.CodeOf(err) != test.code {
				t.Errorf("log of level %s: got error %v, expected code %d", level, err, test.code)
			}
			if got, want := len(log.lines(t)) == 1, test.at >= level; got != want {
				t.Errorf("log of level %s: a line of level %s is written: %t, expected %t", level, test.at, got, want)
			}
		}
	}
}

// http.ErrAbortHandler is how a handler breaks off a connection; net/http must see it.
func TestAbortPasses(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"unary", "stream"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			log := new(journal)
			h := endpoints(log, zerolog.DebugLevel, 0, func(context.Context) error { panic(http.ErrAbortHandler) })[kind]
			var passed any
			watched := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					passed = recover()
					panic(http.ErrAbortHandler)
				}()
				h.ServeHTTP(w, r)
			})
			if err := errorOf(t, kind, watched); err == nil {
				t.Error("the call succeeds")
			}
			if passed != http.ErrAbortHandler {
				t.Errorf("the panic is %v, expected http.ErrAbortHandler itself", passed)
			}
			if lines := log.lines(t); len(lines) > 0 {
				t.Errorf("the log has %v", lines)
			}
		})
	}
}
