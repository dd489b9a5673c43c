package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/admission"
	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/metrics"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.text.String()), "\n")
}

// slow is a service that answers when it is told to.
type slow struct {
	predictionv1connect.UnimplementedPredictionServiceHandler
	begun, answer chan struct{} // nil: at once
	panics        bool
}

func (s slow) Predict(context.Context, *predictionv1.PredictRequest) (*predictionv1.PredictResponse, error) {
	if s.panics {
		panic("slow")
	}
	if s.begun != nil {
		s.begun <- struct{}{}
		<-s.answer
	}
	return &predictionv1.PredictResponse{Prediction: "setosa"}, nil
}

func (s slow) BatchPredictStream(
	_ context.Context, _ *predictionv1.BatchPredictStreamRequest,
	stream *connect.ServerStream[predictionv1.BatchPredictStreamResponse],
) error {
	for range 3 {
		if err := stream.Send(&predictionv1.BatchPredictStreamResponse{}); err != nil {
			return err
		}
	}
	return nil
}

func (s slow) PredictStream(_ context.Context, stream *connect.BidiStream[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse]) error {
	for {
		if _, err := stream.Receive(); err != nil {
			return nil //nolint:nilerr // the client is done
		}
		if err := stream.Send(&predictionv1.PredictStreamResponse{}); err != nil {
			return err
		}
	}
}

// admitting is a server behind an Admission.
type admitting struct {
	url      string
	client   *http.Client
	measures *metrics.Metrics
	log      *lines
}

// startAdmitting starts one; with a scorer, Predict takes the short path of package h2.
func startAdmitting(t *testing.T, c *admission.Controller, s slow, scorer rpc.Scorer) admitting {
	t.Helper()
	log := &lines{}
	logger := zerolog.New(log)
	paths := map[string]bool{
		predictionv1connect.PredictionServicePredictProcedure:            false,
		predictionv1connect.PredictionServiceBatchPredictStreamProcedure: false,
		predictionv1connect.PredictionServicePredictStreamProcedure:      true,
	}
	var procedures []metrics.Procedure
	for path, streams := range paths {
		procedures = append(procedures, metrics.Procedure{Path: path, Streams: streams})
	}
	measures := metrics.New(procedures)
	door := rpc.NewAdmission(rpc.AdmissionOptions{
		Controller: c, Paths: paths, Waited: measures.WatchAdmission(c.State), Logger: logger,
	})
	options := rpc.Options{Logger: logger, MaxMessageBytes: 1 << 20, MaxRows: 100, Timeout: time.Minute}
	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(s, rpc.HandlerOptions(options)...))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewUnstartedServer(rpc.RequestID(rpc.Measured(measures.Requests,
		rpc.Unheard(logger, nil, rpc.Timely(time.Minute, door.Door(mux))))))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	if scorer != nil {
		short := rpc.ShortOptions{Options: options, Path: predictionv1connect.PredictionServicePredictProcedure, Scorer: scorer, Admission: door}
		short.RPC, _ = measures.Requests.RPC(short.Path)
		native := h2.New(h2.Config{Short: rpc.NewShort(short)})
		native.Attach(server.Config)
		t.Cleanup(native.Close)
	}
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return admitting{url: server.URL, client: &http.Client{Transport: transport}, measures: measures, log: log}
}

// refusing returns a controller that has been too long a queue's, and is until an hour from now.
func refusing(t *testing.T) *admission.Controller {
	t.Helper()
	c := admission.New(admission.Options{Processors: 1, MaxWait: 50 * time.Millisecond, Backlog: func() int { return 10_000 }})
	for range 10_000 {
		c.Arrive(time.Now())
	}
	for at := time.Now().Add(time.Hour); !c.Crowded(); at = at.Add(2 * time.Millisecond) {
		if c.Arrive(at) == admission.Admitted {
			c.Depart(1)
		}
		if time.Until(at) > 2*time.Hour {
			t.Fatalf("%+v, and nothing is refused", c.State())
		}
	}
	return c
}

