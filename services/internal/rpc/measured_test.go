package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/metrics"
)

const streamProcedure = procedure + "Stream"

// measured is a unary and a streaming call behind all layers, and what is counted of them.
func measured(log *journal, sampleRate float64, f end) (http.Handler, *metrics.Metrics) {
	logger := zerolog.New(log).Level(zerolog.InfoLevel)
	options := HandlerOptions(Options{Logger: logger, LogSampleRate: sampleRate, MaxMessageBytes: 1000, MaxRows: 1})
	mux := http.NewServeMux()
	mux.Handle(procedure, connect.NewUnaryHandler(procedure,
		func(ctx context.Context, _ *connect.Request[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
			if err := f(ctx); err != nil {
				return nil, err
			}
			return connect.NewResponse(&predictionv1.HealthResponse{Status: "ok"}), nil
		}, options...))
	mux.Handle(streamProcedure, connect.NewServerStreamHandler(streamProcedure,
		func(ctx context.Context, _ *connect.Request[predictionv1.HealthRequest], stream *connect.ServerStream[predictionv1.HealthResponse]) error {
			if err := stream.Send(&predictionv1.HealthResponse{Status: "ok"}); err != nil {
				return err
			}
			return f(ctx)
		}, options...))
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
	m := metrics.New([]metrics.Procedure{{Path: procedure}, {Path: streamProcedure, Streams: true}})
	return RequestID(Measured(m.Requests, Unheard(logger, nil, mux))), m
}

// counted returns the series of sepal_requests_total that are not 0, as "rpc protocol code": n.
func counted(t *testing.T, m *metrics.Metrics) map[string]float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range series.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			switch family.GetName() {
			case "sepal_requests_total":
				if n := series.GetCounter().GetValue(); n > 0 {
					got[fmt.Sprintf("%s %s %s", labels["rpc"], labels["protocol"], labels["code"])] = n
				}
			case "sepal_requests_in_flight":
				if n := series.GetGauge().GetValue(); n != 0 {
					t.Errorf("%v requests of %s are in flight after the end", n, labels["rpc"])
				}
			}
		}
	}
	return got
}

