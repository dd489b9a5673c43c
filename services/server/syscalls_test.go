package server_test

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// TestSystemCallsPerCall counts the reads and writes that the server makes for unary gRPC calls
// on one connection. Without package wire there are about seven for each, however many calls
// are in flight. On one processor the count hardly depends on what else the machine does; with
// more, client and server wake each other earlier, for fewer calls at a time.
func TestSystemCallsPerCall(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	tests := []struct {
		name     string
		inFlight int
		calls    int // for each in flight
		atMost   float64
	}{
		{name: "one in flight", inFlight: 1, calls: 100, atMost: 2.5},
		{name: "sixteen in flight", inFlight: 16, calls: 60, atMost: 0.5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			listener := startCounted(t)
			client := predictionv1connect.NewPredictionServiceClient(
				testenv.HTTPClient(t, true), "http://"+listener.Addr().String(), connect.WithGRPC())
			predict(t, client, 1) // opens the connection
			before := listener.systemCalls()
			var clients sync.WaitGroup
			for range test.inFlight {
				clients.Go(func() { predict(t, client, test.calls) })
			}
			clients.Wait()
			reads, writes := listener.systemCalls().since(before, test.inFlight*test.calls)
			t.Logf("%.3f reads and %.3f writes a call", reads, writes)
			if reads+writes > test.atMost {
				t.Errorf("%.3f reads and %.3f writes a call, expected at most %g together", reads, writes, test.atMost)
			}
			if n := listener.accepted.Load(); n != 1 {
				t.Errorf("the client opened %d connections, expected 1", n)
			}
		})
	}
}

// predict makes calls one after another.
func predict(t *testing.T, client predictionv1connect.PredictionServiceClient, calls int) {
	t.Helper()
	request := &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}
	for range calls {
		response, err := client.Predict(t.Context(), request)
		if err != nil {
			t.Error(err)
			return
		}
		if got := response.GetPrediction(); got != "setosa" {
			t.Errorf("got %s", got)
			return
		}
	}
}

// startCounted starts a server on a listener that counts, and stops it when the test ends.
func startCounted(t *testing.T) *countingListener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &countingListener{Listener: inner}
	o := testenv.Options()
	o.Logger = zerolog.Nop()
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.StartOn(listener)
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return listener
}

// countingListener counts what is done with its connections. Each is a system call, or two if a
// read finds nothing and has to wait.
type countingListener struct {
	net.Listener
	accepted, reads, writes atomic.Int64
}

type systemCalls struct{ reads, writes int64 }

func (l *countingListener) systemCalls() systemCalls {
	return systemCalls{reads: l.reads.Load(), writes: l.writes.Load()}
}

// since returns the reads and writes per call.
func (s systemCalls) since(before systemCalls, calls int) (reads, writes float64) {
	return float64(s.reads-before.reads) / float64(calls), float64(s.writes-before.writes) / float64(calls)
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.accepted.Add(1)
	return &countingConn{Conn: conn, listener: l}, nil
}

type countingConn struct {
	net.Conn
	listener *countingListener
}

func (c *countingConn) Read(p []byte) (int, error) {
	c.listener.reads.Add(1)
	return c.Conn.Read(p)
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.listener.writes.Add(1)
	return c.Conn.Write(p)
}
