package h2_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sepal-ml/sepal/services/internal/h2"
	"github.com/sepal-ml/sepal/services/internal/wire"
)

// patience is how long what should come soon may take on a machine that is very busy.
const patience = time.Minute

// door is a server of net/http that hands its connections of HTTP/2 to one of the package.
type door struct {
	http   *http.Server
	url    string
	client *http.Client // of net/http, for HTTP/2
	log    safeBuffer
	states chan http.ConnState
}

// attach starts a door over wire's connections, as the binary does.
func attach(t *testing.T, secure bool, handler http.HandlerFunc) *door {
	t.Helper()
	d := &door{states: make(chan http.ConnState, 100)}
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS() // for its certificate, and a client that trusts it
	trusting, _ := certificate.Client().Transport.(*http.Transport)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusting.TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}}
	certificate.Close()
	d.http = &http.Server{
		Handler: handler, Protocols: new(http.Protocols), ReadHeaderTimeout: patience,
		ErrorLog: log.New(&d.log, "", 0),
		ConnState: func(_ net.Conn, s http.ConnState) {
			select {
			case d.states <- s:
			default:
			}
		},
		TLSConfig: &tls.Config{Certificates: certificate.TLS.Certificates, MinVersion: tls.VersionTLS12},
	}
	d.http.Protocols.SetHTTP1(true)
	d.http.Protocols.SetHTTP2(true)
	d.http.Protocols.SetUnencryptedHTTP2(true)
	server := h2.New(h2.Config{ErrorLog: d.http.ErrorLog})
	server.Attach(d.http)
	var listening net.ListenConfig
	tcp, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := wire.NewListener(tcp)
	transport.Protocols = new(http.Protocols)
	d.url = "http://" + tcp.Addr().String()
	if secure {
		d.url = "https://" + tcp.Addr().String()
		transport.Protocols.SetHTTP2(true)
	} else {
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	d.client = &http.Client{Transport: transport}
	var serving sync.WaitGroup
	serving.Go(func() {
		serve := d.http.Serve
		if secure {
			serve = func(l net.Listener) error { return d.http.ServeTLS(l, "", "") }
		}
		err := serve(listener)
		if !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := d.http.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
		server.Close()
	})
	return d
}

// both runs a test over clear text and TLS.
func both(t *testing.T, test func(t *testing.T, secure bool)) {
	t.Helper()
	t.Parallel()
	for name, secure := range map[string]bool{"clear": false, "tls": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, secure)
		})
	}
}

// fetch asks and returns the answer's body.
func (d *door) fetch(t *testing.T, method string, body io.Reader) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, d.url, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := d.client.Do(request)
	if err != nil {
		t.Errorf("%v; log: %s", err, d.log.String())
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%v; log: %s", err, d.log.String())
	}
	return string(text)
}

// await waits for what should come soon.
func await(t *testing.T, what string, comes <-chan struct{}) {
	t.Helper()
	select {
	case <-comes:
	case <-time.After(patience):
		t.Fatalf("%s: it does not come", what)
	}
}

// TestAttach answers through a server of net/http.
func TestAttach(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		d := attach(t, secure, func(w http.ResponseWriter, r *http.Request) {
			server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
			address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
			if server == nil || address == nil || (r.TLS != nil) != secure || r.RemoteAddr == "" {
				t.Errorf("server %v, address %v, TLS %v, from %q", server, address, r.TLS, r.RemoteAddr)
			}
			say(w, r.Proto)
		})
		if text := d.fetch(t, "GET", nil); text != "HTTP/2.0" {
			t.Errorf("answered by %q", text)
		}
		if got := <-d.states; got != http.StateNew {
			t.Errorf("the first state is %v", got)
		}
		if got := <-d.states; got != http.StateActive {
			t.Errorf("the second state is %v", got)
		}
		transport, _ := d.client.Transport.(*http.Transport)
		older := &http.Transport{TLSClientConfig: transport.TLSClientConfig.Clone(), Protocols: new(http.Protocols)}
		older.TLSClientConfig.NextProtos = nil
		older.Protocols.SetHTTP1(true)
		d.client = &http.Client{Transport: older}
		if text := d.fetch(t, "GET", nil); text != "HTTP/1.1" {
			t.Errorf("answered by %q", text)
		}
		older.CloseIdleConnections()
	})
}

// TestShutdown waits for a request in flight, and answers it.
func TestShutdown(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		started, proceed := make(chan struct{}), make(chan struct{})
		d := attach(t, secure, func(w http.ResponseWriter, _ *http.Request) {
			flush(w)
			close(started)
			<-proceed
			say(w, strings.Repeat("done", 100_000))
		})
		var asking sync.WaitGroup
		asking.Go(func() {
			if text := d.fetch(t, "GET", nil); text != strings.Repeat("done", 100_000) {
				t.Errorf("%d bytes", len(text))
			}
		})
		await(t, "the request", started)
		shut := make(chan error)
		go func() { shut <- d.http.Shutdown(context.WithoutCancel(t.Context())) }()
		select {
		case err := <-shut:
			t.Errorf("it did not wait: %v", err)
		case <-time.After(20 * time.Millisecond): // an early end is a fault, a late one is seen below
		}
		close(proceed)
		asking.Wait()
		if err := <-shut; err != nil {
			t.Error(err)
		}
	})
}

// TestCloseOfServer ends requests in flight.
func TestCloseOfServer(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		started, ended := make(chan struct{}), make(chan struct{})
		d := attach(t, secure, func(w http.ResponseWriter, r *http.Request) {
			flush(w)
			close(started)
			<-r.Context().Done()
			close(ended)
		})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := d.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		await(t, "the request", started)
		if err := d.http.Close(); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadAll(response.Body); err == nil {
			t.Error("the answer has an end")
		}
		await(t, "the end of the handler", ended)
	})
}

// TestLastWords shows that a client which is still sending reads why its connection ends, and what it
// was answered.
func TestLastWords(t *testing.T) {
	t.Parallel()
	d := attach(t, false, func(w http.ResponseWriter, _ *http.Request) { say(w, "answer") })
	for range 20 {
		var dialer net.Dialer
		conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(d.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		all.WriteString(http2.ClientPreface)
		framer := http2.NewFramer(&all, nil)
		framer.AllowIllegalWrites = true
		var block strings.Builder
		encoder := hpack.NewEncoder(&block)
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}} {
			if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				t.Fatal(err)
			}
		}
		errs := []error{
			framer.WriteSettings(),
			framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndStream: true, EndHeaders: true}),
			framer.WriteWindowUpdate(0, 0), // the fault
		}
		for range 100 {
			errs = append(errs, framer.WriteData(1, false, make([]byte, 1000)))
		}
		_, err = io.WriteString(conn, all.String())
		if err := errors.Join(append(errs, err)...); err != nil {
			t.Fatal(err)
		}
		reading := http2.NewFramer(nil, conn)
		for code := http2.ErrCode(0); code == 0; {
			frame, err := reading.ReadFrame()
			if err != nil {
				t.Fatalf("the end came without a word: %v", err)
			}
			if f, ok := frame.(*http2.GoAwayFrame); ok {
				code = f.ErrCode
			}
		}
		conn.Close()
	}
}