func TestTheCodeThatTheClientGetsIsCounted(t *testing.T) {
	t.Parallel()
	fine := func(context.Context) error { return nil }
	broken := func(context.Context) error { return errors.New("broken") }
	const grpcEmpty = "\x00\x00\x00\x00\x00"
	tests := []struct {
		name, method, path, contentType, body string
		end                                   end
		want                                  string // empty: nothing is counted
	}{
		{"well", "POST", procedure, "application/json", "{}", fine, "connect ok"},
		{"well over gRPC", "POST", procedure, "application/grpc", grpcEmpty, fine, "grpc ok"},
		{"well over gRPC-Web", "POST", procedure, "application/grpc-web+proto", grpcEmpty, fine, "grpcweb ok"},
		{"well in capitals", "POST", procedure, "Application/GRPC-Web", grpcEmpty, fine, "grpcweb ok"},
		{"an error of the program", "POST", procedure, "application/json", "{}", broken, "connect internal"},
		{"an error of the program over gRPC", "POST", procedure, "application/grpc", grpcEmpty, broken, "grpc internal"},
		{"a panic", "POST", procedure, "application/grpc-web", grpcEmpty, func(context.Context) error { panic("x") }, "grpcweb internal"},
		{"a stream", "POST", streamProcedure, "application/grpc", grpcEmpty, fine, "grpc ok"},
		{"a stream that breaks", "POST", streamProcedure, "application/connect+json", "\x00\x00\x00\x00\x02{}", broken, "connect internal"},
		{"no message", "POST", procedure, "application/json", "{", fine, "connect invalid_argument"},
		{"no message over gRPC", "POST", procedure, "application/grpc", "\x00\x00\x00\x00\x01\xff", fine, "grpc invalid_argument"},
		{"no message over gRPC-Web", "POST", procedure, "application/grpc-web", "\x00\x00\x00\x00\x01\xff", fine, "grpcweb invalid_argument"},
		{"too large", "POST", procedure, "application/json", strings.Repeat(" ", 2000), fine, "connect resource_exhausted"},
		{"too large over gRPC", "POST", procedure, "application/grpc", "\x00\x00\x00\x10\x00" + strings.Repeat(" ", 4096), fine, "grpc resource_exhausted"},
		{"a content type that is not read", "POST", procedure, "text/plain", "x", fine, "connect invalid_argument"},
		{"a method that is not answered", "PUT", procedure, "application/json", "{}", fine, "connect invalid_argument"},
		{"an RPC that there is not", "POST", "/x", "application/grpc", grpcEmpty, fine, "unknown grpc unimplemented"},
		{"a page", "GET", "/page", "", "", fine, ""},
		{"a page that there is not", "GET", "/nothing", "", "", fine, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, m := measured(new(journal), 0, test.end)
			request := httptest.NewRequestWithContext(t.Context(), test.method, test.path, strings.NewReader(test.body))
			if test.contentType != "" {
				request.Header.Set("Content-Type", test.contentType)
			}
			h.ServeHTTP(httptest.NewRecorder(), request)
			want := map[string]float64{}
			switch {
			case strings.HasPrefix(test.want, "unknown"):
				want[test.want] = 1
			case test.want != "":
				want[strings.TrimPrefix(test.path, "/")+" "+test.want] = 1
			}
			if diff := cmp.Diff(want, counted(t, m)); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBrokenOffConnectionsAreCounted shows that a handler that leaves by a panic is not in flight
// for ever.
func TestBrokenOffConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	h, m := measured(new(journal), 0, func(context.Context) error { panic(http.ErrAbortHandler) })
	func() {
		defer func() { _ = recover() }()
		serve(t, h, http.Header{"Content-Type": {"application/json"}}, "{}")
	}()
	if diff := cmp.Diff(map[string]float64{strings.TrimPrefix(procedure, "/") + " connect unknown": 1}, counted(t, m)); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// TestAnswersThatCannotBeSent shows that what goes wrong after the handler is counted and logged.
func TestAnswersThatCannotBeSent(t *testing.T) {
	t.Parallel()
	for contentType, body := range map[string]string{"application/json": "{}", "application/grpc": "\x00\x00\x00\x00\x00"} {
		log := new(journal)
		logger := zerolog.New(log)
		h := connect.NewUnaryHandler(procedure,
			func(context.Context, *connect.Request[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
				return connect.NewResponse(&predictionv1.HealthResponse{Status: "\xff"}), nil // no UTF-8
			}, HandlerOptions(Options{Logger: logger.Level(zerolog.InfoLevel), MaxMessageBytes: 1000, MaxRows: 1})...)
		m := metrics.New([]metrics.Procedure{{Path: procedure}})
		serve(t, RequestID(Measured(m.Requests, Unheard(logger, nil, h))), http.Header{"Content-Type": {contentType}}, body)
		got := counted(t, m)
		for series := range got {
			if !strings.HasSuffix(series, " internal") {
				t.Errorf("%s: counted %v, expected internal", contentType, got)
			}
		}
		if lines := log.lines(t); len(got) != 1 || len(lines) != 1 || lines[0]["message"] != "answer not sent" || lines[0]["code"] != "internal" {
			t.Errorf("%s: counted %v, logged %v", contentType, got, lines)
		}
	}
}

func TestRowsOfBatchesAreCounted(t *testing.T) {
	t.Parallel()
	rows := &predictionv1.BatchPredictRequest{Rows: make([]*predictionv1.Row, 3)}
	matrix := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4, FloatValues: make([]float32, 20)}}
	for _, test := range []struct {
		message any
		rows    int
		isBatch bool
	}{
		{rows, 3, true},
		{matrix, 5, true},
		{&predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Values: make([]float64, 2)}}, 2, true},
		{&predictionv1.BatchPredictRequest{}, 0, true},
		{&predictionv1.BatchPredictStreamRequest{Batch: rows}, 3, true},
		{&predictionv1.BatchPredictStreamRequest{}, 0, true},
		{&predictionv1.PredictRequest{}, 0, false},
	} {
		if n, isBatch := batchRows(test.message); n != test.rows || isBatch != test.isBatch {
			t.Errorf("%v: %d rows, a batch: %v, expected %d, %v", test.message, n, isBatch, test.rows, test.isBatch)
		}
	}
}

// flushes is a recorder that counts how often it is flushed.
type flushes struct {
	*httptest.ResponseRecorder
	n int
}

func (f *flushes) Flush() { f.n++ }

func TestUnaryGRPCWebOverHTTP1IsSentInOnePiece(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path, contentType string
		major             int
		flushed           bool
	}{
		{procedure, "application/grpc-web+proto", 1, false},
		{procedure, "application/grpc-web+proto", 2, true},
		{streamProcedure, "application/grpc-web+proto", 1, true},
		{procedure, "application/grpc+proto", 2, true},
	} {
		h, _ := measured(new(journal), 0, func(context.Context) error { return nil })
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.path, strings.NewReader("\x00\x00\x00\x00\x00"))
		request.Header.Set("Content-Type", test.contentType)
		request.ProtoMajor = test.major
		w := &flushes{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, request)
		if (w.n > 0) != test.flushed || w.Body.Len() == 0 {
			t.Errorf("%v: flushed %d times, %d bytes", test, w.n, w.Body.Len())
		}
	}
}

// TestStreamsOverGRPCWebAreDeliveredAtOnce has a stream wait until its first message has arrived.
func TestStreamsOverGRPCWebAreDeliveredAtOnce(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	h, _ := measured(new(journal), 0, func(ctx context.Context) error {
		select {
		case <-arrived:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	server := httptest.NewServer(h) // HTTP/1.1
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client := connect.NewClient[predictionv1.HealthRequest, predictionv1.HealthResponse](server.Client(), server.URL+streamProcedure, connect.WithGRPCWeb())
	stream, err := client.CallServerStream(ctx, connect.NewRequest(&predictionv1.HealthRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Receive() {
		t.Fatalf("no message: %v", stream.Err())
	}
	close(arrived)
	if stream.Receive() || stream.Err() != nil || stream.Close() != nil {
		t.Errorf("the stream ends with %v", stream.Err())
	}
}
