package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/identity"
)

func unsigned([]byte) []byte { return []byte{} }

// hostile are tokens that nobody must be taken for, and why they are refused.
func hostile() map[string]struct {
	token string
	want  identity.Reason
} {
	type test = struct {
		token string
		want  identity.Reason
	}
	now := time.Now()
	byEd, stranger := signedBy(edKey()), newEd()
	der := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := ed(claims())
	parts := strings.Split(good, ".")
	h := func(change members) string { return token(header("EdDSA", "ed").with(change), claims(), byEd) }
	c := func(change members) string { return ed(claims().with(change)) }
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	tests := map[string]test{
		"none":                       {token(members{"alg": "none"}, claims(), unsigned), identity.ReasonMalformed},
		"none, with a signature":     {token(members{"alg": "none"}, claims(), byEd), identity.ReasonUnsupported},
		"None":                       {token(header("None", "ed"), claims(), byEd), identity.ReasonUnsupported},
		"no algorithm":               {token(members{"kid": "ed"}, claims(), byEd), identity.ReasonUnsupported},
		"algorithm is a list":        {token(members{"alg": []string{"EdDSA"}}, claims(), byEd), identity.ReasonUnsupported},
		"HMAC by the public key":     {token(header("HS256", "rsa"), claims(), signedBy(public)), identity.ReasonUnsupported},
		"HMAC by its DER":            {token(header("HS256", "rsa"), claims(), signedBy(der)), identity.ReasonUnsupported},
		"HMAC as RS256":              {token(header("RS256", "rsa"), claims(), signedBy(public)), identity.ReasonBadSignature},
		"RS512":                      {token(header("RS512", "rsa"), claims(), signedBy(rsaKey())), identity.ReasonUnsupported},
		"PS256":                      {token(header("PS256", "rsa"), claims(), signedBy(rsaKey())), identity.ReasonUnsupported},
		"by another key":             {token(header("EdDSA", "ed"), claims(), signedBy(stranger)), identity.ReasonBadSignature},
		"RSA by the kid of Ed25519":  {token(header("RS256", "ed"), claims(), signedBy(rsaKey())), identity.ReasonUnknownKey},
		"EdDSA by the kid of RSA":    {token(header("EdDSA", "rsa"), claims(), byEd), identity.ReasonUnknownKey},
		"ES256 that is zero":         {token(header("ES256", "ec"), claims(), func([]byte) []byte { return make([]byte, 64) }), identity.ReasonBadSignature},
		"ES256 in DER":               {token(header("ES256", "ec"), claims(), func(b []byte) []byte { return append([]byte{0x30, 0x45}, signedBy(ecKey())(b)...) }), identity.ReasonBadSignature},
		"other claims":               {parts[0] + "." + encoded(asJSON(claims().with(members{"scope": "admin"}))) + "." + parts[2], identity.ReasonBadSignature},
		"another header":             {encoded([]byte(`{"alg":"EdDSA","kid":"ed"}`)) + "." + parts[1] + "." + parts[2], identity.ReasonBadSignature},
		"no signature":               {parts[0] + "." + parts[1] + ".", identity.ReasonMalformed},
		"two parts":                  {parts[0] + "." + parts[1], identity.ReasonMalformed},
		"five parts":                 {good + "." + parts[1] + "." + parts[2], identity.ReasonMalformed},
		"padding":                    {good + "==", identity.ReasonMalformed},
		"not base64url":              {good[:len(good)-3] + "+/=", identity.ReasonMalformed},
		"JSON serialisation":         {`{"payload":"` + parts[1] + `"}`, identity.ReasonMalformed},
		"header is no object":        {token(`"EdDSA"`, claims(), byEd), identity.ReasonMalformed},
		"header is null":             {token(`null`, claims(), byEd), identity.ReasonMalformed},
		"claims are no object":       {ed(`["iss"]`), identity.ReasonMalformed},
		"claims are null":            {ed(`null`), identity.ReasonMalformed},
		"claims end early":           {ed(`{"iss":"` + issuer + `"`), identity.ReasonMalformed},
		"something after the claims": {ed(string(asJSON(claims())) + `{}`), identity.ReasonMalformed},
		"claims in Latin-1":          {ed(strings.Replace(string(asJSON(claims())), "ada", "ad\xe9", 1)), identity.ReasonMalformed},
		"half a surrogate pair":      {ed(strings.Replace(string(asJSON(claims())), "ada", `ad\ud800`, 1)), identity.ReasonMalformed},

		"expired":          {c(members{"exp": now.Add(-time.Minute).Unix()}), identity.ReasonExpired},
		"no end":           {c(members{"exp": nil}), identity.ReasonMalformed},
		"end is a text":    {c(members{"exp": "2030-01-01"}), identity.ReasonMalformed},
		"end is digits":    {c(members{"exp": fmt.Sprint(now.Add(time.Hour).Unix())}), identity.ReasonMalformed},
		"end is null":      {ed(strings.Replace(string(asJSON(claims().with(members{"exp": 1}))), `"exp":1`, `"exp":null`, 1)), identity.ReasonMalformed},
		"end overflows":    {c(members{"exp": 1e18}), identity.ReasonMalformed},
		"end is infinite":  {ed(strings.Replace(string(asJSON(claims().with(members{"exp": 1}))), `"exp":1`, `"exp":1e999`, 1)), identity.ReasonMalformed},
		"not yet valid":    {c(members{"nbf": now.Add(time.Hour).Unix()}), identity.ReasonNotYetValid},
		"nbf overflows":    {c(members{"nbf": 9.3e18}), identity.ReasonMalformed},
		"from the future":  {c(members{"iat": now.Add(time.Hour).Unix()}), identity.ReasonNotYetValid},
		"wrong issuer":     {c(members{"iss": issuer + "/"}), identity.ReasonWrongIssuer},
		"no issuer":        {c(members{"iss": nil}), identity.ReasonWrongIssuer},
		"issuers":          {c(members{"iss": []string{issuer}}), identity.ReasonMalformed},
		"wrong audience":   {c(members{"aud": "sepal2"}), identity.ReasonWrongAudience},
		"audience in part": {c(members{"aud": "sepal other"}), identity.ReasonWrongAudience},
		"no audience":      {c(members{"aud": nil}), identity.ReasonWrongAudience},
		"empty audience":   {c(members{"aud": []string{}}), identity.ReasonWrongAudience},
		"audience object":  {c(members{"aud": members{"sepal": true}}), identity.ReasonMalformed},
		"no subject":       {c(members{"sub": nil}), identity.ReasonMalformed},
		"empty subject":    {c(members{"sub": ""}), identity.ReasonMalformed},
		"subject: number":  {c(members{"sub": 7}), identity.ReasonMalformed},
		"subject: lines":   {c(members{"sub": "ada\nadmin"}), identity.ReasonMalformed},
		"subject: long":    {c(members{"sub": strings.Repeat("a", identity.MaxName+1)}), identity.ReasonMalformed},
		"scope: number":    {c(members{"scope": 7}), identity.ReasonMalformed},
		"scope: object":    {c(members{"scope": members{"admin": true}}), identity.ReasonMalformed},
		"scope: mixed":     {c(members{"scope": []any{"admin", 7}}), identity.ReasonMalformed},
		"bound to a key":   {c(members{"cnf": members{"jkt": "x"}}), identity.ReasonUnsupported},

		"duplicate claim":             {ed(strings.Replace(string(asJSON(claims())), "{", `{"sub":"eve",`, 1)), identity.ReasonMalformed},
		"duplicate claim, escaped":    {ed(strings.Replace(string(asJSON(claims())), "{", `{"s\u0075b":"eve",`, 1)), identity.ReasonMalformed},
		"duplicate header":            {token(`{"alg":"HS256","alg":"EdDSA","kid":"ed"}`, claims(), byEd), identity.ReasonMalformed},
		"claim in other letters":      {ed(strings.Replace(string(asJSON(claims())), `"exp"`, `"Exp"`, 1)), identity.ReasonMalformed},
		"crit unknown":                {h(members{"crit": []string{"exp"}, "exp": 1}), identity.ReasonUnsupported},
		"crit empty":                  {h(members{"crit": []string{}}), identity.ReasonUnsupported},
		"crit b64":                    {h(members{"crit": []string{"b64"}, "b64": true}), identity.ReasonUnsupported},
		"b64 false":                   {h(members{"b64": false}), identity.ReasonUnsupported},
		"b64 false, payload as it is": {rawPayload(byEd), identity.ReasonUnsupported},
		"typ of a logout":             {h(members{"typ": "logout+jwt"}), identity.ReasonUnsupported},
		"typ is a number":             {h(members{"typ": 1}), identity.ReasonUnsupported},

		"kid: path":    {h(members{"kid": "../../../../dev/null"}), identity.ReasonUnknownKey},
		"kid: SQL":     {h(members{"kid": "x' UNION SELECT 'key';--"}), identity.ReasonUnknownKey},
		"kid: command": {h(members{"kid": "ed|/bin/sh"}), identity.ReasonUnknownKey},
		"kid: zero":    {h(members{"kid": "ed\x00"}), identity.ReasonUnknownKey},
		"kid: huge":    {h(members{"kid": strings.Repeat("k", 257)}), identity.ReasonMalformed},
		"kid: number":  {h(members{"kid": 7}), identity.ReasonMalformed},
		"kid: object":  {h(members{"kid": members{"$ne": ""}}), identity.ReasonMalformed},

		"huge":                  {c(members{"x": strings.Repeat("a", identity.MaxToken)}), identity.ReasonMalformed},
		"claims nested deeply":  {ed(`{"x":` + deep + `}`), identity.ReasonMalformed},
		"header nested deeply":  {token(`{"alg":"EdDSA","kid":"ed","x":`+deep+`}`, claims(), byEd), identity.ReasonMalformed},
		"nested to the brim":    {ed(`{"x":` + strings.Repeat(`[`, 2500)), identity.ReasonMalformed},
		"nested to the brim {}": {ed(strings.Repeat(`{"a":`, 800) + "1" + strings.Repeat(`}`, 800)), identity.ReasonMalformed},
	}
	for name, change := range embedded(stranger.Public()) {
		tests["by a key that it brings: "+name] = test{token(header("EdDSA", "ed").with(change), claims(), signedBy(stranger)), identity.ReasonBadSignature}
		tests["by a key that it brings, of its kid: "+name] = test{token(header("EdDSA", "mine").with(change), claims(), signedBy(stranger)), identity.ReasonUnknownKey}
	}
	return tests
}

