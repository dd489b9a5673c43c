package rpc

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// http2Server serves the handler over HTTP/2 in clear text, and returns a client of it.
func http2Server(t *testing.T, h http.Handler) (string, *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return server.URL, &http.Client{Transport: transport}
}

func TestSlowBodyOfHTTP2IsCutOff(t *testing.T) {
	t.Parallel()
	h := endpoints(new(journal), zerolog.Disabled, 0, func(context.Context) error { return nil })["unary"]
	url, client := http2Server(t, BodyDeadline(50*time.Millisecond, h))
	body, never := io.Pipe()
	defer never.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+procedure, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusGatewayTimeout || !strings.Contains(string(text), "deadline_exceeded") {
		t.Errorf("got %d %s, %v", response.StatusCode, text, err)
	}
}

func TestStreamsOfHTTP2TakeTheirTime(t *testing.T) {
	t.Parallel()
	const timeout = 20 * time.Millisecond
	url, client := http2Server(t, BodyDeadline(timeout, connect.NewClientStreamHandler(procedure,
		func(_ context.Context, stream *connect.ClientStream[predictionv1.HealthRequest]) (*connect.Response[predictionv1.HealthResponse], error) {
			for stream.Receive() {
			}
			return connect.NewResponse(&predictionv1.HealthResponse{}), stream.Err()
		}, HandlerOptions(Options{MaxMessageBytes: 1000, MaxRows: 1})...)))
	stream := connect.NewClient[predictionv1.HealthRequest, predictionv1.HealthResponse](client, url+procedure, connect.WithGRPC()).CallClientStream(t.Context())
	for range 4 {
		if err := stream.Send(&predictionv1.HealthRequest{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(timeout)
	}
	if _, err := stream.CloseAndReceive(); err != nil {
		t.Error(err)
	}
}

// deadlines is a response that keeps the deadlines that are set.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(deadline time.Time) error {
	d.set = append(d.set, deadline)
	return nil
}

// TestLateTimersLeaveEndedRequestsAlone has the time of a request pass just as it ends: a timer
// that has gone off cannot be called back.
func TestLateTimersLeaveEndedRequestsAlone(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	w := new(deadlines)
	late := &streamTimer{w: w, timer: time.AfterFunc(0, func() { close(gone) })}
	<-gone
	late.pass()
	if len(w.set) != 1 || !w.set[0].Before(time.Now()) || w.set[0].IsZero() {
		t.Fatalf("the deadlines %v are set, expected one that has passed", w.set)
	}
	late.end()
	late.pass()
	if len(w.set) != 1 {
		t.Error("a deadline is set after the end of the request")
	}
}
