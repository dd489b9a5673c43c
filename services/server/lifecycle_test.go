package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/sepal-ml/sepal/services/internal/registry/registrytest"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

func TestMain(m *testing.M) {
	if err := registrytest.S3Environment(); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// TestDrain shows that while a server drains, every health surface says so and every request
// is still answered.
func TestDrain(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.DrainDelay = time.Hour
	env := testenv.Start(t, o)
	client := testenv.HTTPClient(t, false)
	health := healthpb.NewHealthClient(dialGRPC(t, env))

	ctx, cancel := context.WithCancel(t.Context())
	var drained sync.WaitGroup
	drained.Go(func() { env.Server.Drain(ctx) })
	for !strings.Contains(env.Log.String(), `"message":"draining"`) {
		time.Sleep(time.Millisecond)
	}
	if status, text := send(t, client, env.URL, http.MethodGet, "/readyz", "", ""); status != http.StatusServiceUnavailable || text != "draining\n" {
		t.Errorf("readyz: %d %s", status, text)
	}
	if status, _ := send(t, client, env.URL, http.MethodGet, "/livez", "", ""); status != http.StatusOK {
		t.Errorf("livez: %d", status)
	}
	if response, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || response.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("grpc.health.v1: %v, %v", response, err)
	}
	if _, text := send(t, client, env.URL, "", "/sepal.prediction.v1.PredictionService/Health", "", `{}`); !strings.Contains(text, `"status":"draining"`) {
		t.Errorf("Health: %s", text)
	}
	if status, _ := send(t, client, env.URL, "", "", "", `{"features":[5.1,3.5,1.4,0.2]}`); status != http.StatusOK {
		t.Errorf("Predict: %d", status)
	}
	cancel()
	drained.Wait()
}

// TestStopUnderLoad drains and stops a server that many clients call without a pause: each call
// either is answered or never reached the server. A client that a busy machine made pause for as
// long as the server drains does not count: its connection is closed as one that is idle.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	for _, w := range testenv.Ways() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			o := testenv.Through(testenv.Options(), w.Door)
			o.DrainDelay = 100 * time.Millisecond
			env := testenv.Start(t, o)
			var answered, lost atomic.Int64
			stopped := make(chan struct{})
			var clients sync.WaitGroup
			for range 8 {
				caller := env.Caller(t, w.Protocol)
				clients.Go(func() {
					for last := time.Now(); ; last = time.Now() {
						_, err := caller.Call(context.Background(), "sepal.prediction.v1.PredictionService/Predict", []byte(`{"features":[5.1,3.5,1.4,0.2]}`))
						switch {
						case err == nil:
							answered.Add(1)
							continue
						case refused(err), time.Since(last) > o.DrainDelay:
						default:
							lost.Add(1)
							t.Log(err)
						}
						return
					}
				})
			}
			for answered.Load() < 50 {
				time.Sleep(time.Millisecond)
			}
			go func() {
				defer close(stopped)
				env.Server.Drain(context.Background())
				if err := env.Server.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			clients.Wait()
			<-stopped
			if lost.Load() > 0 {
				t.Errorf("%d requests were lost, %d answered", lost.Load(), answered.Load())
			}
		})
	}
}

// refused reports whether the server never took the request: nothing was listening, or the
// connection was still in the kernel's queue when the port was closed.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}

// TestStopWaitsForRequests sends half a request, stops the server, and sends the other half.
func TestStopWaitsForRequests(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	conn, err := net.Dial("tcp", env.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"features":[5.1,3.5,1.4,0.2]}`
	head := "POST " + predictPath + " HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	if _, err := io.WriteString(conn, head+body[:10]); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() {
		time.Sleep(20 * time.Millisecond) // until the server has read the head
		stopped <- env.Server.Stop(context.Background())
	}()
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request in flight: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if _, err := io.WriteString(conn, body[10:]); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), "setosa") {
		t.Errorf("got %s, %v", answer, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestStopCutsOff shows that a request that never ends does not keep the server from stopping.
func TestStopCutsOff(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.StopTimeout = 50 * time.Millisecond
	o.Logger = zerolog.Nop()
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST "+predictPath+" HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // until the server has read the head
	if err := s.Stop(context.Background()); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v", err)
	}
}

// TestStopDropsSilentConnections shows that a connection on which nothing was ever said, such as
// a browser opens ahead of its needs, holds up no stop.
func TestStopDropsSilentConnections(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	conn, err := net.Dial("tcp", env.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	time.Sleep(20 * time.Millisecond) // until the server has accepted it
	start := time.Now()
	if err := env.Server.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// TestSlowBodyIsCutOff shows that a client that never sends its whole request is not waited for.
func TestSlowBodyIsCutOff(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.RequestTimeout = 100 * time.Millisecond
	env := testenv.Start(t, o)
	conn, err := net.Dial("tcp", env.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST "+predictPath+" HTTP/1.1\r\nHost: sepal\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 504 ") || !strings.Contains(string(answer), "deadline_exceeded") {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestStartTwice(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	if err := env.Server.Start(t.Context()); err != nil {
		t.Error(err)
	}
	if got := env.Server.Addr().String(); got != env.Address {
		t.Errorf("moved to %s", got)
	}
	if err := env.Server.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	_, port, err := net.SplitHostPort(env.Address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	o := testenv.Options()
	o.Port = uint16(number)
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use; set HOST and PORT") {
		t.Errorf("got %v", err)
	}
}

// TestPortThatMayNotBeOpened shows that another address is asked for only where that helps.
func TestPortThatMayNotBeOpened(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)}
	want := "listen tcp: bind: permission denied; set PORT to one that this user may open, which are those from 1024 on most machines"
	if err := server.NotOpened(refused); err.Error() != want || !errors.Is(err, syscall.EACCES) {
		t.Errorf("got %v, expected %s", err, want)
	}
}

// TestRequestTimeout shows that the server's own limit ends a call, and that the client is told so.
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	o := testenv.Options()
	o.RequestTimeout = time.Nanosecond
	env := testenv.Start(t, o)
	status, text := send(t, testenv.HTTPClient(t, false), env.URL, "", "/sepal.prediction.v1.PredictionService/BatchPredict", "",
		`{"rows":[{"features":[5.1,3.5,1.4,0.2]}]}`)
	if status != http.StatusGatewayTimeout || !strings.Contains(text, "deadline_exceeded") {
		t.Errorf("got %d %s", status, text)
	}
}