// embedded are members of a header that say which key to take.
func embedded(public any) map[string]members {
	return map[string]members{
		"jwk": {"jwk": jwk("ed", public, "EdDSA")},
		"jku": {"jku": "https://attacker.example/jwks.json"},
		"x5u": {"x5u": "https://attacker.example/cert.pem"},
		"all": {"jwk": jwk("mine", public, "EdDSA"), "jku": "http://127.0.0.1:1/", "x5u": "file:///dev/zero"},
	}
}

// rawPayload returns a token whose payload is not encoded (RFC 7797).
func rawPayload(sign func([]byte) []byte) string {
	signed := encoded(asJSON(members{"alg": "EdDSA", "kid": "ed", "b64": false, "crit": []string{"b64"}})) + "." + encoded(asJSON(claims()))
	return signed + "." + encoded(sign([]byte(signed)))
}

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	a := open(t, jwtOptions(t))
	for name, test := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // nothing is remembered of it
				if got := reason(t, a, bearer(test.token)); got != test.want {
					t.Errorf("got %q, expected %q", got, test.want)
				}
			}
		})
	}
	t.Cleanup(func() {
		if n := a.Remembered(); n != 0 {
			t.Errorf("%d of them are remembered", n)
		}
	})
}

// TestEmbeddedKeysAreIgnored where the token is good.
func TestEmbeddedKeysAreIgnored(t *testing.T) {
	t.Parallel()
	a := open(t, jwtOptions(t))
	for name, change := range embedded(newEd().Public()) {
		if got := reason(t, a, bearer(token(header("EdDSA", "ed").with(change), claims(), signedBy(edKey())))); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestNothingOfATokenIsTold looks for parts of tokens in all that is said of them.
func TestNothingOfATokenIsTold(t *testing.T) {
	t.Parallel()
	a := open(t, jwtOptions(t))
	for name, test := range hostile() {
		_, err := a.Authenticate(bearer(test.token))
		var refused *identity.Refused
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, part := range strings.Split(test.token, ".") {
			if len(part) > 30 && (strings.Contains(refused.Error(), part) || strings.Contains(refused.Public, part)) {
				t.Errorf("%s: part %d is told", name, i)
			}
		}
		if len(refused.Error()) > 400 {
			t.Errorf("%s: %d bytes are told", name, len(refused.Error()))
		}
	}
}

// TestUnknownKeysDoNotCauseFetches sends many made-up kids.
func TestUnknownKeysDoNotCauseFetches(t *testing.T) {
	t.Parallel()
	var fetches atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		_, _ = w.Write(jwks())
	}))
	t.Cleanup(server.Close)
	var now atomicTime
	now.set(time.Now())
	o := jwtOptions(t)
	o.JWKS = server.URL
	a := open(t, o.WithTiming(identity.Timing{Now: now.get, Fetch: time.Minute}))
	unknown := func(n int) {
		for i := range n {
			made := token(header("EdDSA", fmt.Sprint("made-up-", i)), claims(), signedBy(edKey()))
			if got := reason(t, a, bearer(made)); got != identity.ReasonUnknownKey {
				t.Fatalf("got %q", got)
			}
		}
	}
	unknown(200)
	if got := fetches.Load(); got != 1 {
		t.Errorf("%d fetches, expected the first one only", got)
	}
	now.add(11 * time.Second)
	unknown(200)
	if got := fetches.Load(); got != 2 {
		t.Errorf("%d fetches, expected one more after ten seconds", got)
	}
}

