package peer_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/bench/internal/drive"
	"github.com/sepal-ml/sepal/services/bench/internal/peer"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// serve starts a peer and stops it when the test ends.
func serve(t *testing.T, kind string) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	told := make(chan string, 1)
	var serving sync.WaitGroup
	serving.Go(func() {
		defer close(told)
		if err := peer.Serve(ctx, kind, func(address string) { told <- address }); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); serving.Wait() })
	return <-told
}

// answers drives a load until so many units of work were done, or it fails.
func answers(t *testing.T, load drive.Load, address string, units uint64) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var done atomic.Uint64
	ended := make(chan error, 1)
	go func() { ended <- load(ctx, address, &done) }()
	for done.Load() < units {
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	return <-ended
}

// enough is how many answers show that a server answers.
const enough = 1000

// loads are what peers are asked in a run, few at a time.
func loads() map[string]drive.Load {
	calls, http1 := drive.GRPC{Connections: 2, Streams: 2, InFlight: 3}, drive.HTTP{Connections: 2}
	offered, offered1 := calls, http1
	offered.Gzip, offered1.Gzip = true, true
	return map[string]drive.Load{
		"Predict":       calls.Predict(),
		"Predict, gzip": offered.Predict(),
		"BatchPredict":  calls.Batch(300),
		"PredictStream": calls.Stream(),
		"JSON":          http1.JSON(),
		"JSON, gzip":    offered1.JSON(),
		"gRPC-Web":      http1.GRPCWeb(),
		"one call by JSON": func(ctx context.Context, address string, done *atomic.Uint64) error {
			defer done.Add(enough)
			return drive.Once(ctx, address)
		},
	}
}

// TestPeersAnswer drives each peer with every load that it has an answer to, and Sepal itself
// with all.
func TestPeersAnswer(t *testing.T) {
	t.Parallel()
	all := slices.Sorted(maps.Keys(loads()))
	for kind, names := range map[string][]string{
		peer.GRPC:    {"Predict", "BatchPredict", "PredictStream"},
		peer.Connect: {"Predict", "Predict, gzip", "JSON", "JSON, gzip", "gRPC-Web", "one call by JSON"},
		peer.Wired:   {"Predict", "Predict, gzip", "JSON", "JSON, gzip", "gRPC-Web", "one call by JSON"},
		peer.HTTP:    {"JSON", "JSON, gzip", "one call by JSON"},
		"sepal":      all,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var address string
			if kind == "sepal" {
				address = testenv.Start(t, testenv.Options()).Address
			} else {
				address = serve(t, kind)
			}
			for _, name := range names {
				if err := answers(t, loads()[name], address, enough); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if slices.Contains(names, "Predict") {
				if err := drive.Calls(t.Context(), address, 20); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestLoadsRefuseOtherAnswers asks what cannot answer, or answers otherwise.
func TestLoadsRefuseOtherAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		load, want string
		kind       string
	}{
		{"BatchPredict", "Unimplemented", peer.Connect},
		{"PredictStream", "Unimplemented", peer.Wired},
		{"gRPC-Web", "no message", peer.HTTP},
	} {
		err := answers(t, loads()[test.load], serve(t, test.kind), enough)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s of %s: got the error %v, expected one with %q", test.load, test.kind, err, test.want)
		}
	}

	var calls atomic.Uint64
	fickle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		confidence := "0.98"
		if calls.Add(1) > 100 {
			confidence = "0.97"
		}
		_, _ = w.Write([]byte(`{"prediction":"setosa","confidence":` + confidence + `,"scores":[{},{},{}]}`))
	}))
	t.Cleanup(fickle.Close)
	wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"prediction":"virginica","confidence":0.98,"scores":[{},{},{}]}`))
	}))
	t.Cleanup(wrong.Close)
	missing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(missing.Close)
	for _, test := range []struct{ url, want string }{
		{fickle.URL, "answers differ"},
		{wrong.URL, "expected setosa"},
		{missing.URL, "404"},
	} {
		err := answers(t, loads()["JSON"], strings.TrimPrefix(test.url, "http://"), 10_000)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got the error %v, expected one with %q", err, test.want)
		}
	}
}

func TestServeRefusesOtherKinds(t *testing.T) {
	t.Parallel()
	if err := peer.Serve(t.Context(), "nobody", func(string) {}); err == nil || !strings.Contains(err.Error(), peer.GRPC) {
		t.Errorf("got the error %v, expected one that names the kinds", err)
	}
}
