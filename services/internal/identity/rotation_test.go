package identity_test

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/sepal-ml/sepal/services/internal/identity"
)

// issuing is an issuer that tests make answer as they want.
type issuing struct {
	*httptest.Server
	mu      sync.Mutex
	answer  http.HandlerFunc
	fetches atomic.Int64
}

func newIssuing(t *testing.T, answer http.HandlerFunc) *issuing {
	t.Helper()
	i := &issuing{answer: answer}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.fetches.Add(1)
		i.mu.Lock()
		answer := i.answer
		i.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuing) answers(answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

// options are those of a server that fetches its keys, and refreshes them seldom.
func (i *issuing) options(t identity.Timing) identity.Options {
	if t.Refresh == 0 {
		t.Refresh = seldom
	}
	t.Fetch = time.Minute
	return identity.Options{JWKS: i.URL + "/keys", Issuer: issuer, Audience: audience}.WithTiming(t)
}

func publishing(keys []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }
}

func failing(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "down", http.StatusServiceUnavailable)
}

// by returns a request with a token by a key of that name.
func by(kid string, key ed25519.PrivateKey) *http.Request {
	return bearer(token(header("EdDSA", kid), claims(), signedBy(key)))
}

// TestRotation goes from a key to the next, by way of both.
func TestRotation(t *testing.T) {
	t.Parallel()
	first, second := newEd(), newEd()
	server := newIssuing(t, publishing(set(jwk("1", first.Public(), ""))))
	var now atomicTime
	now.set(time.Now())
	a := open(t, server.options(identity.Timing{Now: now.get}))
	former := by("1", first)
	if got := reason(t, a, former); got != "" {
		t.Fatalf("the first key: got %q", got)
	}
	server.answers(publishing(set(jwk("1", first.Public(), ""), jwk("2", second.Public(), ""))))
	now.add(11 * time.Second)
	if got := reason(t, a, by("2", second)); got != "" {
		t.Errorf("the second key, which is fetched for it: got %q", got)
	}
	if got := reason(t, a, former); got != "" {
		t.Errorf("the first key beside it: got %q", got)
	}
	server.answers(publishing(set(jwk("2", second.Public(), ""))))
	now.add(11 * time.Second)
	if got := reason(t, a, by("3", second)); got != identity.ReasonUnknownKey {
		t.Errorf("a key that is none: got %q", got)
	}
	if got := reason(t, a, former); got != identity.ReasonUnknownKey {
		t.Errorf("a remembered token of a key that is gone: got %q", got)
	}
	if got := server.fetches.Load(); got != 3 {
		t.Errorf("%d fetches, expected 3", got)
	}
}

// TestRefresh finds a key that is gone though no token asks for another.
func TestRefresh(t *testing.T) {
	t.Parallel()
	first, second := newEd(), newEd()
	server := newIssuing(t, publishing(set(jwk("1", first.Public(), ""))))
	a := open(t, server.options(identity.Timing{Refresh: 5 * time.Millisecond}))
	former := by("1", first)
	if got := reason(t, a, former); got != "" {
		t.Fatalf("got %q", got)
	}
	server.answers(publishing(set(jwk("2", second.Public(), ""))))
	eventually(t, "the first key is gone", func() bool { return reason(t, a, former) == identity.ReasonUnknownKey })
	if got := reason(t, a, by("2", second)); got != "" {
		t.Errorf("the second key: got %q", got)
	}
}

