package predictionapi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestPredictStream sends messages of many kinds, one after the other on one stream: each is
// answered as a Predict of its own.
func TestPredictStream(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	setosa, loan := []float64{5.1, 3.5, 1.4, 0.2}, []float64{1000, 2, 20}
	requests := []*predictionv1.PredictRequest{
		{Features: setosa},
		{Features: setosa, Explain: true, TopK: proto.Uint32(1)},
		{Features: []float64{6.5, 3, 5.8, 2.2}, TopK: proto.Uint32(0)},
		{Features: setosa, TopK: proto.Uint32(2), SubjectId: "a"},
		{Features: setosa[:3]},
		{},
		{Features: loan, Model: "loan"},
		{Features: loan, Model: "loan", Version: "v9.9.9"},
		{Features: setosa, Version: "v1.0.0"},
		{Features: setosa, Model: "lilies"},
		{Features: setosa, SubjectId: strings.Repeat("x", 257)},
		nil,
		{Features: loan, Model: "loan", Explain: true},
		{Features: setosa},
	}
	codes := make(map[string]int)
	for _, p := range testenv.Protocols() {
		if !p.HTTP2() {
			continue
		}
		client := env.Prediction(t, p)
		stream, err := client.PredictStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, request := range requests {
			if err := stream.Send(&predictionv1.PredictStreamRequest{Request: request}); err != nil {
				t.Fatal(err)
			}
			answer, err := stream.Receive()
			if err != nil {
				t.Fatalf("%s: message %d: %v", p.Name, i, err)
			}
			if request == nil {
				want := &predictionv1.RowError{
					Code:    "invalid_argument",
					Message: "request is not given, expected the row to classify",
					FieldViolations: []*predictionv1.FieldViolation{{
						Field: "request", Description: "is not given, expected the row to classify",
					}},
				}
				if diff := cmp.Diff(want, answer.GetError(), protocmp.Transform()); diff != "" {
					t.Errorf("%s: message %d (-want +got):\n%s", p.Name, i, diff)
				}
				continue
			}
			want, err := client.Predict(t.Context(), request)
			if err != nil {
				made := connect.CodeOf(err).String()
				codes[made]++
				var coded *connect.Error
				if !errors.As(err, &coded) || answer.GetError().GetCode() != made || answer.GetError().GetMessage() != coded.Message() {
					t.Errorf("%s: message %d: %v, want %v", p.Name, i, answer, err)
				}
				if n := len(answer.GetError().GetFieldViolations()); (made == "invalid_argument") != (n > 0) {
					t.Errorf("%s: message %d: %d violations", p.Name, i, n)
				}
				continue
			}
			if diff := cmp.Diff(want, answer.GetResponse(), protocmp.Transform()); diff != "" {
				t.Errorf("%s: message %d (-Predict +PredictStream):\n%s", p.Name, i, diff)
			}
		}
		if err := stream.CloseRequest(); err != nil {
			t.Error(err)
		}
		if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the last message: %v", p.Name, err)
		}
		if err := stream.CloseResponse(); err != nil {
			t.Error(err)
		}
	}
	if codes["not_found"] == 0 || codes["invalid_argument"] == 0 {
		t.Errorf("codes seen: %v", codes)
	}
}

