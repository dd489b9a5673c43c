package mint_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// whose asks a server with these options whose token it is.
func whose(t *testing.T, o identity.Options, token string) (*identity.Principal, error) {
	t.Helper()
	a, err := identity.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	return a.Authenticate(r)
}

// TestKeysSign for all algorithms, after the key was written and read.
func TestKeysSign(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"EdDSA", "ES256", "RS256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			made, err := mint.NewKey(algorithm)
			if err != nil {
				t.Fatal(err)
			}
			secret, err := made.PEM()
			if err != nil {
				t.Fatal(err)
			}
			key, err := mint.ParseKey(secret)
			if err != nil {
				t.Fatal(err)
			}
			if key.ID() != made.ID() || key.Algorithm() != algorithm || len(key.ID()) != 43 {
				t.Errorf("read as %s %s, expected %s %s", key.Algorithm(), key.ID(), algorithm, made.ID())
			}
			set, err := key.JWKS()
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			token, err := key.Sign(mint.Claims{
				Issuer: "i", Audience: "a", Subject: "ada", Scopes: identity.Read | identity.Publish, Made: now, Ends: now.Add(time.Minute),
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := whose(t, identity.Options{JWKS: write(t, set), Issuer: "i", Audience: "a"}, token)
			want := &identity.Principal{Name: "ada", Kind: identity.KindJWT, Scopes: identity.Read | identity.Publish}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
			said, err := identity.Inspect(token, "", set)
			if err != nil || !said.Verified || said.KeyID != key.ID() || said.Algorithm != algorithm ||
				said.Ends.Unix() != now.Add(time.Minute).Unix() || said.Made.Unix() != now.Unix() {
				t.Errorf("got %+v and %v", said, err)
			}
			if other, err := mint.NewKey(algorithm); err != nil || other.ID() == key.ID() {
				t.Errorf("another key is %v, %v", other, err)
			} else if set, err := other.JWKS(); err != nil {
				t.Error(err)
			} else if _, err := identity.Inspect(token, "", set); err == nil || !strings.Contains(err.Error(), "none of the 1 keys is for "+algorithm) {
				t.Errorf("by another key: %v", err)
			}
		})
	}
	if _, err := mint.NewKey("HS256"); err == nil || err.Error() != `"HS256" is no algorithm of tokens, expected EdDSA, ES256 or RS256` {
		t.Errorf("got %v", err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ file, want string }{
		"empty":     {"", "there is no private key in it, expected PEM with PRIVATE KEY, as sepal token key writes it"},
		"public":    {block("PUBLIC KEY", []byte("x")), "there is no private key in it, expected PEM with PRIVATE KEY, as sepal token key writes it"},
		"encrypted": {block("ENCRYPTED PRIVATE KEY", []byte("x")), "the private key is encrypted; decrypt it first, as `openssl pkey` does"},
		"broken":    {block("PRIVATE KEY", []byte("secret")), "the PRIVATE KEY in it cannot be read"},
		"small":     {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)), "the private key is an RSA key of 1024 bits, expected 2048 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if key, err := mint.ParseKey([]byte(test.file)); err == nil || err.Error() != test.want {
				t.Errorf("got %v and %v, expected %s", key, err, test.want)
			}
		})
	}
}

func TestStaticTokens(t *testing.T) {
	t.Parallel()
	one, two := mint.NewToken(), mint.NewToken()
	if one == two || len(one) != 49 || !identity.IsStatic(one) {
		t.Errorf("got %d characters", len(one))
	}
	o := identity.Options{PrincipalsFile: write(t, []byte("ada predict "+mint.Credential(one)))}
	got, err := whose(t, o, one)
	if diff := cmp.Diff(&identity.Principal{Name: "ada", Kind: identity.KindToken, Scopes: identity.Predict}, got); diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	if got, err := whose(t, o, two); err == nil {
		t.Errorf("another token is that of %v", got)
	}
}
