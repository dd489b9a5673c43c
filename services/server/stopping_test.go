package server_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// openStream is a PredictStream of any client.
type openStream struct {
	send    func(*predictionv1.PredictStreamRequest) error
	receive func() (*predictionv1.PredictStreamResponse, error)
}

// streamOpeners open a PredictStream in every way that there is.
func streamOpeners() map[string]func(*testing.T, *testenv.Env) openStream {
	openers := map[string]func(*testing.T, *testenv.Env) openStream{
		"grpc-go": func(t *testing.T, env *testenv.Env) openStream {
			t.Helper()
			both := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
			stream, err := dialGRPC(t, env).NewStream(t.Context(), both, "/sepal.prediction.v1.PredictionService/PredictStream")
			if err != nil {
				t.Fatal(err)
			}
			return openStream{
				send: func(m *predictionv1.PredictStreamRequest) error { return stream.SendMsg(m) },
				receive: func() (*predictionv1.PredictStreamResponse, error) {
					answer := new(predictionv1.PredictStreamResponse)
					return answer, stream.RecvMsg(answer)
				},
			}
		},
	}
	for _, p := range testenv.Protocols() {
		if !p.HTTP2() {
			continue
		}
		openers[p.Name] = func(t *testing.T, env *testenv.Env) openStream {
			t.Helper()
			stream, err := env.Prediction(t, p).PredictStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return openStream{send: stream.Send, receive: stream.Receive}
		}
	}
	return openers
}

// flower returns a row of the iris data and what it is, another from one i to the next.
func flower(i int) (*predictionv1.PredictStreamRequest, string) {
	rows := [...][]float64{{5.1, 3.5, 1.4, 0.2}, {5.9, 2.8, 4.2, 1.3}, {6.5, 3.0, 5.8, 2.2}}
	kinds := [...]string{"setosa", "versicolor", "virginica"}
	return &predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: rows[i%3]}}, kinds[i%3]
}

// TestStopEndsStreams stops a server while streams are open, some of which wait for a message, and
// some of which are sent messages without a pause. The stop timeout is so long that a stream which
// held the server up would fail the test.
func TestStopEndsStreams(t *testing.T) {
	t.Parallel()
	for name, open := range streamOpeners() {
		for _, door := range doors.Names() {
			for _, busy := range []bool{false, true} {
				if busy && door == doors.NetHTTP {
					continue // it may close a connection with what is sent to it unread, which takes back its last words
				}
				t.Run(name+"/"+door+map[bool]string{false: "/idle", true: "/busy"}[busy], func(t *testing.T) {
					t.Parallel()
					stopWithStream(t, door, open, busy)
				})
			}
		}
	}
}

func stopWithStream(t *testing.T, door string, open func(*testing.T, *testenv.Env) openStream, busy bool) {
	t.Helper()
	o := testenv.Through(testenv.Options(), door)
	o.StopTimeout = time.Minute
	env := testenv.Start(t, o)
	stream := open(t, env)
	first, want := flower(0)
	if err := stream.send(first); err != nil {
		t.Fatal(err)
	}
	if answer, err := stream.receive(); err != nil || answer.GetResponse().GetPrediction() != want {
		t.Fatalf("got %v, %v", answer, err)
	}
	var sending sync.WaitGroup
	if busy {
		sending.Go(func() {
			for i := 1; ; i++ {
				message, _ := flower(i)
				if stream.send(message) != nil {
					return // why is told by what is received
				}
			}
		})
	}
	stopped := make(chan error, 1)
	start := time.Now()
	go func() { stopped <- env.Server.Stop(context.Background()) }()
	requireStopping(t, stream, 1)
	sending.Wait()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > o.StopTimeout/2 {
		t.Errorf("stopping took %v", took)
	}
	if log := env.Log.String(); !strings.Contains(log, `"code":"unavailable"`) || strings.Contains(log, `"level":"error"`) {
		t.Errorf("the log says\n%s", log)
	}
}

// requireStopping takes answers from that to message i on, in their order, until the stream ends
// because the server stops.
func requireStopping(t *testing.T, stream openStream, i int) {
	t.Helper()
	for ; ; i++ {
		answer, err := stream.receive()
		if err == nil {
			if _, want := flower(i); answer.GetResponse().GetPrediction() != want {
				t.Fatalf("message %d is answered by %v, expected %s", i, answer, want)
			}
			continue
		}
		unavailable := connect.CodeOf(err) == connect.CodeUnavailable || status.Code(err) == codes.Unavailable
		if !unavailable || !strings.Contains(err.Error(), "the server is stopping; connect again") {
			t.Fatalf("the stream ends with %v after %d messages", err, i)
		}
		return
	}
}

// TestDrainKeepsStreams shows that streams go on while a server only drains.
func TestDrainKeepsStreams(t *testing.T) {
	t.Parallel()
	for _, door := range doors.Names() {
		o := testenv.Through(testenv.Options(), door)
		o.DrainDelay = time.Millisecond
		env := testenv.Start(t, o)
		stream := streamOpeners()["grpc"](t, env)
		for i := range 3 {
			message, want := flower(i)
			if err := stream.send(message); err != nil {
				t.Fatal(err)
			}
			if answer, err := stream.receive(); err != nil || answer.GetResponse().GetPrediction() != want {
				t.Fatalf("%s: got %v, %v", door, answer, err)
			}
			env.Server.Drain(t.Context())
		}
	}
}