func TestHostileSets(t *testing.T) {
	t.Parallel()
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	enc := jwk("a", edKey().Public(), "")
	enc.Use = "enc"
	many := make([]string, 65)
	for i := range many {
		many[i] = string(asJSON(jwk(fmt.Sprint(i), edKey().Public(), "")))
	}
	good := string(asJSON(jwk("ed", edKey().Public(), "")))
	with := func(members string) string { return strings.Replace(good, "{", "{"+members+",", 1) }
	for name, test := range map[string]struct{ set, want string }{
		"private Ed25519": {string(set(jwk("a", edKey(), ""))), "key 1 is private; make a new one, since this was seen, and publish public keys only"},
		"private RSA":     {string(set(jwk("a", rsaKey(), ""))), "key 1 is private"},
		"private EC":      {string(set(jwk("ed", edKey().Public(), ""), jwk("a", ecKey(), ""))), "key 2 is private"},
		"symmetric":       {`{"keys":[` + good + `,{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}]}`, "key 2 is symmetric"},
		"symmetric, no k": {`{"keys":[{"kty":"oct"}]}`, "key 1 is symmetric"},
		"hidden k":        {`{"keys":[` + with(`"k":"c2VjcmV0"`) + `]}`, "key 1 is private"},
		"RSA 1024":        {string(set(jwk("a", small.Public(), ""))), "there is no key for RS256, ES256 or EdDSA in it (key 1: is an RSA key of 1024 bits, expected 2048 or more)"},
		"P-384":           {string(set(jwk("a", p384.Public(), ""))), "(key 1: is a key on the curve P-384, expected P-256)"},
		"use enc":         {string(set(enc)), "(key 1: is not for signatures)"},
		"other alg":       {string(set(jwk("a", rsaKey().Public(), "RS512"))), `(key 1: is for "RS512", expected RS256)`},
		"HMAC alg":        {string(set(jwk("a", rsaKey().Public(), "HS256"))), `(key 1: is for "HS256", expected RS256)`},
		"alg of another":  {string(set(jwk("a", rsaKey().Public(), "ES256"))), `(key 1: is for "ES256", expected RS256)`},
		"key_ops":         {`{"keys":[` + with(`"key_ops":["encrypt"]`) + `]}`, "(key 1: is not to verify by)"},
		"member twice":    {`{"keys":[` + with(`"kid":"x"`) + `]}`, "(key 1: is not an object, or has a member twice)"},
		"unknown kind":    {`{"keys":[{"kty":"XYZ"}]}`, "(key 1: is of a kind that is not known, or broken)"},
		"point off curve": {`{"keys":[{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}]}`, "is of a kind that is not known, or broken"},
		"long kid":        {string(set(jwk(strings.Repeat("k", 257), edKey().Public(), ""))), "(key 1: has a kid of 257 bytes, at most 256 are allowed)"},
		"no keys":         {`{"keys":[]}`, "there is no key for RS256, ES256 or EdDSA in it"},
		"empty":           {``, `is not a JSON Web Key Set, expected {"keys": [...]}`},
		"one key, no set": {good, "there is no key for"},
		"null":            {`null`, "there is no key for"},
		"keys are a text": {`{"keys":"` + encoded([]byte(good)) + `"}`, "is not a JSON Web Key Set"},
		"key is null":     {`{"keys":[null]}`, "there is no key for"},
		"keys twice":      {`{"keys":[],"keys":[` + good + `]}`, "is not a JSON Web Key Set"},
		"too many":        {`{"keys":[` + strings.Join(many, ",") + `]}`, "there are 65 keys, at most 64 are allowed"},
		"nested":          {strings.Repeat(`{"keys":[`, 500), "is nested deeper than 16 levels"},
		"a page":          {`<!doctype html>`, "is not a JSON Web Key Set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, _, err := identity.CheckJWKS([]byte(test.set))
			if err == nil || !strings.Contains(err.Error(), test.want) || n != 0 {
				t.Errorf("got %d keys and %v, expected %s", n, err, test.want)
			}
		})
	}
	// Beside a good key, the others are passed over.
	n, skipped, err := identity.CheckJWKS(set(enc, jwk("a", small.Public(), ""), jwk("ed", edKey().Public(), "EdDSA")))
	if err != nil || n != 1 || len(skipped) != 2 {
		t.Errorf("got %d keys, %q and %v, expected one", n, skipped, err)
	}
}

