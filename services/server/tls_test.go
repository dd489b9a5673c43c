package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/certs/certstest"
	"github.com/sepal-ml/sepal/services/internal/doors"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// secured returns options of a server that speaks TLS, with a certificate of the authority in the
// folder.
func secured(t *testing.T) (o server.Options, authority *certstest.Authority, folder string) {
	t.Helper()
	authority, folder = certstest.New(t, "authority"), t.TempDir()
	o = testenv.Options()
	o.TLSCert, o.TLSKey = certstest.WritePair(t, folder, authority.Server(t))
	return o, authority, folder
}

// secureClient returns a client that speaks only HTTP/1.1, or only HTTP/2, over TLS.
func secureClient(t *testing.T, trusts *x509.CertPool, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{RootCAs: trusts}}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func securePrediction(t *testing.T, p testenv.Protocol, trusts *x509.CertPool, address string) predictionv1connect.PredictionServiceClient {
	t.Helper()
	return predictionv1connect.NewPredictionServiceClient(secureClient(t, trusts, p.HTTP2()), "https://"+address, p.Options()...)
}

// TestTLS predicts over TLS in every protocol, and with grpc-go itself.
func TestTLS(t *testing.T) {
	t.Parallel()
	o, authority, _ := secured(t)
	env := testenv.Start(t, o)
	if log := env.Log.String(); !strings.Contains(log, `"tls":true`) {
		t.Errorf("the log does not say that TLS is on:\n%s", log)
	}
	other := testenv.Start(t, testenv.Through(o, doors.NetHTTP))
	for _, w := range testenv.Ways() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			address := env.Address
			if w.Door == doors.NetHTTP {
				address = other.Address
			}
			predict(t, securePrediction(t, w.Protocol, authority.Pool(), address), 3)
		})
	}
	t.Run("grpc-go", func(t *testing.T) {
		t.Parallel()
		conn, err := grpc.NewClient(env.Address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: authority.Pool()})))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		response := new(predictionv1.PredictResponse)
		if err := conn.Invoke(t.Context(), predictMethod, &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}}, response); err != nil || response.GetPrediction() != "setosa" {
			t.Errorf("got %v, %v", response, err)
		}
	})
}

// TestClearTextOnATLSPort shows what clients are told that do not speak TLS.
func TestClearTextOnATLSPort(t *testing.T) {
	t.Parallel()
	const want = "this port speaks TLS; ask with https:// in place of http://"
	o, _, _ := secured(t)
	env := testenv.Start(t, o)
	response, err := testenv.HTTPClient(t, false).Get(env.URL + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusBadRequest || string(text) != want+"\n" {
		t.Errorf("HTTP/1.1: got %s %q, %v", response.Status, text, err)
	}
	response, err = testenv.HTTPClient(t, true).Get(env.URL + "/livez")
	if err == nil {
		response.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "looked like an HTTP/1.1 header") {
		t.Errorf("HTTP/2: got %v", err)
	}
	conn, err := grpc.NewClient(env.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Invoke(t.Context(), predictMethod, &predictionv1.PredictRequest{}, new(predictionv1.PredictResponse)); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "looked like an HTTP/1.1 header") {
		t.Errorf("grpc-go: got %v", err)
	}
	untilLogged(t, env, "the client does not speak TLS, and this port speaks nothing else")
	requireNothingLoggedAbove(t, env, "debug")
}

// untilLogged waits until the log has the text.
func untilLogged(t *testing.T, env *testenv.Env, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(env.Log.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log never has %q:\n%s", text, env.Log)
		}
	}
}

// requireNothingLoggedAbove looks at what net/http says about clients.
func requireNothingLoggedAbove(t *testing.T, env *testenv.Env, level string) {
	t.Helper()
	for line := range strings.Lines(env.Log.String()) {
		if strings.Contains(line, `"from":"net/http"`) && !strings.Contains(line, `"level":"`+level+`"`) {
			t.Errorf("logged above level %s: %s", level, line)
		}
	}
}

// TestFaultsOfClientsFillNoLog: any client can make net/http say these.
func TestFaultsOfClientsFillNoLog(t *testing.T) {
	t.Parallel()
	for text, quiet := range map[string]bool{
		"http: TLS handshake error from 127.0.0.1:1: EOF":                true,
		"http2: server closing client connection: unexpected EOF":        true,
		"http2: received GOAWAY [FrameHeader GOAWAY len=8]":              true,
		"timeout waiting for SETTINGS frames from 127.0.0.1:1":           true,
		"timeout waiting for PING response":                              true,
		"http: Accept error: too many open files; retrying in 5ms":       false,
		"http: superfluous response.WriteHeader call from f (file.go:1)": false,
	} {
		var log bytes.Buffer
		if _, err := fmt.Fprintln(server.HTTPLog(zerolog.New(&log).Level(zerolog.InfoLevel)), text); err != nil {
			t.Fatal(err)
		}
		if (log.Len() == 0) != quiet {
			t.Errorf("%s: the log has %q", text, log.String())
		}
	}
}

