package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

func TestPrincipals(t *testing.T) {
	t.Parallel()
	tokens := []string{mint.NewToken(), mint.NewToken(), mint.NewToken(), mint.NewToken()}
	file := "\ufeff# who may call\r\n\r\n" +
		"ada predict,read " + mint.Credential(tokens[0]) + "\r\n" +
		"\t ada\tadmin\t" + mint.Credential(tokens[1]) + "  \n" +
		"zoë,7 publish sha256:" + strings.ToUpper(strings.TrimPrefix(mint.Credential(tokens[2]), "sha256:")) // no line end
	a := open(t, identity.Options{PrincipalsFile: write(t, "principals.txt", []byte(file))})
	for i, want := range []*identity.Principal{
		{Name: "ada", Kind: identity.KindToken, Scopes: identity.Predict | identity.Read},
		{Name: "ada", Kind: identity.KindToken, Scopes: identity.Admin},
		{Name: "zoë,7", Kind: identity.KindToken, Scopes: identity.Publish},
		nil,
	} {
		got, err := a.Authenticate(bearer(tokens[i]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d: %v, -want +got:\n%s", i, err, diff)
		}
	}
}

func TestBrokenPrincipals(t *testing.T) {
	t.Parallel()
	secret := mint.NewToken()
	hash := mint.Credential(secret)
	many := new(strings.Builder)
	for i := range 10_001 {
		fmt.Fprintf(many, "a read san:n%d.example\n", i)
	}
	for name, test := range map[string]struct{ file, want string }{
		"empty":            {"", "there is no principal in it; make one with `sepal token new`"},
		"comments":         {"# a\n\n  # b", "there is no principal in it; make one with `sepal token new`"},
		"one word":         {"# x\nada", "line 2: expected NAME SCOPES CREDENTIAL, such as: ada predict,read sha256:…"},
		"two words":        {"ada predict", "line 1: expected NAME SCOPES CREDENTIAL, such as: ada predict,read sha256:…"},
		"scope":            {"ada write " + hash, `line 1: scopes of ada: "write" is no scope, expected some of predict, read, publish, admin`},
		"spaced scopes":    {"ada predict, read " + hash, "line 1: credential of ada: expected sha256:HEX, subject:NAME or san:NAME"},
		"no kind":          {"ada read " + strings.TrimPrefix(hash, "sha256:"), "line 1: credential of ada: expected sha256:HEX, subject:NAME or san:NAME"},
		"other kind":       {"ada read md5:00", "line 1: credential of ada: expected sha256:HEX, subject:NAME or san:NAME"},
		"the token itself": {"ada read " + secret, "line 1: credential of ada: expected sha256:HEX, subject:NAME or san:NAME"},
		"token as a hash":  {"ada read sha256:" + secret, "line 1: credential of ada: sha256: is followed by 49 characters, expected 64 hexadecimal digits"},
		"token as a name":  {secret + " read " + hash, "line 1: a token stands where the name should; expected NAME SCOPES sha256:HEX, as `sepal token new` prints it, and make a new token: this one was seen"},
		"token as scopes":  {"ada " + secret + " read", "line 1: scopes of ada: a word of 49 characters is no scope, expected some of predict, read, publish, admin"},
		"short hash":       {"ada read " + hash[:len(hash)-1], "line 1: credential of ada: sha256: is followed by 63 characters, expected 64 hexadecimal digits"},
		"something after":  {"ada read " + hash + " x", "line 1: credential of ada: sha256: is followed by 66 characters, expected 64 hexadecimal digits"},
		"no hash":          {"ada read sha256:" + strings.Repeat("g", 64), "line 1: credential of ada: sha256: is followed by 64 characters, expected 64 hexadecimal digits"},
		"same token":       {"ada read " + hash + "\nbob admin " + hash, "line 2: credential of bob: ada has the same token; each needs its own"},
		"same subject":     {"ada read subject:CN=a\n\nbob admin subject:cn = a", "line 3: credential of bob: line 1, of ada, has the same certificate"},
		"same DNS name":    {"ada read san:a.example\nbob admin san:A.example.", "line 2: credential of bob: line 1, of ada, has the same certificate"},
		"empty subject":    {"ada read subject:", "line 1: credential of ada: subject: expected a name such as CN=ada,O=Example"},
		"broken subject":   {"ada read subject:CN=a,b", "line 1: credential of ada: subject: part 2: there is no =; expected a name such as CN=ada,O=Example, as `openssl x509 -noout -subject -nameopt RFC2253` prints it"},
		"empty san":        {"ada read san:", "line 1: credential of ada: san: expected one DNS name, URI or e-mail address without spaces"},
		"two sans":         {"ada read san:a b", "line 1: credential of ada: san: expected one DNS name, URI or e-mail address without spaces"},
		"broken URI":       {"ada read san:a://%zz", "line 1: credential of ada: san: the URI cannot be read"},
		"long name":        {strings.Repeat("a", 257) + " read " + hash, "line 1: the name has 257 bytes, at most 256 are allowed"},
		"unprintable name": {"a\x1bb read " + hash, "line 1: the name has characters that cannot be printed"},
		"not UTF-8":        {"a\xffb read " + hash, "line 1: the name has characters that cannot be printed"},
		"too many":         {many.String(), "line 10001: there are more than 10000 principals; use tokens that an issuer signs (--jwt-jwks) for so many"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := identity.ParsePrincipals([]byte(test.file))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, expected %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("the error tells the token")
			}
		})
	}
}

