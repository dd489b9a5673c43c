package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sepal-ml/sepal/services/internal/identity"
)

const (
	issuer   = "https://issuer.example"
	audience = "sepal"
)

// Keys take a while to make, so tests share them.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey  = sync.OnceValue(newEd)
)

func newEd() ed25519.PrivateKey {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return must(private, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// members are those of a JSON object.
type members map[string]any

// with returns the members with others added or replaced; nil takes one out.
func (m members) with(others members) members {
	all := maps.Clone(m)
	for name, value := range others {
		if value == nil {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	return all
}

// claims are those of a token that is good for ten minutes.
func claims() members {
	now := time.Now()
	return members{
		"iss": issuer, "aud": audience, "sub": "ada", "scope": "openid predict read",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
}

func encoded(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// token returns a token with any header and claims: JSON texts, or what becomes one.
func token(header, payload any, sign func(signed []byte) []byte) string {
	signed := encoded(asJSON(header)) + "." + encoded(asJSON(payload))
	return signed + "." + encoded(sign([]byte(signed)))
}

func asJSON(v any) []byte {
	if text, ok := v.(string); ok {
		return []byte(text)
	}
	return must(json.Marshal(v))
}

// signedBy signs by the algorithm of a private key, or by HMAC with one of bytes.
func signedBy(key any) func([]byte) []byte {
	return func(data []byte) []byte {
		sum := sha256.Sum256(data)
		switch key := key.(type) {
		case *rsa.PrivateKey:
			return must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]))
		case *ecdsa.PrivateKey:
			r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
			if err != nil {
				panic(err)
			}
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		case ed25519.PrivateKey:
			return ed25519.Sign(key, data)
		case []byte:
			mac := hmac.New(sha256.New, key)
			mac.Write(data)
			return mac.Sum(nil)
		}
		panic("another kind of key")
	}
}

// header is that of a token by a key of the set that jwks returns.
func header(alg, kid string) members { return members{"alg": alg, "typ": "JWT", "kid": kid} }

func ed(payload any) string { return token(header("EdDSA", "ed"), payload, signedBy(edKey())) }

func jwk(kid string, public any, algorithm string) jose.JSONWebKey {
	return jose.JSONWebKey{KeyID: kid, Key: public, Algorithm: algorithm, Use: "sig"}
}

func set(keys ...jose.JSONWebKey) []byte { return must(json.Marshal(jose.JSONWebKeySet{Keys: keys})) }

// jwks is a set with a key of each kind.
func jwks() []byte {
	return set(jwk("rsa", rsaKey().Public(), "RS256"), jwk("ec", ecKey().Public(), "ES256"), jwk("ed", edKey().Public(), ""))
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// jwtOptions are those of a server with the set.
func jwtOptions(t testing.TB) identity.Options {
	t.Helper()
	return identity.Options{JWKS: write(t, "jwks.json", jwks()), Issuer: issuer, Audience: audience, Leeway: identity.DefaultLeeway}
}

func open(t testing.TB, o identity.Options) *identity.Authenticator {
	t.Helper()
	a, err := identity.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// request returns one with these Authorization headers.
func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/sepal.prediction.v1.PredictionService/Predict", http.NoBody)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	return r
}

func bearer(token string) *http.Request { return request("Bearer " + token) }

// reason returns why a request is refused; empty: it is not.
func reason(t testing.TB, a *identity.Authenticator, r *http.Request) identity.Reason {
	t.Helper()
	p, err := a.Authenticate(r)
	if err == nil {
		if p == nil || p.Name == "" {
			t.Fatalf("neither a principal nor an error: %v", p)
		}
		return ""
	}
	var refused *identity.Refused
	if !errors.As(err, &refused) || p != nil {
		t.Fatalf("got %v and %v, expected a Refused alone", p, err)
	}
	if refused.Public == "" || refused.Error() == "" || refused.Unwrap() == nil {
		t.Fatalf("%+v does not say all", refused)
	}
	return refused.Reason
}

// eventually waits until what is done in the background shows.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a minute it is still not so that %s", what)
		}
	}
}

// atomicTime is a clock that tests set.
type atomicTime struct {
	mu  sync.Mutex
	now time.Time
}

func (a *atomicTime) get() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *atomicTime) set(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = now
}

func (a *atomicTime) add(d time.Duration) { a.set(a.get().Add(d)) }
