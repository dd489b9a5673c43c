package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

func TestGoodTokens(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := open(t, jwtOptions(t).WithTiming(identity.Timing{Now: func() time.Time { return now }}))
	good := func(change members) any { return claims().with(change) }
	tests := []struct {
		name, token string
		scopes      identity.Scopes
	}{
		{"RS256", token(header("RS256", "rsa"), claims(), signedBy(rsaKey())), identity.Predict | identity.Read},
		{"ES256", token(header("ES256", "ec"), claims(), signedBy(ecKey())), identity.Predict | identity.Read},
		{"EdDSA", ed(claims()), identity.Predict | identity.Read},
		{"no kid", token(members{"alg": "ES256"}, claims(), signedBy(ecKey())), identity.Predict | identity.Read},
		{"access token", token(members{"alg": "EdDSA", "typ": "application/at+JWT"}, claims(), signedBy(edKey())), identity.Predict | identity.Read},
		{"several audiences", ed(good(members{"aud": []string{"other", audience}})), identity.Predict | identity.Read},
		{"list of scopes", ed(good(members{"scope": []string{"admin", "other"}})), identity.Admin},
		{"scp", ed(good(members{"scope": nil, "scp": []string{"publish"}})), identity.Publish},
		{"scope before scp", ed(good(members{"scope": "read", "scp": "admin"})), identity.Read},
		{"no scope", ed(good(members{"scope": nil})), 0},
		{"unknown scopes", ed(good(members{"scope": "Predict READ predict:all *"})), 0},
		{"ended within the leeway", ed(good(members{"exp": now.Add(-10 * time.Second).Unix()})), identity.Predict | identity.Read},
		{"begins within the leeway", ed(good(members{"nbf": now.Add(10 * time.Second).Unix()})), identity.Predict | identity.Read},
		{"fractions of seconds", ed(good(members{"exp": float64(now.Unix()) + 60.5})), identity.Predict | identity.Read},
		{"no nbf and iat", ed(good(members{"nbf": nil, "iat": nil})), identity.Predict | identity.Read},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := &identity.Principal{Name: "ada", Kind: identity.KindJWT, Scopes: test.scopes}
			for range 2 { // the second one is remembered
				got, err := a.Authenticate(request("bEARER   " + test.token))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestScopeClaim(t *testing.T) {
	t.Parallel()
	o := jwtOptions(t)
	o.ScopeClaim = "https://example.com/roles"
	a := open(t, o)
	got, err := a.Authenticate(bearer(ed(claims().with(members{o.ScopeClaim: []string{"publish"}}))))
	if err != nil || got.Scopes != identity.Publish {
		t.Errorf("got %v and %v", got, err)
	}
	if got, err = a.Authenticate(bearer(ed(claims()))); err != nil || got.Scopes != 0 {
		t.Errorf("without the claim: got %v and %v", got, err)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	o := jwtOptions(t)
	static := mint.NewToken()
	o.PrincipalsFile = write(t, "principals.txt", []byte("bob admin "+mint.Credential(static)))
	a := open(t, o)
	signed := ed(claims())
	for _, test := range []struct {
		name    string
		headers []string
		want    identity.Reason
	}{
		{"a JWT", []string{"Bearer " + signed}, ""},
		{"a static token", []string{"Bearer " + static}, ""},
		{"none", nil, identity.ReasonMissing},
		{"two", []string{"Bearer " + signed, "Bearer " + signed}, identity.ReasonMalformed},
		{"a good one and an empty one", []string{"Bearer " + static, ""}, identity.ReasonMalformed},
		{"empty", []string{""}, identity.ReasonMalformed},
		{"no token", []string{"Bearer "}, identity.ReasonMalformed},
		{"no scheme", []string{static}, identity.ReasonMalformed},
		{"another scheme", []string{"Basic YTpi"}, identity.ReasonMalformed},
		{"two in one", []string{"Bearer " + static + ", Bearer " + static}, identity.ReasonMalformed},
		{"something after it", []string{"Bearer " + static + " x"}, identity.ReasonMalformed},
		{"a tab", []string{"Bearer\t" + static}, identity.ReasonMalformed},
		{"another static token", []string{"Bearer " + mint.NewToken()}, identity.ReasonUnknownToken},
		{"a longer static token", []string{"Bearer " + static + "A"}, identity.ReasonMalformed},
		{"a shorter static token", []string{"Bearer " + static[:len(static)-1]}, identity.ReasonMalformed},
		{"its hash", []string{"Bearer " + strings.TrimPrefix(mint.Credential(static), "sha256:")}, identity.ReasonMalformed},
		{"capitals", []string{"Bearer " + strings.ToUpper(static)}, identity.ReasonMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := reason(t, a, request(test.headers...)); got != test.want {
				t.Errorf("got %q, expected %q", got, test.want)
			}
		})
	}
}

// TestKindsThatAreNotSetUp are refused, whatever they are.
func TestKindsThatAreNotSetUp(t *testing.T) {
	t.Parallel()
	static := mint.NewToken()
	onlyStatic := open(t, identity.Options{PrincipalsFile: write(t, "p", []byte("bob admin "+mint.Credential(static)))})
	if got := reason(t, onlyStatic, bearer(ed(claims()))); got != identity.ReasonNotAccepted {
		t.Errorf("a JWT: got %q", got)
	}
	onlyJWT := open(t, jwtOptions(t))
	if got := reason(t, onlyJWT, bearer(static)); got != identity.ReasonNotAccepted {
		t.Errorf("a static token: got %q", got)
	}
}

// TestATokenEnds though it is remembered.
func TestATokenEnds(t *testing.T) {
	t.Parallel()
	var now atomicTime
	now.set(time.Now())
	a := open(t, jwtOptions(t).WithTiming(identity.Timing{Now: now.get}))
	signed := bearer(ed(claims()))
	if got := reason(t, a, signed); got != "" {
		t.Fatalf("got %q", got)
	}
	if got := a.Remembered(); got != 1 {
		t.Fatalf("%d are remembered", got)
	}
	now.set(time.Now().Add(10*time.Minute + 20*time.Second))
	if got := reason(t, a, signed); got != "" {
		t.Fatalf("within the leeway: got %q", got)
	}
	now.set(time.Now().Add(11 * time.Minute))
	if got := reason(t, a, signed); got != identity.ReasonExpired {
		t.Fatalf("got %q, expected that it has ended", got)
	}
}

// TestWhatIsRememberedIsBounded sends more tokens than are remembered.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	a := open(t, jwtOptions(t))
	for i := range identity.MaxRemembered + 500 {
		if got := reason(t, a, bearer(ed(claims().with(members{"jti": i})))); got != "" {
			t.Fatalf("token %d: got %q", i, got)
		}
	}
	if got := a.Remembered(); got > identity.MaxRemembered || got < identity.MaxRemembered/2 {
		t.Errorf("%d are remembered, expected up to %d", got, identity.MaxRemembered)
	}
}