// TestRefusedAtTheStart opens what cannot be meant.
func TestRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	jwks, broken := write(t, "jwks.json", jwks()), write(t, "broken", []byte("x"))
	huge := write(t, "huge", []byte(strings.Repeat("#", 1<<20+1)))
	good := func(change func(*identity.Options)) identity.Options {
		o := identity.Options{JWKS: jwks, Issuer: issuer, Audience: audience}
		change(&o)
		return o
	}
	for name, test := range map[string]struct {
		options identity.Options
		want    string
	}{
		"nothing":          {identity.Options{}, "nobody could call: set --principals, --jwt-jwks, --jwt-public-key or --tls-client-scopes"},
		"a CA alone":       {identity.Options{CertificatesTrusted: true}, "nobody could call: "},
		"no issuer":        {good(func(o *identity.Options) { o.Issuer = "" }), "--jwt-issuer is missing: "},
		"no audience":      {good(func(o *identity.Options) { o.Audience = "" }), "--jwt-audience is missing: "},
		"issuer alone":     {identity.Options{Issuer: "x"}, "--jwt-issuer, --jwt-audience and --jwt-scope-claim need the keys of tokens: "},
		"two kinds":        {good(func(o *identity.Options) { o.PublicKeyFile = "x" }), "--jwt-jwks and --jwt-public-key are both set, expected one of them"},
		"leeway":           {good(func(o *identity.Options) { o.Leeway = -1 }), "--jwt-leeway is -1ns, expected 0s to 5m0s"},
		"long leeway":      {good(func(o *identity.Options) { o.Leeway = 1 << 40 }), "--jwt-leeway is 18m19.511627776s, expected 0s to 5m0s"},
		"clear text":       {good(func(o *identity.Options) { o.JWKS = "http://issuer.example/keys?secret=1" }), "--jwt-jwks: http://issuer.example/keys is not encrypted, so anybody on the way could put in keys; use https, "},
		"other scheme":     {good(func(o *identity.Options) { o.JWKS = "file:///keys" }), "--jwt-jwks: the URL has no host"},
		"ftp":              {good(func(o *identity.Options) { o.JWKS = "ftp://a/b" }), "--jwt-jwks: expected a URL with https, or the path of a file"},
		"broken URL":       {good(func(o *identity.Options) { o.JWKS = "https://a b:secret@/%zz" }), "--jwt-jwks: the URL cannot be read"},
		"almost loopback":  {good(func(o *identity.Options) { o.JWKS = "http://localhost.example/" }), "--jwt-jwks: http://localhost.example/ is not encrypted"},
		"no set":           {good(func(o *identity.Options) { o.JWKS = folder + "/none" }), "--jwt-jwks: " + folder + "/none: no such file or directory"},
		"set: folder":      {good(func(o *identity.Options) { o.JWKS = folder }), "--jwt-jwks: " + folder + ": is a folder, expected a file"},
		"set: broken":      {good(func(o *identity.Options) { o.JWKS = broken }), "--jwt-jwks: " + broken + `: is not a JSON Web Key Set, expected {"keys": [...]}`},
		"key: broken":      {good(func(o *identity.Options) { o.JWKS, o.PublicKeyFile = "", broken }), "--jwt-public-key: " + broken + ": there is no PEM block in it"},
		"no principals":    {identity.Options{PrincipalsFile: folder + "/none"}, "--principals: " + folder + "/none: no such file or directory"},
		"principals":       {identity.Options{PrincipalsFile: broken}, "--principals: " + broken + ": line 1: expected NAME SCOPES CREDENTIAL"},
		"huge principals":  {identity.Options{PrincipalsFile: huge}, "--principals: " + huge + ": has more than 1048576 bytes, the most that is read"},
		"scopes but no CA": {identity.Options{CertificateScopes: identity.Read}, "--tls-client-scopes needs a CA of client certificates: set --tls-client-ca"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := identity.New(t.Context(), test.options)
			if err == nil || a != nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, expected %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("the error tells a secret")
			}
		})
	}
}

// TestReasonsAreAll keeps the list of reasons whole.
func TestReasonsAreAll(t *testing.T) {
	t.Parallel()
	known := map[identity.Reason]bool{"": true}
	for _, r := range identity.Reasons() {
		if known[r] {
			t.Errorf("%s is there twice", r)
		}
		known[r] = true
	}
	a := open(t, jwtOptions(t))
	for name, test := range hostile() {
		if r := reason(t, a, bearer(test.token)); !known[r] {
			t.Errorf("%s: %s is not in the list", name, r)
		}
	}
	_, err := a.Authenticate(request())
	var refused *identity.Refused
	if !errors.As(err, &refused) || refused.Temporary() || refused.Public != "say who you are: send a token, as `Authorization: Bearer TOKEN`" {
		t.Errorf("got %+v", err)
	}
}
