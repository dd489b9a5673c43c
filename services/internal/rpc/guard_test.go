package rpc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	accessv1 "github.com/sepal-ml/sepal/gen/go/sepal/access/v1"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/internal/rpc"
)

// asked is an authenticator that takes everyone for one caller, or refuses them.
type asked struct {
	principal *identity.Principal
	err       error
}

func (a asked) Authenticate(*http.Request) (*identity.Principal, error) { return a.principal, a.err }

// unreadable is a body that must not be read.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.EOF
}

func (unreadable) Close() error { return nil }

// guardedPaths are of what the guards of these tests know.
func guardedPaths() map[string]rpc.Access {
	return map[string]rpc.Access{
		"/predict": {Scope: accessv1.Scope_SCOPE_PREDICT},
		"/health":  {Scope: accessv1.Scope_SCOPE_NONE},
		"/metrics": {Scope: accessv1.Scope_SCOPE_READ, Unlimited: true, Plain: true},
		"/nothing": {}, // a mistake of the contract
	}
}

// post sends a request through the guard, in the protocol of the content type.
func post(t *testing.T, o rpc.GuardOptions, path, contentType string) *httptest.ResponseRecorder {
	t.Helper()
	o.Access = guardedPaths()
	passed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := rpc.PrincipalFrom(r.Context()); p != nil {
			w.Header().Set("Principal", p.Name)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
	r.Body = unreadable{t}
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	rpc.Unheard(o.Logger, nil, rpc.Guard(o, passed)).ServeHTTP(w, r)
	return w
}

func TestGuard(t *testing.T) {
	t.Parallel()
	knows := func(scopes identity.Scopes) asked {
		return asked{principal: &identity.Principal{Name: "ada", Kind: identity.KindJWT, Scopes: scopes}}
	}
	failed := asked{err: errors.New("the disk is gone")}
	for name, test := range map[string]struct {
		path          string
		authenticator rpc.Authenticator
		want          int
		text          string
	}{
		"with the scope":             {"/predict", knows(identity.Predict), 204, ""},
		"without":                    {"/predict", knows(identity.Read), 403, `the call needs the scope \"predict\", which \"ada\" does not have; it has: read`},
		"without any":                {"/predict", knows(0), 403, `it has: none`},
		"of a mistake, as admin":     {"/nothing", knows(identity.Admin), 403, `the scope \"unspecified\"`},
		"of what there is not":       {"/else", knows(0), 204, ""},
		"health, when nobody can be": {"/health", failed, 204, ""},
		"metrics":                    {"/metrics", knows(identity.Predict), 403, `the call needs the scope "read"`},
		"when nobody can be told":    {"/predict", failed, 503, "who calls cannot be told at the moment"},
		"metrics, the same":          {"/metrics", failed, 503, "who calls cannot be told at the moment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			got := post(t, rpc.GuardOptions{Authenticator: test.authenticator, Logger: zerolog.New(&log)}, test.path, "application/json")
			if got.Code != test.want || !strings.Contains(got.Body.String(), test.text) {
				t.Errorf("got %d %s, expected %d with %s", got.Code, got.Body, test.want, test.text)
			}
			if strings.Contains(got.Body.String(), "disk") {
				t.Errorf("the answer tells of the inside: %s", got.Body)
			}
			refused := test.want != http.StatusNoContent
			if lines := strings.Count(log.String(), "\n"); refused != (lines == 1) || refused != (got.Header().Get(rpc.RequestIDHeader) != "") {
				t.Errorf("the log has %d lines: %s, and the headers are %v", lines, log.String(), got.Header())
			}
			if passes := !refused && test.path != "/health"; passes != (got.Header().Get("Principal") == "ada") {
				t.Errorf("the handler is told that %q calls", got.Header().Get("Principal"))
			}
		})
	}
}

// TestKeysThatAreNotThereYet are no fault of the caller's.
func TestKeysThatAreNotThereYet(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	authenticator, err := identity.New(t.Context(), identity.Options{JWKS: gone.URL, Issuer: "issuer", Audience: "sepal"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(authenticator.Close)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/predict", nil)
	r.Header.Set("Content-Type", "application/json")
	const header, claims = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ", "eyJzdWIiOiJhZGEifQ"
	r.Header.Set("Authorization", "Bearer "+header+"."+claims+"."+strings.Repeat("A", 86))
	w := httptest.NewRecorder()
	rpc.Guard(rpc.GuardOptions{Authenticator: authenticator, Access: guardedPaths()}, http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"code":"unavailable"`) || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
	}
}

func TestTheChallengeIsHTTPsAlone(t *testing.T) {
	t.Parallel()
	o := rpc.GuardOptions{Authenticator: asked{principal: &identity.Principal{Name: "ada"}}}
	for contentType, want := range map[string]bool{
		"application/json": true, "application/proto": true, "application/connect+json": true,
		"application/grpc": false, "application/grpc-web+proto": false,
	} {
		if got := post(t, o, "/predict", contentType); (got.Header().Get("WWW-Authenticate") != "") != want {
			t.Errorf("%s: got the headers %v", contentType, got.Header())
		}
	}
}

func TestTheGuardLimitsWhatItLetsPass(t *testing.T) {
	t.Parallel()
	limit := ratelimit.Limit{Requests: 2, Per: time.Hour}
	o := rpc.GuardOptions{Limiter: ratelimit.New(limit, time.Now())}
	for i, want := range []int{204, 204, 429} {
		if got := post(t, o, "/predict", "application/json"); got.Code != want {
			t.Errorf("request %d: got %d, expected %d", i, got.Code, want)
		}
	}
	for range 3 {
		for path, want := range map[string]int{"/health": 204, "/metrics": 204, "/else": 429} {
			if got := post(t, o, path, "application/json"); got.Code != want {
				t.Errorf("%s: got %d, expected %d", path, got.Code, want)
			}
		}
	}
}

// TestAGuardOfNothingIsNone shows that it costs nothing.
func TestAGuardOfNothingIsNone(t *testing.T) {
	t.Parallel()
	next := http.NewServeMux()
	if got := rpc.Guard(rpc.GuardOptions{Access: guardedPaths()}, next); got != http.Handler(next) {
		t.Errorf("there is a %T before the handler", got)
	}
	allowance := rpc.AllowanceFrom(context.Background())
	for range 10 {
		if err := allowance.Take(); err != nil {
			t.Error(err)
		}
	}
	if p := rpc.PrincipalFrom(context.Background()); p != nil {
		t.Errorf("%v calls", p)
	}
}

// TestGuardAllocatesNothing of its own; what it costs to check a token is package identity's.
func TestGuardAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	limit := ratelimit.Limit{Requests: 1e6, Per: time.Second}
	guard := rpc.Guard(rpc.GuardOptions{
		Access:        guardedPaths(),
		Authenticator: asked{principal: &identity.Principal{Name: "ada", Kind: identity.KindJWT, Scopes: identity.Admin}},
		Limiter:       ratelimit.New(limit, time.Now()),
	}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var bare, guarded float64
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/predict", nil)
	w := httptest.NewRecorder()
	count := func(next http.Handler) float64 {
		layer := rpc.RequestID(next)
		return testing.AllocsPerRun(500, func() { layer.ServeHTTP(w, r) })
	}
	bare = count(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	guarded = count(guard)
	if w.Body.Len() > 0 {
		t.Fatalf("the request is refused: %s", w.Body)
	}
	if guarded > bare {
		t.Errorf("a request allocates %v times behind a guard, and %v without", guarded, bare)
	}
}