// TestCertificatesOfKeysDoNotCount reads a set as issuers publish it, with broken ones even.
func TestCertificatesOfKeysDoNotCount(t *testing.T) {
	t.Parallel()
	key := strings.Replace(string(asJSON(jwk("ed", edKey().Public(), ""))), "{", `{"x5c":["MIIB"],"x5t":"x","x5t#S256":"","key_ops":["verify"],`, 1)
	n, skipped, err := identity.CheckJWKS([]byte(`{"keys":[` + key + `],"other":1}`))
	if err != nil || n != 1 || len(skipped) != 0 {
		t.Errorf("got %d keys, %q and %v, expected one", n, skipped, err)
	}
}

func TestPEM(t *testing.T) {
	t.Parallel()
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	public := block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(edKey().Public())))
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, test := range map[string]struct {
		file string
		keys int
		want string
	}{
		"public":      {file: public, keys: 1},
		"several":     {file: "# ours\n" + public + block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)), keys: 2},
		"certificate": {file: block("CERTIFICATE", newCertificate(t, certificate{common: "ada"}).Raw), keys: 1},
		"private":     {file: public + block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(edKey()))), want: "PEM block 2 is a private key (PRIVATE KEY), which a server must not have"},
		"private EC":  {file: block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey()))), want: "PEM block 1 is a private key (EC PRIVATE KEY)"},
		"encrypted":   {file: block("ENCRYPTED PRIVATE KEY", []byte("x")), want: "PEM block 1 is a private key (ENCRYPTED PRIVATE KEY)"},
		"RSA 1024":    {file: block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(small.Public()))), want: "PEM block 1 is an RSA key of 1024 bits, expected 2048 or more"},
		"broken":      {file: block("PUBLIC KEY", []byte("x")), want: "PEM block 1 is a PUBLIC KEY that cannot be read"},
		"another":     {file: block("CERTIFICATE REQUEST", []byte("x")), want: `PEM block 1 is "CERTIFICATE REQUEST", expected PUBLIC KEY or CERTIFICATE`},
		"none":        {file: "ssh-ed25519 AAAA", want: "there is no PEM block in it"},
		"empty":       {file: "", want: "there is no PEM block in it"},
		"too many":    {file: strings.Repeat(public, 65), want: "there are more than 64 keys"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, _, err := identity.CheckPEM([]byte(test.file))
			if n != test.keys || (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %d keys and %v, expected %d and %q", n, err, test.keys, test.want)
			}
		})
	}
}

// TestAPublicKeyFile takes tokens whatever kid they have.
func TestAPublicKeyFile(t *testing.T) {
	t.Parallel()
	der := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	file := write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	a := open(t, identity.Options{PublicKeyFile: file, Issuer: issuer, Audience: audience})
	for _, kid := range []string{"any", "../x", ""} {
		if got := reason(t, a, bearer(token(header("RS256", kid), claims(), signedBy(rsaKey())))); got != "" {
			t.Errorf("kid %q: got %q", kid, got)
		}
	}
	for name, test := range hostile() {
		if name == "RSA by the kid of Ed25519" {
			continue // here a kid says nothing
		}
		if got := reason(t, a, bearer(test.token)); got == "" {
			t.Errorf("%s: it was taken", name)
		}
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if got := reason(t, a, bearer(token(header("HS256", ""), claims(), signedBy(content)))); got != identity.ReasonUnsupported {
		t.Errorf("HMAC by the file: got %q", got)
	}
}