func TestPredictStreamNeedsHTTP2(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	for _, p := range testenv.Protocols() {
		if p.HTTP2() {
			continue
		}
		stream, err := env.Prediction(t, p).PredictStream(t.Context())
		if err == nil {
			_, err = stream.Receive()
			_ = stream.CloseRequest()
			_ = stream.CloseResponse()
		}
		if err == nil || !strings.Contains(err.Error(), "HTTP Version Not Supported") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// TestPredictStreamEndsWithItsDeadline leaves a stream open until the client's clock runs out.
func TestPredictStreamEndsWithItsDeadline(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	for _, p := range testenv.Protocols() {
		if !p.HTTP2() {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		stream, err := env.Prediction(t, p).PredictStream(ctx)
		if err == nil {
			err = stream.Send(nil)
		}
		if err == nil {
			_, err = stream.Receive()
		}
		if connect.CodeOf(err) != connect.CodeDeadlineExceeded {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// TestPredictStreamMessageTooLarge shows that it ends the stream, and how.
func TestPredictStreamMessageTooLarge(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.MaxMessageBytes = 1000
	env := testenv.Start(t, o)
	for _, p := range testenv.Protocols() {
		if !p.HTTP2() {
			continue
		}
		stream, err := env.Prediction(t, p).PredictStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Whether Send hears of it is a matter of time; Receive does.
		_ = stream.Send(&predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: make([]float64, 1000)}})
		if _, err = stream.Receive(); connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("%s: %v", p.Name, err)
		}
		_ = stream.CloseRequest()
		_ = stream.CloseResponse()
	}
}

// TestStreamsOutliveTheStopOfTheServer stops a server while a stream is open: it goes on until
// the client closes it.
func TestStreamsOutliveTheStopOfTheServer(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.StopTimeout = time.Minute
	env := testenv.Start(t, o)
	for _, p := range testenv.Protocols() {
		if p.Name != "grpc" {
			continue
		}
		stream, err := env.Prediction(t, p).PredictStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exchange := func() {
			t.Helper()
			if err := stream.Send(&predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}}); err != nil {
				t.Fatal(err)
			}
			if answer, err := stream.Receive(); err != nil || answer.GetResponse().GetPrediction() != "setosa" {
				t.Fatalf("%v, %v", answer, err)
			}
		}
		exchange()
		// Streams are ended when no connection is left whose first request may be on its way.
		held, err := net.Dial("tcp", env.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		later := testenv.HTTPClient(t, false)
		if response, err := later.Get(env.URL + "/livez"); err != nil {
			t.Fatal(err)
		} else if err := response.Body.Close(); err != nil { // the server has taken held too, then
			t.Fatal(err)
		}
		var stopped sync.WaitGroup
		stopped.Go(func() {
			if err := env.Server.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
		for refused := false; !refused; time.Sleep(time.Millisecond) {
			conn, err := net.Dial("tcp", env.Address)
			if refused = err != nil; !refused {
				_ = conn.Close()
			}
		}
		exchange()
		if err := stream.CloseRequest(); err != nil {
			t.Error(err)
		}
		if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
		if err := stream.CloseResponse(); err != nil {
			t.Error(err)
		}
		_ = held.Close()
		stopped.Wait()
	}
}

// TestBatchPredictStreamChunks shows how large chunks are.
func TestBatchPredictStreamChunks(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.MaxBatchRows = 1500
	client := testenv.Start(t, o).Prediction(t, testenv.Protocols()[0])
	matrix := &predictionv1.BatchPredictRequest{Matrix: &predictionv1.Matrix{Columns: 4, Values: make([]float64, 4*3200)}}
	rows := &predictionv1.BatchPredictRequest{TopK: proto.Uint32(0)}
	for range 1500 {
		rows.Rows = append(rows.Rows, &predictionv1.Row{Features: make([]float64, 4)})
	}
	for name, test := range map[string]struct {
		request *predictionv1.BatchPredictRequest
		rows    uint32
		want    []int
	}{
		"unset":               {matrix, 0, []int{1000, 1000, 1000, 200}},
		"even":                {matrix, 800, []int{800, 800, 800, 800}},
		"more than the limit": {matrix, 1 << 31, []int{1500, 1500, 200}},
		"rows":                {rows, 1499, []int{1499, 1}},
		"rows at once":        {rows, 1500, []int{1500}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream, err := client.BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{Batch: test.request, ChunkRows: test.rows})
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for stream.Receive() {
				chunk := stream.Msg().GetChunk()
				got = append(got, max(len(chunk.GetResults()), len(chunk.GetMatrix().GetClassIndices())))
			}
			if err := errors.Join(stream.Err(), stream.Close()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("rows of chunks (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBatchPredictStreamRefusals shows that paths begin at the message of the stream.
func TestBatchPredictStreamRefusals(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	row := []float64{5.1, 3.5, 1.4, 0.2}
	for want, batch := range map[string]*predictionv1.BatchPredictRequest{
		"invalid_argument: batch.rows has 0, expected 1 to 10000": nil,
		"invalid_argument: batch.subject_id has 257 bytes, expected at most 256": {
			Matrix:    &predictionv1.Matrix{Columns: 4, Values: row},
			SubjectId: strings.Repeat("x", 257),
		},
		"invalid_argument: batch.matrix.values has 4, expected a multiple of 3": {
			Model:  "loan",
			Matrix: &predictionv1.Matrix{Columns: 3, Values: row},
		},
		`not_found: model "iris" has no version "v7.0.0"; it has: v1.1.0, v1.0.0`: {
			Matrix:  &predictionv1.Matrix{Columns: 4, Values: row},
			Version: "v7.0.0",
		},
	} {
		for _, p := range testenv.Protocols() {
			stream, err := env.Prediction(t, p).BatchPredictStream(t.Context(), &predictionv1.BatchPredictStreamRequest{Batch: batch})
			if err == nil {
				for stream.Receive() {
					t.Errorf("%s: a chunk: %v", want, stream.Msg())
				}
				err = stream.Err()
				_ = stream.Close()
			}
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", p.Name, err, want)
			}
		}
	}
}

// TestBatchPredictStreamStopsWithItsClient asks for far more than fits on the way, takes one
// chunk and leaves: the server stops.
func TestBatchPredictStreamStopsWithItsClient(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.MaxMessageBytes = 64 << 20
	env := testenv.Start(t, o)
	request := &predictionv1.BatchPredictStreamRequest{Batch: &predictionv1.BatchPredictRequest{
		Matrix:        &predictionv1.Matrix{Columns: 4, FloatValues: make([]float32, 4*1_000_000)},
		Probabilities: true,
	}}
	for _, p := range testenv.Protocols() {
		if strings.Contains(p.Name, "json") {
			continue // a request of this size takes seconds to write
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		before := strings.Count(env.Log.String(), `"code":"canceled"`)
		stream, err := env.Prediction(t, p).BatchPredictStream(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		if !stream.Receive() {
			t.Fatal(stream.Err())
		}
		cancel()
		for strings.Count(env.Log.String(), `"code":"canceled"`) == before {
			if strings.Contains(env.Log.String(), `"level":"debug"`) {
				t.Fatalf("%s: the server sent all of it", p.Name)
			}
			time.Sleep(time.Millisecond)
		}
		for stream.Receive() {
			continue // what was on its way
		}
		if connect.CodeOf(stream.Err()) != connect.CodeCanceled {
			t.Errorf("%s: the client's error: %v", p.Name, stream.Err())
		}
		_ = stream.Close()
	}
}