// TestAuthoritiesOfClientsAloneKeepNobodyOut: the log says so.
func TestAuthoritiesOfClientsAloneKeepNobodyOut(t *testing.T) {
	t.Parallel()
	for scopes, want := range map[identity.Scopes]int{0: 1, identity.Predict: 0} {
		o, authority, folder := secured(t)
		o.TLSClientCA = certstest.Write(t, folder, "ca.crt", authority.PEM())
		o.Identity.CertificateScopes = scopes
		env := testenv.Start(t, o)
		if n := strings.Count(env.Log.String(), "but nobody is asked for one: anyone may call"); n != want {
			t.Errorf("with the scopes %v the log warns %d times, expected %d:\n%s", scopes, n, want, env.Log)
		}
	}
}

// TestTLSOnAClearTextPort shows that the log knows of clients that speak TLS where there is none.
func TestTLSOnAClearTextPort(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	response, err := secureClient(t, nil, false).Get("https://" + env.Address + "/livez")
	if err == nil {
		response.Body.Close()
		t.Error("the call went well")
	}
	untilLogged(t, env, `"message":"a client speaks TLS, and this port does not"`)
}

func TestTLSOptionsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	o, _, folder := secured(t)
	for name, test := range map[string]struct {
		change func(*server.Options)
		want   string
	}{
		"certificate alone":     {func(o *server.Options) { o.TLSKey = "" }, "TLS: there is a certificate without a key"},
		"authorities alone":     {func(o *server.Options) { o.TLSCert, o.TLSKey, o.TLSClientCA = "", "", "ca.crt" }, "ca.crt: authorities of clients without TLS"},
		"a version of old":      {func(o *server.Options) { o.TLSMinVersion = "1.1" }, `the earliest version of TLS is "1.1", expected 1.2 or 1.3`},
		"exchanged":             {func(o *server.Options) { o.TLSCert, o.TLSKey = o.TLSKey, o.TLSCert }, "are the two files exchanged?"},
		"missing, and no model": {func(o *server.Options) { o.TLSCert, o.ModelPath = folder+"/none", "/none" }, "TLS: " + folder + "/none: there is no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			test.change(&o)
			if _, err := server.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, expected %q", err, test.want)
			}
		})
	}
}

