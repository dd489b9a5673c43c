package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sepal-ml/sepal/services/internal/identity"
)

// taken returns whom a server with these options takes a token for.
func taken(t *testing.T, o identity.Options, token string) (*identity.Principal, error) {
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

// TestAKeyAndItsTokens goes the way of the help: a key, a token, and a server with the flags that the
// hint names.
func TestAKeyAndItsTokens(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"EdDSA", "ES256", "RS256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			private, public := filepath.Join(folder, "token-key.pem"), filepath.Join(folder, "token-jwks.json")
			made := sepalCommand(t, "", "token", "key", "--algorithm", algorithm, "--out", folder)
			requireParts(t, made.String(), "wrote "+private+", private", "wrote "+public+", public", ", "+algorithm+"\n", "! sepal: make a token by it: sepal token sign --key "+private, "exit 0")
			requireMode(t, private, 0o600)
			requireMode(t, public, 0o644)

			signed := sepalCommand(t, "", "token", "sign", "--key", private, "--subject", "ada lovelace", "--scopes", "publish predict")
			requireParts(t, signed.stderr, "sepal: ada lovelace may predict,publish until ", "served by: sepal serve --jwt-jwks "+public+" --jwt-issuer sepal-dev --jwt-audience sepal\n")
			token := strings.TrimSuffix(signed.stdout, "\n")
			flags := identityFlags{JWTJWKS: public, JWTIssuer: "sepal-dev", JWTAudience: "sepal"}
			got, err := taken(t, flags.identity(), token)
			want := &identity.Principal{Name: "ada lovelace", Kind: identity.KindJWT, Scopes: identity.Predict | identity.Publish}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}

			shown := sepalCommand(t, "Bearer "+signed.stdout, "token", "show", "--jwks", public)
			requireParts(t, shown.String(), "kind       JWT, signed by "+algorithm+"\n", "signature  verified by "+public+"\n", "issuer     sepal-dev\n",
				"audience   sepal\n", "subject    ada lovelace\n", "scopes     predict,publish\n", ", in ", "exit 0")
			if strings.Contains(shown.String(), strings.Split(token, ".")[2]) {
				t.Error("the signature is shown")
			}
			requireParts(t, sepalCommand(t, "", "token", "show", token).stdout, "signature  not verified (--jwks)\n")
			forged := token[:len(token)-8] + "AAAAAAA" + "A"
			refused := sepalCommand(t, forged, "token", "show", "--jwks", public)
			requireParts(t, refused.String(), "! sepal: a server would refuse it: the signature is not that of the token by the key ", "exit 1")
			refused = sepalCommand(t, token, "token", "show", "--jwks", private)
			requireParts(t, refused.String(), "! sepal: a server would refuse it: keys: PEM block 1 is a private key (PRIVATE KEY), which a server must not have", "exit 1")
		})
	}
}

func requireMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
		t.Errorf("%s has the mode %v, expected %v", path, got, want)
	}
}

