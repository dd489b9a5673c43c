package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// FuzzAuthenticate sends any headers: who sends no credential that was given out is nobody.
func FuzzAuthenticate(f *testing.F) {
	static, signed := mint.NewToken(), ed(claims())
	o := jwtOptions(f)
	o.PrincipalsFile = write(f, "p", []byte("ada read "+mint.Credential(static)))
	o.CertificatesTrusted = true
	a := open(f, o)
	if a.Remembered() != 0 {
		f.Fatal("a token is remembered")
	}
	for _, test := range hostile() {
		f.Add("Bearer "+test.token, "", false)
	}
	f.Add("Bearer "+static, "", false)
	f.Add("Bearer "+signed, "", false)
	f.Add("Bearer "+static, "Bearer "+signed, true)
	f.Add("", "", false)
	f.Add("Basic YTpi", "bearer x.y.z", true)
	f.Add("Bearer "+identity.TokenPrefix, "", false)
	// By other means than those of the package: a header is good if its one token was given out.
	given := []string{static, signed}
	f.Fuzz(func(t *testing.T, one, two string, both bool) {
		r := request(one)
		if both {
			r.Header.Add("Authorization", two)
		}
		p, err := a.Authenticate(r)
		if err == nil {
			fields := strings.Fields(one)
			if both || len(fields) != 2 || !strings.EqualFold(fields[0], "bearer") || !slices.Contains(given, fields[1]) || p == nil || p.Name != "ada" {
				t.Fatalf("%q, %q (%v) is %v", one, two, both, p)
			}
			return
		}
		var refused *identity.Refused
		if !errors.As(err, &refused) || p != nil || !slices.Contains(identity.Reasons(), refused.Reason) || refused.Public == "" {
			t.Fatalf("got %v and %v", p, err)
		}
	})
}

// FuzzClaims signs any header and claims: what they say must be taken as it was meant, if at all.
func FuzzClaims(f *testing.F) {
	a := open(f, jwtOptions(f))
	f.Add(`{"alg":"EdDSA","kid":"ed"}`, string(asJSON(claims())))
	f.Add(`{"alg":"EdDSA","crit":["x"]}`, `{"iss":1}`)
	f.Add(`{}`, `{"aud":["sepal"],"exp":1e300,"scope":null}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		p, err := a.Authenticate(bearer(token(header, payload, signedBy(edKey()))))
		if err == nil && (identity.CheckName(p.Name) != nil || p.Kind != identity.KindJWT || p.Scopes > 15 ||
			!strings.Contains(payload, `aud`) && !strings.Contains(payload, `\u`)) {
			t.Fatalf("%s.%s is %v", header, payload, p)
		}
	})
}

// FuzzPrincipals reads any file: what is taken has lines that say so, and an error does not quote
// what may be a token.
func FuzzPrincipals(f *testing.F) {
	f.Add([]byte("ada read " + mint.Credential("x")))
	f.Add([]byte("# a\nada predict,read subject:O=\"A, B\"+CN=\\C3\\A4 , C=DE\nb admin san:spiffe://a/b"))
	f.Add([]byte("a b c\x00\n\r\n\xff"))
	secret := mint.NewToken()
	f.Fuzz(func(t *testing.T, data []byte) {
		err := identity.ParsePrincipals(data)
		if err == nil {
			// One more line does not make it worse, and the same twice does.
			line := "\nzz read " + mint.Credential(secret)
			once := append(slices.Clone(data), line...)
			if err := identity.ParsePrincipals(once); err != nil && !strings.Contains(err.Error(), "more than") {
				t.Fatalf("with another line: %v", err)
			}
			if identity.ParsePrincipals(append(once, line...)) == nil {
				t.Fatal("a token is taken twice")
			}
		} else if err.Error() == "" || len(err.Error()) > 1000 {
			t.Fatalf("the error has %d bytes", len(err.Error()))
		}
		leaky := append([]byte("ada read "+secret+"\n"), data...)
		if err := identity.ParsePrincipals(leaky); err == nil || strings.Contains(err.Error(), secret) {
			t.Fatalf("got %v", err)
		}
	})
}

// FuzzNames reads any distinguished name: its canonical form is read as itself.
func FuzzNames(f *testing.F) {
	for _, text := range []string{"CN=a,O=b", `CN="a,b" + OU=\2C`, "1.2.3=x", `CN=\#\ `} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := identity.ParseName(text)
		if err != nil {
			return
		}
		if again, err := identity.ParseName(name); err != nil || again != name {
			t.Fatalf("%q: %q is read as %q, %v", text, name, again, err)
		}
	})
}

// FuzzJWKS reads any set: it has keys, or an error.
func FuzzJWKS(f *testing.F) {
	f.Add(jwks())
	f.Add([]byte(`{"keys":[{"kty":"oct"},null,7]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, _, err := identity.CheckJWKS(data); (n > 0) != (err == nil) {
			t.Fatalf("%d keys and %v", n, err)
		}
		if n, _, err := identity.CheckPEM(data); (n > 0) != (err == nil) {
			t.Fatalf("%d keys and %v", n, err)
		}
	})
}
