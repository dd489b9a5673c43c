package sepal

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	predictionv1 "github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1"
)

// checkAllMethods calls every method once, and looks at what each answered.
func checkAllMethods(t *testing.T, client *Client) {
	t.Helper()
	ctx := t.Context()
	if res, err := client.Health(ctx); err != nil || res.GetStatus() != "ok" || res.GetModel() != "length" {
		t.Errorf("Health = %v, %v; want status ok of model length", res, err)
	}
	if res, err := client.Predict(ctx, Features(5)); err != nil || res.GetPrediction() != "long" {
		t.Errorf("Predict(5 cm) = %v, %v; want long", res, err)
	}
	byName, err := Inputs(map[string]any{"length_cm": 1})
	if err != nil {
		t.Fatal(err)
	}
	if res, err := client.Predict(ctx, byName); err != nil || res.GetPrediction() != "short" {
		t.Errorf("Predict(length_cm: 1) = %v, %v; want short", res, err)
	}
	res, err := client.BatchPredict(ctx, &predictionv1.BatchPredictRequest{Rows: []*predictionv1.Row{
		{Features: []float64{5}}, {Features: []float64{5, 6}}, {Features: []float64{1}},
	}})
	if err != nil || len(res.GetResults()) != 3 {
		t.Fatalf("BatchPredict = %v, %v; want 3 results", res, err)
	}
	first, second, third := res.GetResults()[0], res.GetResults()[1], res.GetResults()[2]
	if first.GetResponse().GetPrediction() != "long" || third.GetResponse().GetPrediction() != "short" {
		t.Errorf("BatchPredict: results 0 and 2 are %v and %v, want long and short", first, third)
	}
	if second.GetError().GetCode() != "invalid_argument" {
		t.Errorf("BatchPredict: result 1 is %v, want the error invalid_argument", second)
	}
	version, err := client.GetVersion(ctx, "length", "v1.0.0")
	if err != nil || !slices.Equal(version.GetVersion().GetClasses(), []string{"short", "long"}) {
		t.Errorf("GetVersion = %v, %v; want the classes short, long", version, err)
	}
}

// seen keeps how requests arrived.
type seen struct {
	sync.Mutex
	requests []*http.Request
}

func (s *seen) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Lock()
		s.requests = append(s.requests, r)
		s.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (s *seen) all() []*http.Request {
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.requests)
}

func TestEveryMethodOnEveryWireInClearText(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			var arrived seen
			server := serve(t, arrived.around((&fakeService{}).handler()))
			checkAllMethods(t, dial(t, server.Listener.Addr().String(), wire.options...))
			if n := len(arrived.all()); n != 5 {
				t.Errorf("%d requests arrived, want 5", n)
			}
			for _, r := range arrived.all() {
				if got := r.Header.Get("Content-Type"); got != wire.contentType && got != wire.contentType+"+proto" {
					t.Errorf("%s came as %s, want %s", r.URL.Path, got, wire.contentType)
				}
				if r.ProtoMajor != wire.major {
					t.Errorf("%s came over HTTP/%d, want HTTP/%d", r.URL.Path, r.ProtoMajor, wire.major)
				}
			}
		})
	}
}

func TestEveryMethodOnEveryWireOverTLS(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			var arrived seen
			server := httptest.NewUnstartedServer(arrived.around((&fakeService{}).handler()))
			server.EnableHTTP2 = true
			server.StartTLS()
			t.Cleanup(server.Close)
			authorities := x509.NewCertPool()
			authorities.AddCert(server.Certificate())
			options := append([]Option{WithTLSConfig(&tls.Config{RootCAs: authorities})}, wire.options...)
			checkAllMethods(t, dial(t, server.URL, options...))
			for _, r := range arrived.all() {
				if r.TLS == nil || r.ProtoMajor != 2 {
					t.Errorf("%s came over HTTP/%d (TLS: %v), want HTTP/2 and TLS", r.URL.Path, r.ProtoMajor, r.TLS != nil)
				}
			}
		})
	}
}

func TestAnUnknownAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	server := httptest.NewUnstartedServer(service.handler())
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := dial(t, server.URL, WithRetry(RetryPolicy{MaxAttempts: 1})).Health(t.Context())
	if e := asError(t, err); e.Code != connect.CodeUnavailable || !strings.Contains(e.Message, "certificate") {
		t.Errorf("error is %v, want unavailable with the reason that TLS gives", e)
	}
	if n := service.calls.Load(); n != 0 {
		t.Errorf("the server was called %d times, want 0", n)
	}
}

func TestThePathOfTheTargetComesFirst(t *testing.T) {
	t.Parallel()
	server := serve(t, http.StripPrefix("/ml", (&fakeService{}).handler()))
	if _, err := dial(t, server.URL+"/ml/").Health(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestHeadersAndInterceptorsAreOnEveryAttempt(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{fail: func(_ context.Context, n int) error {
				if n == 1 {
					return refusal(connect.CodeUnavailable, "loading")
				}
				return nil
			}}
			var arrived seen
			server := serve(t, arrived.around(service.handler()))
			var intercepted atomic.Int64
			counting := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
				return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
					intercepted.Add(1)
					if got := req.Header().Get("Authorization"); got != "Bearer t0ken" {
						t.Errorf("the interceptor sees Authorization %q, want the one of WithHeader", got)
					}
					return next(ctx, req)
				}
			})
			client := dial(t, server.URL, append([]Option{
				WithHeader("authorization", "Bearer t0ken"),
				WithHeader("X-Team", "a"), WithHeader("x-team", "b"),
				WithInterceptors(counting),
				WithRetry(RetryPolicy{InitialBackoff: time.Millisecond}),
			}, wire.options...)...)
			ctx, call := connect.NewClientContext(t.Context())
			call.RequestHeader().Set("X-Team", "of the call")
			if _, err := client.Health(ctx); err != nil {
				t.Fatal(err)
			}
			if n := intercepted.Load(); n != 2 {
				t.Errorf("the interceptor ran %d times, want 2", n)
			}
			for _, r := range arrived.all() {
				if got := r.Header.Values("Authorization"); !slices.Equal(got, []string{"Bearer t0ken"}) {
					t.Errorf("Authorization is %q", got)
				}
				if got := r.Header.Values("X-Team"); !slices.Equal(got, []string{"of the call", "a", "b"}) {
					t.Errorf("X-Team is %q, want the call's, a and b", got)
				}
			}
		})
	}
}

