package deploy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// three are addresses of this machine that stand for three containers.
var three = []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}

func predict(ctx context.Context, client predictionv1connect.PredictionServiceClient) error {
	response, err := client.Predict(ctx, &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
	if err != nil {
		return err
	}
	if response.GetPrediction() != "setosa" {
		return fmt.Errorf("got %v", response)
	}
	return nil
}

// TestBalanced asks three servers through haproxy, in every protocol, while one after the other
// drains, is gone, comes back, and is killed.
func TestBalanced(t *testing.T) {
	t.Parallel()
	servers := replicas(t, nil, three...)
	env := &testenv.Env{URL: balance(t, servers[0].port, three...)}
	client, direct := env.Prediction(t, protocol(t, "grpc")), testenv.HTTPClient(t, false)
	ctx := t.Context()
	count := func(r *replica) float64 {
		t.Helper()
		n, err := r.requests(ctx, direct)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// asks reports whether a server gets a share of what one connection sends.
	asks := func(r *replica) error {
		before := count(r)
		for range 30 {
			if err := predict(ctx, client); err != nil {
				return err
			}
		}
		if count(r) == before {
			return fmt.Errorf("%s is not asked", r.address)
		}
		return nil
	}
	for _, r := range servers {
		eventually(t, func() error { return asks(r) })
	}
	t.Run("protocols", func(t *testing.T) {
		for _, p := range testenv.Protocols() {
			t.Run(p.Name, func(t *testing.T) { everyCall(t, env.Prediction(t, p), p.HTTP2()) })
		}
	})
	drained, killed := servers[0], servers[1]
	t.Run("one drains", func(t *testing.T) {
		sending := send(t, env)
		drained.signal(t, syscall.SIGTERM)
		eventually(t, func() error {
			before := count(drained)
			if err := sending.more(100); err != nil {
				t.Fatal(err)
			}
			if n := count(drained) - before; n != 0 {
				return fmt.Errorf("%v of 100 requests went to a server that drains", n)
			}
			return nil
		})
		drained.signal(t, syscall.SIGTERM) // at once
		<-drained.ended
		if err := sending.more(100); err != nil {
			t.Fatal(err)
		}
		sending.end()
		if failed := sending.failed.Load(); failed > 0 {
			t.Errorf("%d requests failed, the last with %v", failed, sending.last.Load())
		}
	})
	t.Run("it comes back", func(t *testing.T) {
		// Somebody may have its port for a moment.
		eventually(t, func() error { return drained.start(t) })
		eventually(t, func() error { return asks(drained) })
	})
	t.Run("one is killed", func(t *testing.T) {
		killed.kill(t)
		// What was in flight is lost, and a few may be until the balancer knows.
		eventually(t, func() error {
			for range 100 {
				if err := predict(ctx, client); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func protocol(t *testing.T, name string) testenv.Protocol {
	t.Helper()
	for _, p := range testenv.Protocols() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no protocol %s", name)
	return testenv.Protocol{}
}

// everyCall makes each kind of call once.
func everyCall(t *testing.T, client predictionv1connect.PredictionServiceClient, http2 bool) {
	t.Helper()
	ctx := t.Context()
	if err := predict(ctx, client); err != nil {
		t.Error(err)
	}
	rows := []*predictionv1.Row{{Features: []float64{5.1, 3.5, 1.4, 0.2}}, {Features: []float64{6.5, 3, 5.8, 2.2}}}
	chunks, err := client.BatchPredictStream(ctx, &predictionv1.BatchPredictStreamRequest{Batch: &predictionv1.BatchPredictRequest{Rows: rows}, ChunkRows: 1})
	if err != nil {
		t.Fatal(err)
	}
	results := 0
	for chunks.Receive() {
		results += len(chunks.Msg().GetChunk().GetResults())
	}
	if err := chunks.Close(); err != nil || chunks.Err() != nil || results != len(rows) {
		t.Errorf("BatchPredictStream: %d results, %v, %v", results, chunks.Err(), err)
	}
	if !http2 {
		return
	}
	stream, err := client.PredictStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := stream.Send(&predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: rows[0].GetFeatures()}}); err != nil {
			t.Fatal(err)
		}
		if response, err := stream.Receive(); err != nil || response.GetResponse().GetPrediction() != "setosa" {
			t.Fatalf("PredictStream: %v, %v", response, err)
		}
	}
	if err := stream.CloseRequest(); err != nil {
		t.Error(err)
	}
	if response, err := stream.Receive(); err == nil {
		t.Errorf("PredictStream: %v after the last answer", response)
	}
	if err := stream.CloseResponse(); err != nil {
		t.Error(err)
	}
}

// sending is a steady load in several protocols.
type sending struct {
	stop         context.CancelFunc
	senders      sync.WaitGroup
	done, failed atomic.Int64
	last         atomic.Value
}

// send sends until the test ends, or end is called.
func send(t *testing.T, env *testenv.Env) *sending {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &sending{stop: cancel}
	for _, name := range []string{"grpc", "connect_json", "connect_proto_http2", "grpc_web"} {
		client := env.Prediction(t, protocol(t, name))
		for range 2 {
			s.senders.Go(func() {
				for ctx.Err() == nil {
					if err := predict(ctx, client); err == nil {
						s.done.Add(1)
					} else if ctx.Err() == nil {
						s.last.Store(fmt.Errorf("%s: %w", name, err))
						s.failed.Add(1)
						time.Sleep(10 * time.Millisecond)
					}
				}
			})
		}
	}
	t.Cleanup(s.end)
	return s
}

func (s *sending) end() {
	s.stop()
	s.senders.Wait()
}

// more waits until so many more requests were answered.
func (s *sending) more(n int64) error {
	want, deadline := s.done.Load()+n, time.Now().Add(2*time.Minute)
	for s.done.Load() < want {
		if time.Now().After(deadline) {
			return fmt.Errorf("%d requests are not answered; the last failed with %v", want-s.done.Load(), s.last.Load())
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// TestBalancerSaysWhoAsks looks at what reaches a server: the address of the caller, whatever the
// caller says about it, over HTTP/2.
func TestBalancerSaysWhoAsks(t *testing.T) {
	t.Parallel()
	installed(t, "haproxy", "haproxy")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q", r.Proto, r.Header.Values("X-Forwarded-For"))
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { server.Close() })
	url := balance(t, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), "127.0.0.1")
	for _, http2 := range []bool{false, true} {
		client := testenv.HTTPClient(t, http2)
		eventually(t, func() error {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			if err != nil {
				return err
			}
			request.Header.Set("X-Forwarded-For", "192.0.2.1")
			response, err := client.Do(request)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			got, err := io.ReadAll(response.Body)
			if err == nil && string(got) != `HTTP/2.0 ["127.0.0.1"]` {
				err = fmt.Errorf("got %s", got)
			}
			return err
		})
	}
}
