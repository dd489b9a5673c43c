package wire_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/wire"
)

// serve starts a server of net/http on a wrapped listener, with TLS above it if asked for, that
// speaks every version of HTTP, and stops it when the test ends.
func serve(t *testing.T, secure bool, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Listener = wire.NewListener(s.Listener)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetHTTP2(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	if s.EnableHTTP2 = secure; secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// TestHTTP sends bodies of many sizes there and back in every version of HTTP.
func TestHTTP(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		secure, http2 bool
	}{
		{"HTTP 1.1", false, false}, {"h2c", false, true}, {"HTTP 1.1 over TLS", true, false}, {"HTTP 2 over TLS", true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.secure, func(w http.ResponseWriter, r *http.Request) {
				if got := r.TLS != nil; got != test.secure {
					t.Errorf("the request has TLS: %v", got)
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if _, err := w.Write(body); err != nil {
					t.Error(err)
				}
			})
			transport := &http.Transport{
				Protocols:       new(http.Protocols),
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			}
			defer transport.CloseIdleConnections()
			transport.Protocols.SetHTTP1(!test.http2)
			transport.Protocols.SetHTTP2(test.http2 && test.secure)
			transport.Protocols.SetUnencryptedHTTP2(test.http2 && !test.secure)
			client := &http.Client{Transport: transport}
			var all sync.WaitGroup
			defer all.Wait()
			for _, size := range []int{0, 1, 1000, 4 << 10, 20_000, 72<<10 + 1, 1 << 20} {
				all.Go(func() { echo(t, client, s.URL, pattern(size), test.http2) })
			}
		})
	}
}

// echo sends a body and expects it back.
func echo(t *testing.T, client *http.Client, url string, body []byte, http2 bool) {
	response, err := client.Post(url, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("got %d other bytes of %d: %v", len(got), len(body), err)
	}
	if (response.ProtoMajor == 2) != http2 {
		t.Errorf("answered in %s", response.Proto)
	}
}

// TestPipelinedRequests sends several requests at once: net/http has one byte of the next from
// its background read, and the rest was read ahead.
func TestPipelinedRequests(t *testing.T) {
	t.Parallel()
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) })
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const n = 50
	var requests strings.Builder
	for i := range n {
		fmt.Fprintf(&requests, "GET /%d HTTP/1.1\r\nHost: sepal\r\n\r\n", i)
	}
	write(t, c, []byte(requests.String()))
	answers := bufio.NewReader(c)
	for i := range n {
		response, err := http.ReadResponse(answers, nil) //nolint:bodyclose // the connection is closed
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); string(body) != fmt.Sprintf("/%d", i) || err != nil {
			t.Fatalf("answer %d is %q, %v", i, body, err)
		}
	}
}

// TestHijack takes a connection over, with bytes that were sent right behind the request.
func TestHijack(t *testing.T) {
	t.Parallel()
	s := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		c, both, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		line, err := both.ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(c, "you said "+line); err != nil {
			t.Error(err)
		}
	})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	write(t, c, []byte("GET / HTTP/1.1\r\nHost: sepal\r\nConnection: upgrade\r\n\r\nhello\n"))
	if got, err := io.ReadAll(c); string(got) != "you said hello\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestClientGoesAway shows that net/http notices through its background read that a client has
// gone, and ends the request's context.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan bool, 1)
	s := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		select {
		case <-r.Context().Done():
			ended <- true
		case <-time.After(time.Minute):
			ended <- false
		}
	})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	write(t, c, []byte("GET / HTTP/1.1\r\nHost: sepal\r\n\r\n"))
	<-begun
	c.Close()
	if !<-ended {
		t.Error("the handler was not told")
	}
}