// TestAKeyIsNotReplaced unless that is forced, be its other half there or not.
func TestAKeyIsNotReplaced(t *testing.T) {
	t.Parallel()
	for _, there := range []string{"token-key.pem", "token-jwks.json"} {
		folder := t.TempDir()
		path := filepath.Join(folder, there)
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		requireParts(t, sepalCommand(t, "", "token", "key", "-o", folder).String(),
			"! sepal: "+path+": is there already, and tokens may be in use that need it; name another folder with --out, or replace it with --force\n", "exit 1")
		files, err := os.ReadDir(folder)
		if err != nil || len(files) != 1 {
			t.Errorf("there are %v, %v, expected the old file alone", files, err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
			t.Errorf("%s is now %q, %v", there, data, err)
		}
		requireParts(t, sepalCommand(t, "", "token", "key", "-o", folder, "--force").String(), "wrote ", "exit 0")
		requireMode(t, filepath.Join(folder, "token-key.pem"), 0o600)
		must(t, "token sign --key "+filepath.Join(folder, "token-key.pem"))
	}
	requireParts(t, sepalCommand(t, "", "token", "key", "-o", filepath.Join(t.TempDir(), "none")).String(), "no such file or directory", "exit 1")
}

// TestStaticTokens are added to a file, of which the rest stays as it is.
func TestStaticTokens(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "principals.txt")
	flags := identityFlags{Principals: file}
	first := sepalCommand(t, "", "token", "new", "ada", "-f", file)
	if first.code != exitOK || !regexp.MustCompile(`^sepal_[\w-]{43}\n$`).MatchString(first.stdout) || first.stderr != "sepal: added ada to "+file+"\n" {
		t.Fatalf("got %v", first)
	}
	requireMode(t, file, 0o644)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kept := "# ours\n" + strings.TrimSuffix(string(data), "\n")
	if err := os.WriteFile(file, []byte(kept), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	second := sepalCommand(t, "", "token", "new", "bob", "--scopes", "predict", "--file", file)
	requireMode(t, file, 0o640)
	if data, err = os.ReadFile(file); err != nil || !strings.HasPrefix(string(data), kept+"\nbob predict sha256:") || strings.Count(string(data), "\n") != 3 {
		t.Errorf("the file is %q, %v", data, err)
	}
	for token, want := range map[string]*identity.Principal{
		first.stdout:  {Name: "ada", Kind: identity.KindToken, Scopes: identity.Predict | identity.Read},
		second.stdout: {Name: "bob", Kind: identity.KindToken, Scopes: identity.Predict},
	} {
		token = strings.TrimSuffix(token, "\n")
		if strings.Contains(string(data), token) {
			t.Error("the file has a token")
		}
		got, err := taken(t, flags.identity(), token)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
	}

	printed := sepalCommand(t, "", "token", "new", "eve", "--scopes", "admin")
	shown := sepalCommand(t, printed.stdout, "token", "show")
	hash := strings.TrimSuffix(shown.stdout[strings.LastIndex(shown.stdout, " ")+1:], "\n")
	want := "sepal: add this line to the principals file of the server (sepal serve --principals FILE):\neve admin " + hash + "\n"
	if printed.stderr != want || !strings.HasPrefix(shown.stdout, "kind  static token") {
		t.Errorf("got %q, expected %q", printed.stderr, want)
	}
}

// TestABrokenFileStaysAsItIs rather than get a token that no server would read.
func TestABrokenFileStaysAsItIs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "principals.txt")
	const broken = "ada predict\n"
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	got := sepalCommand(t, "", "token", "new", "bob", "-f", file)
	requireParts(t, got.String(), "! sepal: "+file+": line 1: expected NAME SCOPES CREDENTIAL", "exit 1")
	if data, err := os.ReadFile(file); err != nil || string(data) != broken || got.stdout != "" {
		t.Errorf("the file is %q, %v, the output %q", data, err, got.stdout)
	}
}

func TestTokensRefused(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(key, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args, stdin, want string
		code              int
	}{
		{"token sign --key none.pem", "", "none.pem: no such key; make one with sepal token key, or name one with --key", exitFailure},
		{"token sign --key " + key, "", key + ": there is no private key in it, expected PEM with PRIVATE KEY, as sepal token key writes it", exitFailure},
		{"token sign --expires 25h", "", "--expires is 25h0m0s, expected 24h0m0s at most, ", exitUsage},
		{"token sign --expires 0s", "", "--expires is 0s, expected 1s or more", exitUsage},
		{"token sign --scopes all", "", `--scopes: "all" is no scope, expected some of predict, read, publish, admin`, exitUsage},
		{"token sign --subject \x01", "", "--subject: the name has characters that cannot be printed", exitUsage},
		{"token key --algorithm HS256", "", `--algorithm must be one of "EdDSA","ES256","RS256" but got "HS256"`, exitUsage},
		{"token new #ada", "", "the name must be one word that begins with neither # nor sepal_", exitUsage},
		{"token new", "", `expected "<name>"`, exitUsage},
		{"token show", "", "expected one token on standard input", exitFailure},
		{"token show", "a b c", "expected one token on standard input", exitFailure},
		{"token show", "a.b", "a server would refuse it: the token is no JWT of three parts", exitFailure},
		{"token show", strings.Repeat("a", 70<<10), "a server would refuse it: the token has more than 8192 bytes", exitFailure},
		{"serve --jwt-jwks x", "", "--jwt-issuer is missing: ", exitUsage},
		{"serve --jwt-jwks http://example.com --jwt-issuer i --jwt-audience a", "", "--jwt-jwks: http://example.com is not encrypted, ", exitUsage},
		{"serve --jwt-leeway 1h", "", "--jwt-leeway is 1h0m0s, expected 0s to 5m0s", exitUsage},
		{"serve --tls-client-scopes all", "", `--tls-client-scopes: "all" is no scope, `, exitUsage},
		{"serve --port 0 --principals none.txt", "", "--principals: none.txt: no such file or directory", exitFailure},
	} {
		got := sepalCommand(t, test.stdin, strings.Fields(test.args)...)
		if got.code != test.code || !strings.HasPrefix(got.stderr, "sepal: "+test.want) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
			t.Errorf("%s: got %v, expected %s", test.args, got, test.want)
		}
		if strings.Contains(got.stderr, "secret") {
			t.Errorf("%s: the error tells a secret", test.args)
		}
	}
	forced := filepath.Join(t.TempDir(), "forced")
	if err := os.Mkdir(forced, 0o700); err != nil {
		t.Fatal(err)
	}
	must(t, "token key -o "+forced)
	requireParts(t, must(t, "token sign --expires 48h --force --key "+filepath.Join(forced, signingKeyFile)), ".")
}