// TestTheIssuerIsDown at the start, later, and with answers that are none.
func TestTheIssuerIsDown(t *testing.T) {
	t.Parallel()
	server := newIssuing(t, failing)
	var log logged
	o := server.options(identity.Timing{Retry: time.Millisecond, Cooldown: time.Nanosecond})
	o.Logger = zerolog.New(&log)
	o.JWKS += "?secret=1"
	a := open(t, o)
	signed := bearer(ed(claims()))
	if got := reason(t, a, signed); got != identity.ReasonKeysUnavailable {
		t.Fatalf("before there are keys: got %q", got)
	}
	if got := reason(t, a, bearer(hostile()["crit unknown"].token)); got != identity.ReasonUnsupported {
		t.Errorf("a token that is none: got %q", got)
	}
	server.answers(publishing(jwks()))
	eventually(t, "the keys are there", func() bool { return reason(t, a, signed) == "" })
	for name, answer := range map[string]http.HandlerFunc{
		"status":  failing,
		"a page":  publishing([]byte("<html>")),
		"no keys": publishing([]byte(`{"keys":[]}`)),
		"private": publishing(set(jwk("ed", edKey(), ""))),
		"huge":    publishing([]byte(strings.Repeat(" ", 1<<20) + string(jwks()))),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://issuer.example/keys", http.StatusFound)
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000")
			_, _ = w.Write(jwks())
		},
	} {
		server.answers(answer)
		before := strings.Count(log.String(), "cannot be fetched")
		eventually(t, name+" is logged as a failure", func() bool {
			made := reason(t, a, by("unknown", edKey()))
			return made == identity.ReasonKeysUnavailable && strings.Count(log.String(), "cannot be fetched") > before
		})
		if got := reason(t, a, signed); got != "" {
			t.Errorf("%s: a token of a known key: got %q", name, got)
		}
		if got := reason(t, a, by("ed", edKey())); got != "" {
			t.Errorf("%s: another token of a known key: got %q", name, got)
		}
	}
	server.answers(publishing(jwks()))
	eventually(t, "the keys can be fetched again", func() bool {
		return reason(t, a, by("unknown", edKey())) == identity.ReasonUnknownKey
	})
	if strings.Contains(log.String(), "secret") {
		t.Error("the log tells what the URL may hide")
	}
}

// TestOneFetchServesAll who wait for it.
func TestOneFetchServesAll(t *testing.T) {
	t.Parallel()
	second := newEd()
	server := newIssuing(t, publishing(jwks()))
	var now atomicTime
	now.set(time.Now())
	a := open(t, server.options(identity.Timing{Now: now.get}))
	entered, release := make(chan struct{}, 1), make(chan struct{})
	server.answers(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-release
		publishing(set(jwk("2", second.Public(), "")))(w, r)
	})
	now.add(11 * time.Second)
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() {
			if got := reason(t, a, by("2", second)); got != "" {
				t.Errorf("got %q", got)
			}
		})
	}
	<-entered
	// Known keys do not wait.
	if got := reason(t, a, bearer(ed(claims()))); got != "" {
		t.Errorf("a known key meanwhile: got %q", got)
	}
	close(release)
	waiting.Wait()
	if got := server.fetches.Load(); got != 2 {
		t.Errorf("%d fetches, expected 2", got)
	}
}

// TestConditionalRequests keep the keys, and what is remembered, where nothing has changed.
func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	var unchanged atomic.Int64
	server := newIssuing(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"v1"` {
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"v1"`)
		_, _ = w.Write(jwks())
	})
	a := open(t, server.options(identity.Timing{Refresh: time.Millisecond}))
	if got := reason(t, a, bearer(ed(claims()))); got != "" {
		t.Fatalf("got %q", got)
	}
	eventually(t, "the server said five times that nothing has changed", func() bool { return unchanged.Load() >= 5 })
	if got := a.Remembered(); got != 1 {
		t.Errorf("%d tokens are remembered, expected the one", got)
	}
}

// TestFreshness goes by what the answer says, within bounds.
func TestFreshness(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                                     15 * time.Minute,
		"max-age=600":                          10 * time.Minute,
		"public, MAX-AGE=600, must-revalidate": 10 * time.Minute,
		`max-age="600"`:                        10 * time.Minute,
		"max-age=0":                            time.Minute,
		"max-age=99999999":                     24 * time.Hour,
		"max-age=-5":                           15 * time.Minute,
		"max-age=999999999999999999999999":     15 * time.Minute,
		"no-cache":                             time.Minute,
		"max-age=600, no-store":                time.Minute,
		"s-maxage=5":                           15 * time.Minute,
	} {
		if got := identity.Freshness(http.Header{"Cache-Control": {header}}); got != want {
			t.Errorf("%q: got %v, expected %v", header, got, want)
		}
	}
	if got := identity.Freshness(http.Header{"Cache-Control": {"max-age=600"}, "Age": {"200"}}); got != 400*time.Second {
		t.Errorf("with an age: got %v", got)
	}
}

// TestNothingGoesOn after Close, be a fetch under way or not.
func TestNothingGoesOn(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	entered := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	o := identity.Options{JWKS: server.URL, Issuer: issuer, Audience: audience, PrincipalsFile: write(t, "p", []byte("ada read san:x"))}
	a, err := identity.New(t.Context(), o.WithTiming(identity.Timing{Fetch: 50 * time.Millisecond, Retry: time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	<-entered
	a.Close()
	if got := reason(t, a, bearer(ed(claims()))); got != identity.ReasonKeysUnavailable {
		t.Errorf("got %q", got)
	}
}
