package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// TestRollingRestartLosesNoRequest restarts the processes of a fleet one after the other, while
// clients of every protocol call it that try nothing twice: no request fails, and streams of
// messages end with a status that says why.
func TestRollingRestartLosesNoRequest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	const size, restarts, atMost = 3, 10, 30
	f := startFleet(t, size)
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for _, p := range testenv.Protocols() {
		clients.Go(func() { f.askOn(ctx, p.Name, predictOnce) })
		clients.Go(func() { f.askOn(ctx, p.Name, streamBatch) })
	}
	conn, err := grpc.NewClient("fleet:///", grpc.WithResolvers(f.names), grpc.WithDisableRetry(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var byGRPC atomic.Int64
	clients.Go(func() { f.askByGRPC(ctx, conn, &byGRPC) })
	var ended atomic.Int64
	for _, name := range []string{"grpc", "grpc_web_http2", "connect_proto_http2"} {
		clients.Go(func() { f.streamOn(ctx, name, &ended) })
	}
	const some = 100 // requests, so that all clients have called a process
	// A stream that has come to its process too late tells nothing of how it ends.
	for i := 0; i < restarts || ended.Load() < restarts && i < atMost; i++ {
		for _, m := range f.present() {
			f.await(t, func() bool { return m.answered.Load() >= some })
		}
		f.restart(t, i%size)
	}
	if got := ended.Load(); got < restarts {
		t.Errorf("%d streams were ended by a stop, expected %d", got, restarts)
	}
	for _, m := range f.present() {
		f.await(t, func() bool { return m.answered.Load() >= some && byGRPC.Load() > some })
	}
	cancel()
	clients.Wait()
	if f.failures.any() {
		t.Fatal("requests fail")
	}
}

const pause = 25 * time.Millisecond // between the requests of a client

// askOn asks one process after the other until ctx ends.
func (f *fleet) askOn(ctx context.Context, protocol string, ask func(context.Context, *member, string) error) {
	for ; ctx.Err() == nil; time.Sleep(pause) {
		m := f.pick()
		if m == nil {
			f.failures.add("no process is ready")
			return
		}
		// A call that has begun is not given up when the test ends.
		try := new(attempt)
		if err := ask(try.whole(context.WithoutCancel(ctx)), m, protocol); err != nil && !try.late(m) {
			f.failures.add(fmt.Sprintf("%s: %v", protocol, err))
		} else if err == nil {
			m.answered.Add(1)
		}
	}
}

func predictOnce(ctx context.Context, m *member, protocol string) error {
	response, err := m.clients[protocol].Predict(ctx, &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	if err == nil && response.GetPrediction() != "setosa" {
		err = fmt.Errorf("got %v", response)
	}
	return err
}

// streamBatch asks for a batch whose answer comes in several messages.
func streamBatch(ctx context.Context, m *member, protocol string) error {
	const rows, chunk = 60, 10
	batch := new(predictionv1.BatchPredictRequest)
	for range rows {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	}
	stream, err := m.clients[protocol].BatchPredictStream(ctx, &predictionv1.BatchPredictStreamRequest{Batch: batch, ChunkRows: chunk})
	if err != nil {
		return err
	}
	got := 0
	for stream.Receive() {
		got += len(stream.Msg().GetChunk().GetResults())
	}
	if err := errors.Join(stream.Err(), stream.Close()); err != nil {
		return fmt.Errorf("after %d rows of a stream: %w", got, err)
	}
	if got != rows {
		return fmt.Errorf("%d rows of a stream are answered, expected %d", got, rows)
	}
	return nil
}

// askByGRPC asks whichever process grpc-go takes.
func (f *fleet) askByGRPC(ctx context.Context, conn *grpc.ClientConn, answered *atomic.Int64) {
	for ; ctx.Err() == nil; time.Sleep(pause) {
		began := time.Now()
		response := new(predictionv1.PredictResponse)
		err := conn.Invoke(context.WithoutCancel(ctx), "/sepal.prediction.v1.PredictionService/Predict",
			&predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}, response)
		if err != nil && !f.anyLate(began) {
			f.failures.add(fmt.Sprintf("grpc-go: %v", err))
		} else if err == nil {
			answered.Add(1)
		}
	}
}

// anyLate reports whether a process that was about to end by then may have been asked too late.
func (f *fleet) anyLate(began time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(slices.Concat(f.members, f.gone), func(m *member) bool {
		ended := m.ended.Load()
		return m.late(began) && (ended == nil || began.Before(*ended))
	})
}

// streamOn sends messages to one process until the stream ends, and then to another.
func (f *fleet) streamOn(ctx context.Context, protocol string, ended *atomic.Int64) {
	for ctx.Err() == nil {
		m := f.pick()
		if m == nil {
			f.failures.add("no process is ready")
			return
		}
		try := new(attempt)
		err := sendOn(ctx, try, m, protocol)
		switch {
		case ctx.Err() != nil, try.late(m):
		case connect.CodeOf(err) == connect.CodeUnavailable && strings.Contains(err.Error(), "the server is stopping; connect again") && m.told.Load() != nil:
			ended.Add(1)
		case m.told.Load() != nil && f.pulse.stoodStill(*m.told.Load()):
		default:
			f.failures.add(fmt.Sprintf("a stream of %s ends with %v", protocol, err))
		}
	}
}

// sendOn returns why a stream ends. Up to three messages wait for their answers, which must come in
// order.
func sendOn(ctx context.Context, try *attempt, m *member, protocol string) error {
	flowers := [...][]float64{{5.1, 3.5, 1.4, 0.2}, {5.9, 2.8, 4.2, 1.3}, {6.5, 3.0, 5.8, 2.2}}
	kinds := [...]string{"setosa", "versicolor", "virginica"}
	// A stream that is open when the test ends is closed, and not given up.
	stream, err := m.clients[protocol].PredictStream(try.begun(context.WithoutCancel(ctx)))
	if err != nil {
		return err
	}
	waiting, over := make(chan struct{}, len(flowers)), make(chan struct{})
	var sending sync.WaitGroup
	defer sending.Wait()
	defer close(over)
	sending.Go(func() {
		defer func() { _ = stream.CloseRequest() }() // how it ends is told by what is received
		for i := 0; ctx.Err() == nil; i = (i + 1) % len(flowers) {
			select {
			case waiting <- struct{}{}:
			case <-over:
				return
			}
			if stream.Send(&predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: flowers[i]}}) != nil {
				return // as above
			}
			time.Sleep(pause)
		}
	})
	for i := 0; ; i = (i + 1) % len(flowers) {
		answer, err := stream.Receive()
		if err != nil {
			_ = stream.CloseResponse() // nothing follows
			return err
		}
		if got := answer.GetResponse().GetPrediction(); got != kinds[i] {
			return fmt.Errorf("an answer is %q, expected %q", got, kinds[i])
		}
		<-waiting
	}
}