func clientOptions() map[string][]connect.ClientOption {
	return map[string][]connect.ClientOption{
		"Connect": nil, "Connect with JSON": {connect.WithProtoJSON()}, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
	}
}

// isOverload fails the test unless the error is that of an overload, with a time to wait.
func isOverload(t *testing.T, err error) {
	t.Helper()
	var made *connect.Error
	if !errors.As(err, &made) || made.Code() != connect.CodeResourceExhausted {
		t.Errorf("the error is %v, expected RESOURCE_EXHAUSTED", err)
		return
	}
	if made.Meta().Get("Retry-After") == "" || made.Meta().Get(rpc.RequestIDHeader) == "" {
		t.Errorf("the error comes with %v, expected a time to wait and an id", made.Meta())
	}
	for _, detail := range made.Details() {
		value, err := detail.Value()
		if info, ok := value.(*errdetails.RetryInfo); err == nil && ok {
			if wait := info.GetRetryDelay().AsDuration(); wait < 500*time.Millisecond || wait > 1500*time.Millisecond {
				t.Errorf("it says to wait %v", wait)
			}
			return
		}
	}
	t.Errorf("the details are %v, expected a RetryInfo", made.Details())
}

func TestOverloadIsRefusedInEveryProtocol(t *testing.T) {
	t.Parallel()
	for name, scorer := range map[string]rpc.Scorer{"ordinary path": nil, "short path": func(dst, _ []byte, _ *rpc.ShortCall) ([]byte, bool) {
		t.Error("what is to be refused is scored")
		return dst, false
	}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overloadIsRefused(t, startAdmitting(t, refusing(t), slow{}, scorer))
		})
	}
}

func overloadIsRefused(t *testing.T, s admitting) {
	t.Helper()
	refused := 0
	for name, options := range clientOptions() {
		client := predictionv1connect.NewPredictionServiceClient(s.client, s.url, options...)
		_, err := client.Predict(t.Context(), &predictionv1.PredictRequest{Features: []float64{1}})
		t.Log(name, err)
		isOverload(t, err)
		refused++

		stream, err := client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{})
		if err == nil {
			for stream.Receive() {
			}
			err = errors.Join(stream.Err(), stream.Close())
		}
		isOverload(t, err)
		refused++
	}
	response, err := s.client.Get(s.url + predictionv1connect.PredictionServicePredictProcedure + "?encoding=json&message={}")
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Code string }
	if err := errors.Join(json.NewDecoder(response.Body).Decode(&body), response.Body.Close()); err != nil ||
		response.StatusCode != http.StatusTooManyRequests || body.Code != "resource_exhausted" {
		t.Errorf("a GET is answered with %s, %+v and %v", response.Status, body, err)
	}
	refused++

	health, err := s.client.Get(s.url + "/readyz")
	if err != nil || health.StatusCode != http.StatusNoContent || health.Body.Close() != nil {
		t.Errorf("health is %v, %v", health, err)
	}
	families, err := s.measures.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			if family.GetName() != "sepal_rejected_total" {
				continue
			}
			want := 0
			if series.GetLabel()[0].GetValue() == "overload" {
				want = refused
			}
			if got := int(series.GetCounter().GetValue()); got != want {
				t.Errorf("%d requests are counted as rejected for %s, expected %d", got, series.GetLabel()[0].GetValue(), want)
			}
		}
	}
	toldTogether(t, s.log, refused)
}

// TestPanicOnTheShortPath is answered as a panic of the ordinary handler, and so are the calls after it
// on the same connection.
func TestPanicOnTheShortPath(t *testing.T) {
	t.Parallel()
	c := admission.New(admission.Options{Processors: 1})
	s := startAdmitting(t, c, slow{panics: true}, func([]byte, []byte, *rpc.ShortCall) ([]byte, bool) { panic("short") })
	for name, options := range clientOptions() {
		client := predictionv1connect.NewPredictionServiceClient(s.client, s.url, options...)
		_, err := client.Predict(t.Context(), &predictionv1.PredictRequest{Features: []float64{1}})
		if connect.CodeOf(err) != connect.CodeInternal || !strings.Contains(err.Error(), "internal error") {
			t.Errorf("%s: the answer is %v, expected INTERNAL", name, err)
		}
	}
	untilState(t, c, func(state admission.State) bool { return state.InFlight == 0 && state.Waiting == 0 })
}

