package load_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/sepal-ml/sepal/gen/go/sepal/prediction/v1/predictionv1connect"
	"github.com/sepal-ml/sepal/services/internal/load"
)

// startSecured serves the fake over TLS to whoever has the token, and returns it as a target.
func (f *fake) startSecured(t *testing.T, token string) (*load.Target, *tls.Config) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(predictionv1connect.NewPredictionServiceHandler(f))
	refuse := connect.NewErrorWriter()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.Header.Get("Authorization") != "Bearer "+token {
			_ = refuse.Write(w, r, connect.NewError(connect.CodeUnauthenticated, errors.New("say who you are")))
			return
		}
		mux.ServeHTTP(w, r)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	target, err := load.Resolve(t.Context(), s.URL, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	return target, &tls.Config{RootCAs: trusted}
}

func TestEveryWayOverTLSWithAToken(t *testing.T) {
	t.Parallel()
	for _, w := range ways() {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			target, config := new(fake).startSecured(t, "sesame")
			o := w.options(target)
			o.TLS = config
			o.Token = func(context.Context) (string, error) { return "sesame", nil }
			if r := run(t, o); r.Answered != o.Count || r.Failed != 0 {
				t.Errorf("result is %+v", r)
			}
			o.Count = 5 // after each, the sender waits a little
			for name, token := range map[string]func(context.Context) (string, error){
				"say who you are":                       nil,
				"there is no token to send: it is lost": func(context.Context) (string, error) { return "", errors.New("it is lost") },
			} {
				o.Token = token
				if r := run(t, o); r.Answered != 0 || len(r.Failures) != 1 || r.Failures[0].Code != "unauthenticated" || r.Failures[0].Example != name {
					t.Errorf("failures are %+v, expected %q", r.Failures, name)
				}
			}
		})
	}
}

// TestRefusalsAreToldApartByTheirReason and not by the figures in it.
func TestRefusalsAreToldApartByTheirReason(t *testing.T) {
	t.Parallel()
	reasons := []func(n int64) error{
		func(n int64) error {
			wait := []string{"350ms", "2s", "1m3s"}[n/4%3]
			return connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("too many requests: one caller may make 100/m; try again in %s", wait))
		},
		func(int64) error {
			return connect.NewError(connect.CodeResourceExhausted, errors.New("the server has more to do than it can"))
		},
		func(n int64) error { return connect.NewError(connect.CodeUnavailable, fmt.Errorf("reason %d", n)) },
		func(int64) error { return nil },
	}
	server := &fake{fails: func(n int64) error { return reasons[n%4](n) }}
	o := way{load.GRPC, 2, load.CallPredict, false}.options(server.start(t))
	r := run(t, o)
	if r.Answered != 25 || r.Failed != 75 || len(r.Failures) != 3 {
		t.Fatalf("result is %+v", r)
	}
	for _, f := range r.Failures {
		if f.Requests != 25 {
			t.Errorf("there are %d of %+v, expected 25", f.Requests, f)
		}
	}
}

// TestReasonsWithoutEndAreCountedTogether bounds what a server that words each refusal otherwise costs.
func TestReasonsWithoutEndAreCountedTogether(t *testing.T) {
	t.Parallel()
	server := &fake{fails: func(n int64) error {
		return connect.NewError(connect.CodePermissionDenied, errors.New(strings.Repeat("no", int(n%50))))
	}}
	o := way{load.GRPC, 2, load.CallPredict, false}.options(server.start(t))
	o.Concurrency, o.Count = 1, 200
	r := run(t, o)
	sum := uint64(0)
	for _, f := range r.Failures {
		sum += f.Requests
	}
	if sum != 200 || len(r.Failures) > 33 {
		t.Errorf("%d kinds of failures, %d in all, expected 33 at most, and 200", len(r.Failures), sum)
	}
}
