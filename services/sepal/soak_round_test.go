package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	registryv1 "github.com/sepal-ml/sepal/gen/go/sepal/registry/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/registry/v1/registryv1connect"
	"github.com/sepal-ml/sepal/services/internal/testenv"
)

// connections are those of a client.
type connections struct {
	transport *http.Transport
	open      atomic.Int64
}

// client returns a client that speaks only HTTP/1.1, or only HTTP/2 in clear text.
func (c *connections) client(http2 bool) *http.Client {
	c.transport = &http.Transport{Protocols: new(http.Protocols), DialContext: c.dial}
	c.transport.Protocols.SetHTTP1(!http2)
	c.transport.Protocols.SetUnencryptedHTTP2(http2)
	return &http.Client{Transport: c.transport}
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	return &countedConn{Conn: conn, closed: sync.OnceFunc(func() { c.open.Add(-1) })}, nil
}

// countedConn tells when it is closed.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// close closes them once they are idle: net/http keeps what a connection of HTTP/2 had for its idle
// time, two minutes, where it is broken off while there are streams.
func (c *connections) close(t *testing.T) {
	for end := time.Now().Add(time.Minute); c.open.Load() > 0; time.Sleep(time.Millisecond) {
		c.transport.CloseIdleConnections()
		if time.Now().After(end) {
			t.Error("connections are never idle")
			return
		}
	}
}

// soakClient asks in one protocol.
type soakClient struct {
	t        *testing.T
	protocol testenv.Protocol
	url      string
	http     *http.Client
}

func (c *soakClient) require(err error, want ...connect.Code) {
	c.t.Helper()
	if err == nil && len(want) == 0 {
		return
	}
	for _, code := range want {
		if connect.CodeOf(err) == code {
			return
		}
	}
	c.t.Errorf("%s: got %v, expected %v", c.protocol.Name, err, want)
}

// ask asks well and badly, patiently and not.
func (c *soakClient) ask() {
	ctx := c.t.Context()
	client := predictionv1connect.NewPredictionServiceClient(c.http, c.url, c.protocol.Options()...)
	flower := []float64{5.1, 3.5, 1.4, 0.2}
	batch := new(predictionv1.BatchPredictRequest)
	for i := range 100 {
		batch.Rows = append(batch.Rows, &predictionv1.Row{Features: flower[:3+i%2]}) // every other one is bad
	}
	const times = 5 // few, so that there are many rounds even on a slow machine
	for i := range times {
		_, err := client.Predict(ctx, &predictionv1.PredictRequest{Features: flower, SubjectId: fmt.Sprint(i), Explain: i%2 == 0})
		c.require(err)
		_, err = client.Predict(ctx, &predictionv1.PredictRequest{Features: flower[:2]})
		c.require(err, connect.CodeInvalidArgument)
		_, err = client.Predict(ctx, &predictionv1.PredictRequest{Features: flower, Version: "v9.9.9"})
		c.require(err, connect.CodeNotFound)
		_, err = client.BatchPredict(ctx, batch)
		c.require(err)
		c.giveUp(ctx, func(ctx context.Context) error {
			_, err := client.BatchPredict(ctx, batch)
			return err
		})
	}
	_, err := client.Predict(ctx, &predictionv1.PredictRequest{Features: make([]float64, 10_000)})
	c.require(err, connect.CodeResourceExhausted, connect.CodeInvalidArgument)
	c.streamRows(ctx, client, batch)
	if c.protocol.HTTP2() {
		c.streamMessages(ctx, client, flower)
	}
}

// giveUp gives up a call that may have been answered by then.
func (c *soakClient) giveUp(ctx context.Context, call func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(time.Millisecond, cancel)
	if err := call(ctx); err != nil {
		c.require(err, connect.CodeCanceled)
	}
}

// streamRows takes a stream to its end, and leaves another before.
func (c *soakClient) streamRows(ctx context.Context, client predictionv1connect.PredictionServiceClient, batch *predictionv1.BatchPredictRequest) {
	for _, whole := range []bool{true, false} {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := client.BatchPredictStream(ctx, &predictionv1.BatchPredictStreamRequest{Batch: batch})
		if err != nil {
			c.require(err)
			cancel()
			continue
		}
		for stream.Receive() && whole {
		}
		if whole {
			c.require(stream.Err())
		}
		cancel()
		_ = stream.Close() // what was given up says so
	}
}

// streamMessages ends a stream, and leaves another while messages are on their way.
func (c *soakClient) streamMessages(ctx context.Context, client predictionv1connect.PredictionServiceClient, flower []float64) {
	for _, whole := range []bool{true, false} {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := client.PredictStream(ctx)
		if err != nil {
			c.require(err)
			cancel()
			continue
		}
		for range 10 {
			c.require(stream.Send(&predictionv1.PredictStreamRequest{Request: &predictionv1.PredictRequest{Features: flower}}))
		}
		for range 5 {
			_, err := stream.Receive()
			c.require(err)
		}
		if whole {
			c.require(stream.CloseRequest())
			for err == nil {
				_, err = stream.Receive()
			}
			if !errors.Is(err, io.EOF) {
				c.require(err)
			}
		}
		cancel()
		_ = stream.CloseRequest()  // as above
		_ = stream.CloseResponse() // as above
	}
}

// breakOff opens connections and breaks them off: without a word, in the middle of a head and of a
// body, and after what is no HTTP.
func (s *soak) breakOff(t *testing.T) {
	head := "POST /sepal.prediction.v1.PredictionService/Predict HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
	for _, text := range []string{"", head[:40], head + `{"features":[`, "no HTTP\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"} {
		for range 3 {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.process.url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, text) // which the server may not wait for
			_ = conn.Close()
		}
	}
}

// change publishes a version, rolls it out and back, and takes it away.
func (s *soak) change(t *testing.T, v soakVersion) {
	ctx := t.Context()
	transport := testenv.HTTPClient(t, false)
	defer transport.CloseIdleConnections()
	client := registryv1connect.NewRegistryServiceClient(transport, s.process.url)
	err := func() error {
		if _, err := client.PublishVersion(ctx, &registryv1.PublishVersionRequest{File: v.file}); err != nil {
			return err
		}
		now, err := client.GetRollout(ctx, &registryv1.GetRolloutRequest{})
		if err != nil {
			return err
		}
		wanted := now.GetRollout()
		wanted.Variants = []*registryv1.Variant{{Name: "canary", Version: v.name, Weight: 5000}}
		wanted.Shadows = []string{v.name}
		if _, err := client.SetRollout(ctx, &registryv1.SetRolloutRequest{Rollout: wanted}); err != nil {
			return err
		}
		if _, err := client.VerifyVersion(ctx, &registryv1.VerifyVersionRequest{Version: v.name}); err != nil {
			return err
		}
		if _, err := client.Rollback(ctx, &registryv1.RollbackRequest{}); err != nil {
			return err
		}
		if err := os.RemoveAll(filepath.Join(s.root, "iris", v.name)); err != nil {
			return err
		}
		_, err = client.Reload(ctx, &registryv1.ReloadRequest{})
		return err
	}()
	if err != nil {
		t.Errorf("changing to %s: %v", v.name, err)
	}
}