// TestStreamOutlastsItsCertificate renews the certificate under an open stream, which goes on.
func TestStreamOutlastsItsCertificate(t *testing.T) {
	t.Parallel()
	o, authority, folder := secured(t)
	env := testenv.Start(t, o)
	i := slicesIndex(t, "grpc")
	stream, err := securePrediction(t, testenv.Protocols()[i], authority.Pool(), env.Address).PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(i int) {
		message, want := flower(i)
		if err := stream.Send(message); err != nil {
			t.Fatal(err)
		}
		if answer, err := stream.Receive(); err != nil || answer.GetResponse().GetPrediction() != want {
			t.Fatalf("message %d: got %v, %v", i, answer, err)
		}
	}
	ask(0)
	second := authority.Server(t)
	certstest.WritePair(t, folder, second)
	untilLogged(t, env, `"message":"certificate taken"`)
	ask(1)
	conn, err := tls.Dial("tcp", env.Address, &tls.Config{RootCAs: authority.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !conn.ConnectionState().PeerCertificates[0].Equal(second.Leaf) {
		t.Error("a new connection is shown the old certificate")
	}
	ask(2)
}

// slicesIndex returns which of the protocols has that name.
func slicesIndex(t *testing.T, name string) int {
	t.Helper()
	for i, p := range testenv.Protocols() {
		if p.Name == name {
			return i
		}
	}
	t.Fatalf("there is no protocol %s", name)
	return 0
}

// TestHealthNeedsNoCertificate shows that probes need none where clients are known by theirs, and
// that a certificate of others is refused.
func TestHealthNeedsNoCertificate(t *testing.T) {
	t.Parallel()
	clients := certstest.New(t, "clients")
	o, authority, folder := secured(t)
	o.TLSClientCA = certstest.Write(t, folder, "ca.crt", clients.PEM())
	env := testenv.Start(t, o)
	for _, test := range []struct {
		name string
		show []tls.Certificate
		ok   bool
	}{
		{"none", nil, true},
		{"one of the authority's", []tls.Certificate{clients.Client(t, "a").TLS()}, true},
		{"another's", []tls.Certificate{certstest.New(t, "others").Client(t, "a").TLS()}, false},
	} {
		client := secureClient(t, authority.Pool(), false)
		transport, _ := client.Transport.(*http.Transport)
		if len(test.show) > 0 {
			transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &test.show[0], nil }
		}
		response, err := client.Get("https://" + env.Address + "/readyz")
		if err == nil {
			response.Body.Close()
		}
		if (err == nil && response.StatusCode == http.StatusOK) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestStopUnderLoadOverTLS is TestStopUnderLoad over TLS, and without a drain.
func TestStopUnderLoadOverTLS(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"connect_json", "grpc"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, authority, _ := secured(t)
			o.DrainDelay = 100 * time.Millisecond
			env := testenv.Start(t, o)
			p := testenv.Protocols()[slicesIndex(t, name)]
			var answered, lost atomic.Int64
			var clients sync.WaitGroup
			for range 8 {
				client := securePrediction(t, p, authority.Pool(), env.Address)
				clients.Go(func() {
					for last := time.Now(); ; last = time.Now() {
						_, err := client.Predict(context.Background(), &predictionv1.PredictRequest{Features: []float64{5.1, 3.5, 1.4, 0.2}})
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
			env.Server.Drain(context.Background())
			if err := env.Server.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			clients.Wait()
			if lost.Load() > 0 {
				t.Errorf("%d requests were lost, %d answered", lost.Load(), answered.Load())
			}
		})
	}
}

// TestStopCutsOffStalledTLSClients shows that clients that read nothing hold up a stop no longer
// over TLS, which has a last word to say to each.
func TestStopCutsOffStalledTLSClients(t *testing.T) {
	t.Parallel()
	o, authority, _ := secured(t)
	o.StopTimeout = 50 * time.Millisecond
	s, err := server.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	listener := pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.StartOn(listener)
	const ask = "GET / HTTP/1.1\r\nHost: sepal\r\n\r\n"
	for range 8 {
		conn, accepted := net.Pipe()
		defer conn.Close()
		listener.conns <- accepted
		secure := tls.Client(conn, &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"})
		// More answers than there is room for.
		if _, err := io.WriteString(secure, strings.Repeat(ask, 100)); err != nil {
			t.Fatal(err)
		}
		if _, err := secure.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	err = s.Stop(context.Background())
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("stopping took %v: %v", took, err)
	}
}

// TestSystemCallsPerCallOverTLS is TestSystemCallsPerCall over TLS: its records are joined too.
func TestSystemCallsPerCallOverTLS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	o, authority, _ := secured(t)
	for _, test := range []struct {
		name     string
		inFlight int
		calls    int
		atMost   float64
	}{
		{"one in flight", 1, 100, 2.5},
		{"sixteen in flight", 16, 60, 0.7},
	} {
		t.Run(test.name, func(t *testing.T) {
			listener := startCountedWith(t, o)
			client := securePrediction(t, testenv.Protocols()[slicesIndex(t, "grpc")], authority.Pool(), listener.Addr().String())
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
		})
	}
}

// startCountedWith is startCounted with options.
func startCountedWith(t *testing.T, o server.Options) *countingListener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &countingListener{Listener: inner}
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

// TestMaxConnections opens more connections than there may be, and again when one is gone.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("secure %t", secure), func(t *testing.T) {
			t.Parallel()
			o, authority, _ := secured(t)
			dial := func(address string) (net.Conn, error) {
				return tls.Dial("tcp", address, &tls.Config{RootCAs: authority.Pool()})
			}
			if !secure {
				o.TLSCert, o.TLSKey = "", ""
				dial = func(address string) (net.Conn, error) { return net.Dial("tcp", address) }
			}
			o.MaxConnections = 2
			env := testenv.Start(t, o)
			var open []net.Conn
			for range 2 {
				conn, err := dial(env.Address)
				if err == nil {
					err = alive(conn)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				open = append(open, conn)
			}
			if conn, err := dial(env.Address); err == nil {
				if err := alive(conn); err == nil {
					t.Error("a third connection is answered")
				}
				conn.Close()
			}
			untilLogged(t, env, "connections are turned away: as many are open as may be")
			open[0].Close()
			for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				conn, err := dial(env.Address)
				if err == nil {
					err = alive(conn)
					conn.Close()
				}
				if err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("there is never room again: %v", err)
				}
			}
			if err := alive(open[1]); err != nil {
				t.Errorf("a connection that was open: %v", err)
			}
		})
	}
}

// alive asks whether the server is.
func alive(conn net.Conn) error {
	if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: sepal\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// TestQuietStreamGoesOn shows that a stream on which nothing is said is not idle: neither end of it
// is closed by what closes connections without requests.
func TestQuietStreamGoesOn(t *testing.T) {
	t.Parallel()
	o, authority, _ := secured(t)
	o.RequestTimeout = 50 * time.Millisecond
	env := testenv.Start(t, o)
	stream, err := securePrediction(t, testenv.Protocols()[slicesIndex(t, "grpc")], authority.Pool(), env.Address).PredictStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		time.Sleep(4 * o.RequestTimeout)
		message, want := flower(i)
		if err := stream.Send(message); err != nil {
			t.Fatal(err)
		}
		if answer, err := stream.Receive(); err != nil || answer.GetResponse().GetPrediction() != want {
			t.Fatalf("got %v, %v", answer, connect.CodeOf(err))
		}
	}
}

// TestKeysAreNotLogged looks for the private key in what a server says.
func TestKeysAreNotLogged(t *testing.T) {
	t.Parallel()
	o, authority, _ := secured(t)
	env := testenv.Start(t, o)
	predict(t, securePrediction(t, testenv.Protocols()[0], authority.Pool(), env.Address), 1)
	key, err := os.ReadFile(o.TLSKey)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(key)) {
		if strings.Contains(env.Log.String(), strings.TrimSpace(line)) {
			t.Errorf("the log has %q", line)
		}
	}
}
