package interop_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/server"
)

const streamPath = "/sepal.prediction.v1.PredictionService/PredictStream"

// connections counts those that grpc-go makes: it hides from its callers that one was broken off.
type connections struct {
	mu   sync.Mutex
	made int
}

func (c *connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (c *connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (c *connections) HandleRPC(context.Context, stats.RPCStats)                         {}
func (c *connections) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, begins := s.(*stats.ConnBegin); begins {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.made++
	}
}

// dial connects with grpc-go, and requires when the test ends that there was one connection.
func dial(t *testing.T, p *process) *grpc.ClientConn {
	t.Helper()
	how := insecure.NewCredentials()
	if p.authority != nil {
		how = credentials.NewTLS(p.trust())
	}
	made := new(connections)
	conn, err := grpc.NewClient(p.address, grpc.WithTransportCredentials(how), grpc.WithStatsHandler(made), grpc.WithDisableRetry(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		made.mu.Lock()
		defer made.mu.Unlock()
		if made.made != 1 {
			t.Errorf("grpc-go made %d connections", made.made)
		}
	})
	return conn
}

func flower() *predictionv1.PredictRequest {
	return &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}
}

// TestGRPCGo has grpc-go do all that it can, on one connection that lasts.
func TestGRPCGo(t *testing.T) {
	t.Parallel()
	all := func(t *testing.T, p *process) {
		t.Helper()
		conn := dial(t, p)
		for _, does := range []func(*testing.T, *grpc.ClientConn){
			metadataIsAnswered, deadlinePasses, callIsGivenUp, streamIsAnswered, largeMessages, manyCalls, manyGivenUp,
		} {
			does(t, conn)
		}
	}
	onNative(t, all)
	onNetHTTP(t, all)
}

func metadataIsAnswered(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	const id = "an-id-of-the-client-s"
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", id, "some-bin", "\x00\xff")
	var header metadata.MD
	answer := new(predictionv1.PredictResponse)
	if err := conn.Invoke(ctx, predictPath, flower(), answer, grpc.Header(&header)); err != nil || answer.GetPrediction() != "setosa" {
		t.Errorf("got %v, %v", answer, err)
	}
	if got := header.Get("x-request-id"); len(got) != 1 || got[0] != id {
		t.Errorf("the id of the request comes back as %q", got)
	}
}

func open(ctx context.Context, t *testing.T, conn *grpc.ClientConn) grpc.ClientStream {
	t.Helper()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, streamPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(&predictionv1.PredictStreamRequest{Request: flower()}); err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(new(predictionv1.PredictStreamResponse)); err != nil {
		t.Fatal(err)
	}
	return stream
}

func deadlinePasses(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	// On a busy machine the stream may not be open yet, so the deadline grows.
	for timeout := 200 * time.Millisecond; ; timeout *= 4 {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, streamPath)
		if err != nil {
			continue
		}
		if err := stream.SendMsg(&predictionv1.PredictStreamRequest{Request: flower()}); err != nil {
			continue
		}
		if err := stream.RecvMsg(new(predictionv1.PredictStreamResponse)); err != nil {
			if timeout > time.Minute {
				t.Fatal(err)
			}
			continue
		}
		if err := stream.RecvMsg(new(predictionv1.PredictStreamResponse)); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("the stream ends with %v", err)
		}
		return
	}
}

func callIsGivenUp(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream := open(ctx, t, conn)
	cancel()
	if err := stream.RecvMsg(new(predictionv1.PredictStreamResponse)); status.Code(err) != codes.Canceled {
		t.Errorf("the stream ends with %v", err)
	}
}

func streamIsAnswered(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	stream := open(t.Context(), t, conn)
	for range 300 {
		if err := stream.SendMsg(&predictionv1.PredictStreamRequest{Request: flower()}); err != nil {
			t.Fatal(err)
		}
		answer := new(predictionv1.PredictStreamResponse)
		if err := stream.RecvMsg(answer); err != nil || answer.GetResponse().GetPrediction() != "setosa" {
			t.Fatalf("got %v, %v", answer, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	if err := stream.RecvMsg(new(predictionv1.PredictStreamResponse)); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
}

// largeMessages sends megabytes, is sent megabytes, and sends more than the server takes.
func largeMessages(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	batch := &predictionv1.BatchPredictRequest{Explain: true}
	for range server.DefaultOptions().MaxBatchRows {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: flower().GetFeatures()})
	}
	answer := new(predictionv1.BatchPredictResponse)
	if err := conn.Invoke(t.Context(), batchPath, batch, answer); err != nil || len(answer.GetResults()) != len(batch.GetRows()) {
		t.Errorf("%d rows: %d results, %v", len(batch.GetRows()), len(answer.GetResults()), err)
	}
	long := make([]float64, server.DefaultOptions().MaxMessageBytes/8-100)
	err := conn.Invoke(t.Context(), predictPath, &predictionv1.PredictRequest{Features: long}, new(predictionv1.PredictResponse))
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("as much as may be: %v", err)
	}
	long = make([]float64, server.DefaultOptions().MaxMessageBytes/8+100)
	err = conn.Invoke(t.Context(), predictPath, &predictionv1.PredictRequest{Features: long}, new(predictionv1.PredictResponse))
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("more than may be: %v", err)
	}
	chunks, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/sepal.prediction.v1.PredictionService/BatchPredictStream")
	if err != nil {
		t.Fatal(err)
	}
	if err := chunks.SendMsg(&predictionv1.BatchPredictStreamRequest{Batch: batch, ChunkRows: 1}); err != nil {
		t.Fatal(err)
	}
	if err := chunks.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for got := 0; ; got++ {
		err := chunks.RecvMsg(new(predictionv1.BatchPredictStreamResponse))
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) || got != len(batch.GetRows()) {
			t.Errorf("after %d of %d chunks: %v", got, len(batch.GetRows()), err)
		}
		return
	}
}

// manyCalls makes calls one after the other, whose answers are of a few bytes. For each of them
// grpc-go grows the connection's window by as many, and sends a ping, by which it measures how much
// is on its way.
func manyCalls(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	client := healthpb.NewHealthClient(conn)
	for range 2000 {
		if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}

// manyGivenUp gives up calls that have begun, as who asks two servers and takes the faster answer.
func manyGivenUp(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		open(ctx, t, conn)
		cancel()
	}
	metadataIsAnswered(t, conn)
}