// toldTogether waits until the log has told of all that were refused, and of nothing else.
func toldTogether(t *testing.T, log *lines, refused int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		told := 0
		for _, text := range log.all() {
			var line struct {
				Level, Message string
				Overload       int
			}
			if text == "" {
				continue
			}
			if err := json.Unmarshal([]byte(text), &line); err != nil || line.Level != "warn" {
				t.Fatalf("the log has %s", text)
			}
			told += line.Overload
		}
		if told == refused {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the log tells of %d, expected %d: %s", told, refused, log.all())
		}
	}
}

// TestTurnsAreWaitedFor has a limit for one request, which is answered late.
func TestTurnsAreWaitedFor(t *testing.T) {
	t.Parallel()
	for name, options := range clientOptions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := admission.New(admission.Options{Processors: 1, Limit: 1})
			service := slow{begun: make(chan struct{}), answer: make(chan struct{})}
			s := startAdmitting(t, c, service, nil)
			client := predictionv1connect.NewPredictionServiceClient(s.client, s.url, options...)
			predict := func(ctx context.Context) <-chan error {
				ended := make(chan error, 1)
				go func() {
					_, err := client.Predict(ctx, &predictionv1.PredictRequest{Features: []float64{1}})
					ended <- err
				}()
				return ended
			}
			first := predict(t.Context())
			<-service.begun

			// One waits until its deadline, one until it is its turn.
			near, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if err := <-predict(near); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
				t.Errorf("the one with a deadline ends with %v", err)
			}
			untilState(t, c, func(s admission.State) bool { return s.Waiting == 0 }) // the server knows too
			second := predict(t.Context())
			untilState(t, c, func(s admission.State) bool { return s.Waiting == 1 })
			close(service.answer)
			if err := <-first; err != nil {
				t.Error(err)
			}
			<-service.begun
			if err := <-second; err != nil {
				t.Error(err)
			}
			untilState(t, c, func(s admission.State) bool { return s == admission.State{Limit: 1} })
		})
	}
}

func untilState(t *testing.T, c *admission.Controller, is func(admission.State) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(c.State()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the state is %+v", c.State())
		}
	}
}

// TestStreamsHoldNoTurnWhileTheyWait lets many streams be open with a limit for one message.
func TestStreamsHoldNoTurnWhileTheyWait(t *testing.T) {
	t.Parallel()
	c := admission.New(admission.Options{Processors: 1, Limit: 1})
	s := startAdmitting(t, c, slow{}, nil)
	client := predictionv1connect.NewPredictionServiceClient(s.client, s.url, connect.WithGRPC())
	var streams []*connect.BidiStreamForClientSimple[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse]
	for range 5 {
		stream, err := client.PredictStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, stream)
		for range 3 {
			if err := stream.Send(&predictionv1.PredictStreamRequest{}); err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Receive(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := client.Predict(t.Context(), &predictionv1.PredictRequest{Features: []float64{1}}); err != nil {
		t.Errorf("beside streams that wait for their clients: %v", err)
	}
	chunks, err := client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for chunks.Receive() {
		n++
	}
	if err := errors.Join(chunks.Err(), chunks.Close()); err != nil || n != 3 {
		t.Errorf("%d chunks came, and %v", n, err)
	}
	for _, stream := range streams {
		if err := errors.Join(stream.CloseRequest(), stream.CloseResponse()); err != nil {
			t.Error(err)
		}
	}
	untilState(t, c, func(s admission.State) bool { return s == admission.State{Limit: 1} })
}