func TestMessagesAreBoundedBothWays(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{}
			server := serve(t, service.handler())
			client := dial(t, server.URL, append([]Option{WithMaxMessageBytes(200)}, wire.options...)...)

			_, err := client.Predict(t.Context(), Features(make([]float64, 200)...))
			if e := asError(t, err); e.Code != connect.CodeResourceExhausted || e.Attempts != 1 {
				t.Errorf("a large request: %v (%d attempts), want resource_exhausted at once", e, e.Attempts)
			}
			if n := service.calls.Load(); n != 0 {
				t.Errorf("the large request reached the server %d times, want 0", n)
			}

			// A row without features is at most 3 bytes in the request, and over 30 in the response.
			rows := slices.Repeat([]*predictionv1.Row{{}}, 40)
			_, err = client.BatchPredict(t.Context(), &predictionv1.BatchPredictRequest{Rows: rows})
			if e := asError(t, err); e.Code != connect.CodeResourceExhausted || e.Attempts != 1 {
				t.Errorf("a large response: %v (%d attempts), want resource_exhausted at once", e, e.Attempts)
			}
			if n := service.calls.Load(); n != 1 {
				t.Errorf("the server was called %d times, want 1", n)
			}

			unbounded := dial(t, server.URL, append([]Option{WithMaxMessageBytes(0)}, wire.options...)...)
			if _, err := unbounded.BatchPredict(t.Context(), &predictionv1.BatchPredictRequest{Rows: rows}); err != nil {
				t.Errorf("without a bound: %v", err)
			}
		})
	}
}

func TestAMessageOfExactlyTheBoundIsSent(t *testing.T) {
	t.Parallel()
	request := Features(5) // a tag, a length and 8 bytes
	for _, wire := range wires[:3] {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			service := &fakeService{}
			server := serve(t, service.handler())
			for limit, want := range map[int]int64{10: 1, 9: 0} {
				service.calls.Store(0)
				client := dial(t, server.URL, append([]Option{WithMaxMessageBytes(limit)}, wire.options...)...)
				_, _ = client.Predict(t.Context(), request) // the response is larger than both
				if n := service.calls.Load(); n != want {
					t.Errorf("with a bound of %d bytes, the server was called %d times, want %d", limit, n, want)
				}
			}
		})
	}
}

func TestCloseClosesIdleConnectionsAndACallConnectsAnew(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			var open atomic.Int64
			server := httptest.NewUnstartedServer((&fakeService{}).handler())
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(true)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			closed := make(chan struct{}, 8)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					open.Add(1)
				}
				if state == http.StateClosed {
					open.Add(-1)
					closed <- struct{}{}
				}
			}
			server.Start()
			t.Cleanup(server.Close)
			client := dial(t, server.URL, wire.options...)
			for range 3 {
				if _, err := client.Health(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n := open.Load(); n != 1 {
				t.Errorf("three calls in turn hold %d connections, want 1", n)
			}
			client.Close()
			select {
			case <-closed:
			case <-time.After(10 * time.Second):
				t.Fatal("the connection is still open 10 s after Close")
			}
			if _, err := client.Health(t.Context()); err != nil {
				t.Errorf("a call after Close: %v", err)
			}
		})
	}
}

// lentHTTPClient counts what is asked of it.
type lentHTTPClient struct {
	connect.HTTPClient
	calls, closes atomic.Int64
}

func (c *lentHTTPClient) Do(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.HTTPClient.Do(r)
}

func (c *lentHTTPClient) CloseIdleConnections() { c.closes.Add(1) }

func TestAnHTTPClientGivenIsUsedAndLeftOpen(t *testing.T) {
	t.Parallel()
	server := serve(t, (&fakeService{}).handler())
	lent := &lentHTTPClient{HTTPClient: server.Client()}
	client := dial(t, server.URL, WithProtocol(Connect), WithHTTPClient(lent))
	if _, err := client.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	client.Close()
	if calls, closes := lent.calls.Load(), lent.closes.Load(); calls != 1 || closes != 0 {
		t.Errorf("the HTTP client was called %d times and closed %d times, want 1 and 0", calls, closes)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			elsewhere := &fakeService{}
			other := serve(t, elsewhere.handler())
			server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
			}))
			_, err := dial(t, server.URL, wire.options...).Health(t.Context())
			if e := asError(t, err); e.Attempts != 1 {
				t.Errorf("%v after %d attempts, want 1", e, e.Attempts)
			}
			if n := elsewhere.calls.Load(); n != 0 {
				t.Errorf("the other server was called %d times, want 0", n)
			}
		})
	}
}

func TestAClientIsForManyGoroutines(t *testing.T) {
	t.Parallel()
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, serve(t, (&fakeService{}).handler()).URL, wire.options...)
			request := Features(5)
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range 20 {
						if res, err := client.Predict(t.Context(), request); err != nil || res.GetPrediction() != "long" {
							t.Errorf("Predict = %v, %v", res, err)
						}
					}
				})
			}
			group.Wait()
		})
	}
}
