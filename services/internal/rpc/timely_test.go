package rpc

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
	url, client := http2Server(t, Timely(50*time.Millisecond, h))
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
	if err != nil || response.StatusCode != http.StatusGatewayTimeout || !strings.Contains(string(text), slowBody) {
		t.Errorf("got %d %s, %v", response.StatusCode, text, err)
	}
}

// slowBody is what a client hears whose request takes longer than 50 ms to arrive.
const slowBody = `{"code":"deadline_exceeded","message":"the request did not arrive whole within 50ms"}`

// TestSlowBodyOfHTTP1IsCutOff sends the header of a request and no body.
func TestSlowBodyOfHTTP1IsCutOff(t *testing.T) {
	t.Parallel()
	h := endpoints(new(journal), zerolog.Disabled, 0, func(context.Context) error { return nil })["unary"]
	server := httptest.NewServer(Timely(50*time.Millisecond, h))
	defer server.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST "+procedure+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusGatewayTimeout || string(text) != slowBody {
		t.Errorf("got %d %s, %v", response.StatusCode, text, err)
	}
}

func TestStreamsOfHTTP2TakeTheirTime(t *testing.T) {
	t.Parallel()
	const timeout = 20 * time.Millisecond
	url, client := http2Server(t, Timely(timeout, connect.NewClientStreamHandler(procedure,
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
	mu          sync.Mutex
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(deadline time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read = append(d.read, deadline)
	return nil
}

func (d *deadlines) SetWriteDeadline(deadline time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.write = append(d.write, deadline)
	return nil
}

// kinds says of each deadline what it is at this moment.
func kinds(set []time.Time) string {
	var list []string
	for _, deadline := range set {
		switch left := time.Until(deadline); {
		case deadline.IsZero():
			list = append(list, "none")
		case left <= 0:
			list = append(list, "past")
		default:
			list = append(list, left.String())
		}
	}
	return strings.Join(list, " ")
}

func requireDeadlines(t *testing.T, when string, w *deadlines, read, write string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := kinds(w.read); got != read {
		t.Errorf("%s: the deadlines for reading are %q, expected %q", when, got, read)
	}
	if got := kinds(w.write); got != write {
		t.Errorf("%s: the deadlines for writing are %q, expected %q", when, got, write)
	}
	w.read, w.write = nil, nil
}

// TestTimesOfHTTP1 follows the deadlines of a connection through a unary call.
func TestTimesOfHTTP1(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // Time stands still.
		w := new(deadlines)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, procedure, nil)
		Timely(10*time.Second, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			requireDeadlines(t, "begun", w, "10s", "21s")
			unary := streamTimes{}.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return nil, nil })
			if _, err := unary(r.Context(), nil); err != nil {
				t.Error(err)
			}
			requireDeadlines(t, "received", w, "none", "")
		})).ServeHTTP(w, r)
		requireDeadlines(t, "ended", w, "", answerTail.String())
	})
}

// TestTimesOfHTTP2 has both times of a request pass: the deadlines are set when they have.
func TestTimesOfHTTP2(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(deadlines)
		timer := &streamTimer{w: w, answer: 11 * time.Second}
		timer.timer = time.AfterFunc(10*time.Second, timer.pass)
		time.Sleep(10*time.Second - time.Nanosecond)
		synctest.Wait()
		requireDeadlines(t, "before the time of the request", w, "", "")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		requireDeadlines(t, "after it", w, "past", "")
		time.Sleep(11*time.Second - time.Nanosecond)
		synctest.Wait()
		requireDeadlines(t, "before the time of the answer", w, "", "")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		requireDeadlines(t, "after it", w, "", "past")
		timer.end()
	})
}

// TestLateTimersLeaveEndedRequestsAlone has the times of a request pass just as it ends: a timer
// that has gone off cannot be called back.
func TestLateTimersLeaveEndedRequestsAlone(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	w := new(deadlines)
	late := &streamTimer{w: w, timer: time.AfterFunc(0, func() { close(gone) })}
	<-gone
	late.pass()
	requireDeadlines(t, "under way", w, "", "past")
	late.end()
	late.answer = time.Second
	late.pass()
	late.answer = 0
	late.pass()
	requireDeadlines(t, "after the end", w, "", "")
}
