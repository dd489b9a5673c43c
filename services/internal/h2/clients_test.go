package h2_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/grpchealth"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// mirror answers with the body of a request, while it comes, or with what a path asks for.
func mirror(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/hang":
		flush(w)
		<-r.Context().Done()
	case "/early":
		w.WriteHeader(http.StatusTeapot)
	default:
		flush(w)
		w.Header().Set(http.TrailerPrefix+"X-End", "yes")
		_, _ = io.Copy(w, r.Body) // the client may have gone
	}
}

// pattern returns n bytes.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7 >> 3)
	}
	return p
}

// TestClients has many calls in flight at a time, of many sizes, some of which are given up.
func TestClients(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		d := attach(t, secure, mirror)
		shared, _ := d.client.Transport.(*http.Transport)
		other := &http2.Transport{AllowHTTP: !secure, TLSClientConfig: shared.TLSClientConfig.Clone()} //nolint:staticcheck // clients have it still
		if !secure {
			//nolint:staticcheck // as above
			other.DialTLSContext = func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
				var dialer net.Dialer
				return dialer.DialContext(ctx, network, address)
			}
		}
		t.Cleanup(other.CloseIdleConnections) //nolint:staticcheck // as above
		for _, transport := range []http.RoundTripper{shared, other} {
			client := &http.Client{Transport: transport}
			var calling sync.WaitGroup
			turns := make(chan struct{}, 90) // fewer than a connection may have
			for i := range 300 {
				calling.Go(func() {
					turns <- struct{}{}
					defer func() { <-turns }()
					switch i % 10 {
					case 7:
						giveUp(t, client, d.url+"/hang", nil)
					case 8:
						giveUp(t, client, d.url+"/", endless{})
					case 9:
						early(t, client, d.url+"/early")
					default:
						echo(t, client, d.url, pattern(i*i*10))
					}
				})
			}
			calling.Wait()
		}
		if text := d.log.String(); text != "" {
			t.Errorf("the log has %s", text)
		}
	})
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func echo(t *testing.T, client *http.Client, url string, body []byte) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(got, body) || response.Trailer.Get("X-End") != "yes" {
		t.Errorf("got %d bytes of %d, %v, %v", len(got), len(body), err, response.Trailer)
	}
}

// giveUp begins a call, and cancels it when its answer has begun.
func giveUp(t *testing.T, client *http.Client, url string, body io.Reader) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		t.Error(err)
		return
	}
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	if body != nil {
		if _, err := io.CopyN(io.Discard, response.Body, 100_000); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// early has an answer before the body is sent.
func early(t *testing.T, client *http.Client, url string) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, endless{})
	if err != nil {
		t.Error(err)
		return
	}
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	response.Body.Close()
	if response.StatusCode != http.StatusTeapot {
		t.Errorf("got %v", response.Status)
	}
}

// TestLargeBodies sends and fetches many megabytes.
func TestLargeBodies(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		const size = 48 << 20
		d := attach(t, secure, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil || r.Method == http.MethodPost && n != size {
				t.Errorf("%d bytes, %v", n, err)
			}
			for part := pattern(1 << 20); n < 2*size && r.Method == http.MethodGet; n += 1 << 20 {
				if _, err := w.Write(part); err != nil {
					t.Errorf("after %d bytes: %v", n, err)
					return
				}
			}
		})
		d.fetch(t, http.MethodPost, io.LimitReader(endless{}, size))
		if text := d.fetch(t, http.MethodGet, nil); len(text) != 2*size {
			t.Errorf("got %d bytes", len(text))
		}
		if text := d.log.String(); text != "" {
			t.Errorf("the log has %s", text)
		}
	})
}

// TestGRPC calls a server of connect's by the client of gRPC.
func TestGRPC(t *testing.T) {
	t.Parallel()
	checker := grpchealth.NewStaticChecker("a")
	path, handler := grpchealth.NewHandler(checker)
	d := attach(t, false, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, path) {
			t.Errorf("called %s", r.URL.Path)
		}
		if strings.HasSuffix(r.URL.Path, "/Watch") { // connect's refuses it
			w.Header().Set("Content-Type", "application/grpc")
			flush(w)
			<-r.Context().Done()
			return
		}
		handler.ServeHTTP(w, r)
	})
	conn, err := grpc.NewClient(strings.TrimPrefix(d.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := grpc_health_v1.NewHealthClient(conn)
	var calling sync.WaitGroup
	turns := make(chan struct{}, 80)
	for i := range 400 {
		calling.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			switch i % 4 {
			case 0:
				_, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "b"})
				if status.Code(err) != codes.NotFound {
					t.Errorf("got %v", err)
				}
			case 1:
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: "a"})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := stream.Header(); err != nil {
					t.Error(err)
				}
				cancel()
				if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
					t.Errorf("got %v", err)
				}
			default:
				response, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "a"}, grpc.WaitForReady(true))
				if err != nil || response.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
					t.Errorf("got %v, %v", response, err)
				}
			}
		})
	}
	calling.Wait()
}
