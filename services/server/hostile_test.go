package server_test

import (
	"context"
	"crypto/tls"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/hostile"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// maxHostileHeap is how much the heap may grow under all attacks at once, with what they themselves
// need: the largest messages that a server takes, a few at a time.
const maxHostileHeap = 400 << 20

// hostileAtOnce is how many attacks are made at the same time.
const hostileAtOnce = 12

// TestHostile does what no client should, all of it at the same time, while another client asks as
// it ought to, of both servers of HTTP/2. It is not parallel: the heap is that of all tests that run.
func TestHostile(t *testing.T) {
	for _, test := range []struct {
		door   string
		secure bool
	}{
		{doors.Native, false},
		{doors.Native, true},
		{doors.NetHTTP, false}, // only what is HTTP/2 comes to it
	} {
		secure := test.secure
		t.Run(test.door+map[bool]string{false: " in clear text", true: " over TLS"}[secure], func(t *testing.T) {
			o, authority, _ := secured(t)
			o.HTTP2 = test.door
			target := hostile.Target{TLS: &tls.Config{RootCAs: authority.Pool()}}
			if !secure {
				o.TLSCert, o.TLSKey, target.TLS = "", "", nil
			}
			o.MaxQueueTime = 0 // what is shed is not looked at, and this is about what is
			env := testenv.Start(t, o)
			hasty := o
			hasty.RequestTimeout = time.Second
			hurried := testenv.Start(t, hasty)
			p := testenv.Protocols()[slicesIndex(t, "grpc")]
			client := env.Prediction(t, p)
			if secure {
				client = securePrediction(t, p, authority.Pool(), env.Address)
			}
			answered := behave(t, client)
			grown := watchHeap(t)
			var attacks sync.WaitGroup
			free := make(chan struct{}, hostileAtOnce)
			for _, a := range hostile.Attacks() {
				if secure && a.ClearText || test.door == doors.NetHTTP && !a.HTTP2 {
					continue
				}
				target := target
				if target.Address = env.Address; a.Waits {
					target.Address = hurried.Address
				}
				free <- struct{}{}
				attacks.Go(func() {
					defer func() { <-free }()
					start := time.Now()
					got, err := a.Run(t.Context(), target)
					if err != nil || !a.Right(got) {
						t.Errorf("%s: got %q, %v, expected one of %q", a.Name, got, err, a.Want)
					}
					t.Logf("%6.2fs %s: %s", time.Since(start).Seconds(), a.Name, got)
				})
			}
			attacks.Wait()
			if n := answered(); n == 0 {
				t.Error("the client that behaves was never answered")
			}
			if n := grown(); n > maxHostileHeap {
				t.Errorf("the heap grew by %d MB, expected %d MB at most", n>>20, maxHostileHeap>>20)
			} else {
				t.Logf("the heap grew by %d MB", n>>20)
			}
			requireNothingLoggedAbove(t, env, "debug")
		})
	}
}

// behave asks one thing after another, each of which must be answered right, until it is asked how
// many were.
func behave(t *testing.T, client predictionv1connect.PredictionServiceClient) (answered func() int64) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var n atomic.Int64
	var asking sync.WaitGroup
	asking.Go(func() {
		for ctx.Err() == nil {
			response, err := client.Predict(ctx, &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
			switch {
			case ctx.Err() != nil:
			case err != nil || response.GetPrediction() != "setosa":
				t.Errorf("a client that behaves is answered %v, %v", response, err)
				return
			default:
				n.Add(1)
			}
			time.Sleep(time.Millisecond) // it asks as others do, and leaves them the processor
		}
	})
	return func() int64 {
		stop()
		asking.Wait()
		return n.Load()
	}
}

// watchHeap watches the heap until it is asked by how much it has grown at most.
func watchHeap(t *testing.T) (grown func() int64) {
	t.Helper()
	inUse := func() int64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapInuse + stats.StackInuse)
	}
	runtime.GC()
	before := inUse()
	most := before
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				most = max(most, inUse())
			}
		}
	})
	return func() int64 {
		close(stop)
		watching.Wait()
		return most - before
	}
}
