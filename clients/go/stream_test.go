package sepal

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

func TestPredictStream(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	var authorization string
	handler := service.handler()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		handler.ServeHTTP(w, r)
	}))
	client := dial(t, server.URL, WithHeader("Authorization", "Bearer sesame"))
	stream, err := client.PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, features := range [][]float64{{5}, {1}, {1, 2}, {3}} {
		if err := stream.Send(Features(features...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	var got []string
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, answer.GetResponse().GetPrediction()+answer.GetError().GetMessage())
	}
	want := []string{"long", "short", "features has 2, expected 1 value (length_cm)", "long"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if authorization != "Bearer sesame" {
		t.Errorf("authorization %q", authorization)
	}
	if err := stream.Send(Features(1)); !errors.Is(err, io.EOF) {
		t.Errorf("a message after the end: %v", err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	stream.Close()
}

// TestPredictStreamFails shows how the ends of a stream look to a caller in the midst of it.
func TestPredictStreamFails(t *testing.T) {
	t.Parallel()
	refuse := func(_ context.Context, n int) error {
		if n == 2 {
			return refusal(connect.CodeUnavailable, "the server stops")
		}
		return nil
	}
	hang := func(ctx context.Context, n int) error {
		if n == 2 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	for name, test := range map[string]struct {
		fail    func(context.Context, int) error
		leave   func(context.CancelFunc)
		timeout time.Duration
		want    connect.Code
	}{
		"by the server":   {fail: refuse, timeout: time.Hour, want: connect.CodeUnavailable},
		"by the caller":   {fail: hang, leave: func(cancel context.CancelFunc) { cancel() }, timeout: time.Hour, want: connect.CodeCanceled},
		"by the deadline": {fail: hang, timeout: 200 * time.Millisecond, want: connect.CodeDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, serve(t, (&fakeService{failMessage: test.fail}).handler()).URL)
			ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
			defer cancel()
			stream, err := client.PredictStream(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.Send(Features(5)); err != nil {
				t.Fatal(err)
			}
			if answer, err := stream.Recv(); err != nil || answer.GetResponse().GetPrediction() != "long" {
				t.Fatal(answer, err)
			}
			if err := stream.Send(Features(5)); err != nil {
				t.Fatal(err)
			}
			if test.leave != nil {
				test.leave(cancel)
			}
			_, err = stream.Recv()
			if failure := asError(t, err); failure.Code != test.want || failure.Attempts != 1 {
				t.Errorf("%v after %d attempts, want %v", failure, failure.Attempts, test.want)
			}
			if errors.Is(err, context.DeadlineExceeded) != (test.want == connect.CodeDeadlineExceeded) {
				t.Errorf("is it a deadline? %v", err)
			}
			if err := stream.Send(Features(5)); !errors.Is(err, io.EOF) {
				t.Errorf("a message after the end: %v", err)
			}
			if _, again := stream.Recv(); again != err {
				t.Errorf("then %v", again)
			}
		})
	}
}

// TestPredictStreamLeftAlone forgets a stream but for its context: that ends it at the server
// too, which could not be closed otherwise.
func TestPredictStreamLeftAlone(t *testing.T) {
	t.Parallel()
	client := dial(t, serve(t, (&fakeService{}).handler()).URL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := client.PredictStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(Features(5)); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
}

func TestPredictStreamWithoutServer(t *testing.T) {
	t.Parallel()
	stream, err := dial(t, "127.0.0.1:1").PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = stream.Recv(); asError(t, err).Code != connect.CodeUnavailable {
		t.Error(err)
	}
}

func TestPredictStreamNeedsHTTP2(t *testing.T) {
	t.Parallel()
	server := serve(t, (&fakeService{}).handler())
	for _, protocol := range []Protocol{Connect, GRPCWeb} {
		stream, err := dial(t, server.URL, WithProtocol(protocol)).PredictStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		if failure := asError(t, err); failure.Code != connect.CodeUnimplemented || !strings.Contains(failure.Message, "HTTP/2") {
			t.Errorf("%v: %v", protocol, err)
		}
	}
}

// TestPredictStreamMessageTooLarge shows that such a message is not sent, and the rest is.
func TestPredictStreamMessageTooLarge(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	stream, err := dial(t, serve(t, service.handler()).URL, WithMaxMessageBytes(500)).PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := stream.Send(Features(make([]float64, 100)...)); asError(t, err).Code != connect.CodeResourceExhausted {
		t.Error(err)
	}
	if err := stream.Send(Features(5)); err != nil {
		t.Fatal(err)
	}
	if answer, err := stream.Recv(); err != nil || answer.GetResponse().GetPrediction() != "long" {
		t.Error(answer, err)
	}
	if n := service.messages.Load(); n != 1 {
		t.Errorf("the server got %d messages, want 1", n)
	}
}

// lengths yields n requests, each third of which does not fit.
func lengths(n int) iter.Seq[*predictionv1.PredictRequest] {
	return func(yield func(*predictionv1.PredictRequest) bool) {
		for i := range n {
			features := []float64{float64(i % 5)}
			if i%3 == 2 {
				features = nil
			}
			if !yield(Features(features...)) {
				return
			}
		}
	}
}

func TestClassifyAll(t *testing.T) {
	t.Parallel()
	client := dial(t, serve(t, (&fakeService{}).handler()).URL)
	const n = 3_000
	i := 0
	for answer, err := range client.ClassifyAll(t.Context(), lengths(n)) {
		if err != nil {
			t.Fatal(err)
		}
		want := "short"
		if i%5 >= 2 {
			want = "long"
		}
		if i%3 == 2 {
			want = ""
		}
		if got := answer.GetResponse().GetPrediction(); got != want || (want == "") != (answer.GetError() != nil) {
			t.Fatalf("answer %d: %v, want %q", i, answer, want)
		}
		i++
	}
	if i != n {
		t.Errorf("%d answers, want %d", i, n)
	}
	for range client.ClassifyAll(t.Context(), lengths(0)) {
		t.Error("an answer to nothing")
	}
}

// TestClassifyAllEnds shows how it ends before its time, and that no goroutine is left.
func TestClassifyAllEnds(t *testing.T) {
	t.Parallel()
	forever := lengths(1 << 40)
	t.Run("broken off", func(t *testing.T) {
		t.Parallel()
		client := dial(t, serve(t, (&fakeService{}).handler()).URL)
		n := 0
		for _, err := range client.ClassifyAll(t.Context(), forever) {
			if n++; n == 100 {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		client := dial(t, serve(t, (&fakeService{}).handler()).URL)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range client.ClassifyAll(ctx, forever) {
			cancel()
			last = err
		}
		if asError(t, last).Code != connect.CodeCanceled {
			t.Error(last)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		service := &fakeService{failMessage: func(_ context.Context, n int) error {
			if n > 10 {
				return refusal(connect.CodeUnavailable, "the server stops")
			}
			return nil
		}}
		client := dial(t, serve(t, service.handler()).URL)
		var last error
		n := 0
		for _, err := range client.ClassifyAll(t.Context(), forever) {
			if last = err; err == nil {
				n++
			}
		}
		if failure := asError(t, last); failure.Code != connect.CodeUnavailable || failure.RequestID != "req-7" || n != 10 {
			t.Errorf("after %d answers: %v", n, failure)
		}
	})
	t.Run("a message too large", func(t *testing.T) {
		t.Parallel()
		client := dial(t, serve(t, (&fakeService{}).handler()).URL, WithMaxMessageBytes(500))
		requests := func(yield func(*predictionv1.PredictRequest) bool) {
			_ = yield(Features(1)) && yield(Features(make([]float64, 100)...)) && yield(Features(1))
		}
		var last error
		n := 0
		for _, err := range client.ClassifyAll(t.Context(), requests) {
			if last = err; err == nil {
				n++
			}
		}
		if asError(t, last).Code != connect.CodeResourceExhausted || n != 1 {
			t.Errorf("after %d answers: %v", n, last)
		}
	})
	t.Run("left by the server", func(t *testing.T) {
		t.Parallel()
		mux := http.NewServeMux()
		mux.Handle("/sepal.prediction.v1.PredictionService/PredictStream", connect.NewBidiStreamHandler("/sepal.prediction.v1.PredictionService/PredictStream",
			func(context.Context, *connect.BidiStream[predictionv1.PredictStreamRequest, predictionv1.PredictStreamResponse]) error {
				return nil
			}))
		client := dial(t, serve(t, mux).URL)
		var last error
		for _, err := range client.ClassifyAll(t.Context(), forever) {
			last = err
		}
		if asError(t, last).Code != connect.CodeUnavailable {
			t.Error(last)
		}
	})
}

func TestBatchPredictStream(t *testing.T) {
	t.Parallel()
	request := &predictionv1.BatchPredictStreamRequest{Batch: &predictionv1.BatchPredictRequest{}, ChunkRows: 2}
	for _, features := range [][]float64{{1}, {5}, {}, {5}, {1}} {
		request.Batch.Rows = append(request.Batch.Rows, &predictionv1.Row{Features: features})
	}
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{fail: func(_ context.Context, n int) error {
				if n == 1 {
					return refusal(connect.CodeUnavailable, "not yet")
				}
				return nil
			}}
			retry := WithRetry(RetryPolicy{InitialBackoff: time.Microsecond})
			client := dial(t, serve(t, service.handler()).URL, append(wire.options, retry)...)
			var got []string
			for chunk, err := range client.BatchPredictStream(t.Context(), request) {
				if err != nil {
					t.Fatal(err)
				}
				if int(chunk.GetFirstRow()) != len(got) {
					t.Errorf("a chunk begins with row %d, want %d", chunk.GetFirstRow(), len(got))
				}
				for _, result := range chunk.GetChunk().GetResults() {
					got = append(got, result.GetResponse().GetPrediction())
				}
			}
			if diff := cmp.Diff([]string{"short", "long", "", "long", "short"}, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			if n := service.calls.Load(); n != 2 {
				t.Errorf("%d calls, want 2", n)
			}
			for range client.BatchPredictStream(t.Context(), request) {
				break
			}
		})
	}
}

// TestBatchPredictStreamFails shows that a stream that has begun is not begun again.
func TestBatchPredictStreamFails(t *testing.T) {
	t.Parallel()
	service := &fakeService{failMessage: func(_ context.Context, n int) error {
		if n == 2 {
			return refusal(connect.CodeUnavailable, "the server stops")
		}
		return nil
	}}
	server := serve(t, service.handler())
	client := dial(t, server.URL)
	request := &predictionv1.BatchPredictStreamRequest{Batch: &predictionv1.BatchPredictRequest{Rows: make([]*predictionv1.Row, 9)}, ChunkRows: 2}
	for i := range request.GetBatch().GetRows() {
		request.Batch.Rows[i] = &predictionv1.Row{Features: []float64{1}}
	}
	var last error
	chunks := 0
	for _, err := range client.BatchPredictStream(t.Context(), request) {
		if last = err; err == nil {
			chunks++
		}
	}
	if failure := asError(t, last); failure.Code != connect.CodeUnavailable || failure.RequestID != "req-7" || chunks != 2 {
		t.Errorf("after %d chunks: %v", chunks, failure)
	}
	if n := service.calls.Load(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	small := dial(t, server.URL, WithMaxMessageBytes(10))
	for _, err := range small.BatchPredictStream(t.Context(), request) {
		if asError(t, err).Code != connect.CodeResourceExhausted {
			t.Error(err)
		}
	}
	if n := service.calls.Load(); n != 1 {
		t.Errorf("%d calls, want 1: a request too large was sent", n)
	}
}
