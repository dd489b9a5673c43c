package identity_test

import (
	"net/http"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// known are requests of callers that were there before, which all but the first are.
func known(t testing.TB) (*identity.Authenticator, map[string]*http.Request) {
	t.Helper()
	static := mint.NewToken()
	o := jwtOptions(t)
	o.PrincipalsFile = write(t, "p", []byte("ada read "+mint.Credential(static)+"\nweb predict san:web.example.com"))
	o.CertificatesTrusted = true
	return open(t, o), map[string]*http.Request{
		"static token": bearer(static),
		"JWT":          bearer(token(header("RS256", "rsa"), claims(), signedBy(rsaKey()))),
		"certificate":  connected(newCertificate(t, certificate{dns: []string{"web.example.com"}})),
	}
}

// TestAKnownCallerCostsNoMemory in any way to say who it is.
func TestAKnownCallerCostsNoMemory(t *testing.T) {
	a, requests := known(t)
	for name, r := range requests {
		if got := testing.AllocsPerRun(100, func() {
			if _, err := a.Authenticate(r); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations, expected none", name, got)
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	a, requests := known(b)
	for name, r := range requests {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for name, refused := range map[string]*http.Request{
		"no credential": request(),
		"unknown token": bearer(mint.NewToken()),
		"bad signature": bearer(token(header("RS256", "rsa"), claims(), func([]byte) []byte { return make([]byte, 256) })),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(refused); err == nil {
					b.Fatal("it was taken")
				}
			}
		})
	}
}
