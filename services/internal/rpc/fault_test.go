package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/crash"
	"github.com/sepal-ml/sepal/services/internal/crash/crashtest"
	"github.com/sepal-ml/sepal/services/internal/metrics"
)

// protocols are ways to call, by what Connect calls them.
var protocols = map[string][]connect.ClientOption{
	connect.ProtocolConnect: nil,
	connect.ProtocolGRPC:    {connect.WithGRPC()},
	connect.ProtocolGRPCWeb: {connect.WithGRPCWeb()},
}

// reported serves a unary and a streaming call that end so behind all layers, and a codec that
// panics where a message says so. It returns the address, a client, the log, and what to call when
// all was called.
func reported(t *testing.T, f end) (url string, client *http.Client, log *journal, done func()) {
	t.Helper()
	log = new(journal)
	logger := zerolog.New(log).Level(zerolog.InfoLevel)
	crashes := crash.FromEnvironment(crash.Options{Logger: logger, Version: "v1.2.3"})
	assigned := func(ctx context.Context) error {
		Assigned(ctx, "iris", "v4", "stable")
		return f(ctx)
	}
	options := append(HandlerOptions(Options{Logger: logger, Crashes: crashes, MaxMessageBytes: 1 << 20, MaxRows: 1}),
		connect.WithCodec(panickingCodec{protoCodec{maxNested: nestedPerRow}}))
	mux := http.NewServeMux()
	mux.Handle(procedure, connect.NewUnaryHandler(procedure,
		func(ctx context.Context, _ *connect.Request[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
			if err := assigned(ctx); err != nil {
				return nil, err
			}
			return connect.NewResponse(&predictionv1.HealthResponse{Status: panicWord}), nil
		}, options...))
	mux.Handle(streamProcedure, connect.NewServerStreamHandler(streamProcedure,
		func(ctx context.Context, _ *connect.Request[predictionv1.HealthRequest], stream *connect.ServerStream[predictionv1.HealthResponse]) error {
			if err := stream.Send(&predictionv1.HealthResponse{}); err != nil {
				return err
			}
			if err := assigned(ctx); err != nil {
				return err
			}
			return stream.Send(&predictionv1.HealthResponse{Status: panicWord})
		}, options...))
	m := metrics.New([]metrics.Procedure{{Path: procedure}, {Path: streamProcedure, Streams: true}})
	grown := NewGrown(RequestID(Measured(m.Requests, Unheard(logger, crashes, mux))))
	t.Cleanup(grown.Close)
	server := httptest.NewUnstartedServer(grown)
	server.Config.ErrorLog = nil
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return server.URL, &http.Client{Transport: transport}, log, func() {
		t.Helper()
		if err := crashes.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// panicWord is the status for which panickingCodec panics.
const panicWord = "panic"

// panickingCodec panics with what it is to write.
type panickingCodec struct{ protoCodec }

func (c panickingCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	if m, ok := message.(*predictionv1.HealthResponse); ok && m.GetStatus() == panicWord {
		panic(secret)
	}
	return c.protoCodec.MarshalAppend(dst, message)
}

func (c panickingCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

// callUnary and callStream return the error that the client gets.
func callUnary(t *testing.T, client *http.Client, url string, options []connect.ClientOption) error {
	t.Helper()
	request := connect.NewRequest(&predictionv1.HealthRequest{})
	request.Header().Set(RequestIDHeader, "id-1")
	_, err := connect.NewClient[predictionv1.HealthRequest, predictionv1.HealthResponse](client, url+procedure, options...).CallUnary(t.Context(), request)
	return err
}

func callStream(t *testing.T, client *http.Client, url string, options []connect.ClientOption) error {
	t.Helper()
	request := connect.NewRequest(&predictionv1.HealthRequest{})
	request.Header().Set(RequestIDHeader, "id-1")
	stream, err := connect.NewClient[predictionv1.HealthRequest, predictionv1.HealthResponse](client, url+streamProcedure, options...).CallServerStream(t.Context(), request)
	if err != nil {
		return err
	}
	defer stream.Close()
	for stream.Receive() {
	}
	return stream.Err()
}

// TestServerFaultsAreReportedOnce has a handler fail in every way, in every protocol: the client gets
// INTERNAL with the request id, the server lives, and there is one event, without what is secret. So
// it is where a codec panics, as long as nothing was sent.
func TestServerFaultsAreReportedOnce(t *testing.T) {
	ends := map[string]struct {
		end  end
		kind string
	}{
		"a panic":               {func(context.Context) error { panic(secret) }, "panic: string"},
		"a panic with an error": {func(context.Context) error { panic(fmt.Errorf("features[0] is %s", secret)) }, "panic: *errors.errorString"},
		"an error":              {func(context.Context) error { return fmt.Errorf("%s: %w", secret, errors.New(secret)) }, "*errors.errorString"},
		"an internal error":     {func(context.Context) error { return connect.NewError(connect.CodeInternal, errors.New(secret)) }, "*errors.errorString"},
		"an error of lost data": {func(context.Context) error { return connect.NewError(connect.CodeDataLoss, errors.New("lost")) }, "*errors.errorString"},
		"a panic in a codec":    {func(context.Context) error { return nil }, "panic: string"},
	}
	for name, test := range ends {
		for protocol, options := range protocols {
			for kind, call := range map[string]func(*testing.T, *http.Client, string, []connect.ClientOption) error{"unary": callUnary, "stream": callStream} {
				t.Run(strings.Join([]string{name, protocol, kind}, "/"), func(t *testing.T) {
					s := crashtest.Start(t)
					url, client, log, done := reported(t, test.end)
					err := call(t, client, url, options)
					if name == "a panic in a codec" && (kind == "stream" || protocol != connect.ProtocolConnect) {
						// Some of the answer was sent, if only the headers.
						if err == nil {
							t.Error("the call ends well")
						}
					} else {
						requireInternal(t, err, name == "an error of lost data")
					}
					done()
					events := s.Events()
					if len(events) != 1 || len(log.lines(t)) != 1 {
						t.Fatalf("%d events and %d lines of the log, expected one of each: %v", len(events), len(log.lines(t)), log.lines(t))
					}
					requireEvent(t, events[0], protocol, kind, test.kind)
				})
			}
		}
	}
}

func requireInternal(t *testing.T, err error, lost bool) {
	t.Helper()
	code, message := connect.CodeInternal, "internal error; the server's log has more under request id id-1"
	if lost {
		code, message = connect.CodeDataLoss, "lost"
	}
	var made *connect.Error
	if !errors.As(err, &made) || made.Code() != code || made.Message() != message {
		t.Errorf("the client gets %v, expected %v: %s", err, code, message)
	}
	if made != nil && made.Meta().Get(RequestIDHeader) != "id-1" {
		t.Errorf("the answer has the headers %v, expected the request id", made.Meta())
	}
}

func requireEvent(t *testing.T, e crashtest.Event, protocol, kind, exception string) {
	t.Helper()
	if strings.Contains(e.Raw, "permission denied") {
		t.Errorf("what is secret was sent: %s", e.Raw)
	}
	want := strings.TrimPrefix(procedure, "/")
	if kind == "stream" {
		want = strings.TrimPrefix(streamProcedure, "/")
	}
	x := e.Exception.Values[0]
	if e.Tags["rpc"] != want || e.Transaction != want || e.Tags["protocol"] != protocol || e.Tags["request_id"] != "id-1" ||
		e.Tags["model"] != "iris" || e.Tags["model_version"] != "v4" || e.Release != "sepal@v1.2.3" || x.Type != exception {
		t.Errorf("the event is %s", e.Raw)
	}
	frames := x.Stacktrace.Frames
	if panicked := strings.HasPrefix(exception, "panic"); panicked != (len(frames) > 0) {
		t.Errorf("the stack is %+v", frames)
	} else if panicked && !strings.HasSuffix(frames[len(frames)-1].Filename, "/rpc/fault_test.go") {
		t.Errorf("the innermost call is %+v", frames[len(frames)-1])
	}
}

// TestClientFaultsAreNotReported shows that what a client does wrong, or gives up, is no event.
func TestClientFaultsAreNotReported(t *testing.T) {
	s := crashtest.Start(t)
	for _, code := range []connect.Code{
		connect.CodeInvalidArgument, connect.CodeNotFound, connect.CodeFailedPrecondition, connect.CodeUnavailable,
		connect.CodeResourceExhausted, connect.CodeUnimplemented, connect.CodeDeadlineExceeded, connect.CodeCanceled,
	} {
		url, client, _, done := reported(t, func(context.Context) error { return connect.NewError(code, errors.New("no")) })
		for _, options := range protocols {
			if err := callUnary(t, client, url, options); connect.CodeOf(err) != code {
				t.Errorf("got %v, expected %v", err, code)
			}
		}
		done()
	}
	url, client, _, done := reported(t, func(ctx context.Context) error { return context.Cause(ctx) })
	response, err := client.Post(url+procedure, "application/json", strings.NewReader("{"))
	if err != nil || response.StatusCode != http.StatusBadRequest {
		t.Fatalf("got %v, %v", response, err)
	}
	_ = response.Body.Close()
	done()
	if events := s.Events(); len(events) > 0 {
		t.Errorf("reported %+v", events)
	}
}
