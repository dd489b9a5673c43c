package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/certs/certstest"
	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/ratelimit"
	"github.com/sepal-ml/sepal/services/internal/testenv"
	"github.com/sepal-ml/sepal/services/server"
)

// closedServer is a server that speaks TLS and asks who calls.
type closedServer struct {
	*testenv.Env
	folder string
	ca     string
}

// startClosed starts one whose callers have the names of what they may do.
func startClosed(t *testing.T, change func(*server.Options)) *closedServer {
	t.Helper()
	folder := t.TempDir()
	authority := certstest.New(t, "authority")
	o := testenv.Options()
	o.ModelPath = testenv.IrisRegistry(t, "v1.0.0", "v1.1.0")
	o.TLSCert, o.TLSKey = certstest.WritePair(t, folder, authority.Server(t))
	o.TLSClientCA = filepath.Join(folder, "ca.pem")
	write(t, o.TLSClientCA, string(authority.PEM()))
	var principals strings.Builder
	for _, scopes := range []string{"predict", "read", "predict,read", "admin"} {
		token := fmt.Sprintf("%s%043x", identity.TokenPrefix, scopes)
		write(t, filepath.Join(folder, scopes), token+"\n")
		fmt.Fprintf(&principals, "%s %s sha256:%x\n", strings.ReplaceAll(scopes, ",", "-"), scopes, sha256.Sum256([]byte(token)))
	}
	o.Identity.PrincipalsFile = filepath.Join(folder, "principals")
	fmt.Fprintf(&principals, "machine predict,read subject:CN=machine\n")
	write(t, o.Identity.PrincipalsFile, principals.String())
	if err := os.MkdirAll(filepath.Join(folder, "client"), 0o700); err != nil {
		t.Fatal(err)
	}
	certstest.WritePair(t, filepath.Join(folder, "client"), authority.Client(t, "machine"))
	if change != nil {
		change(&o)
	}
	return &closedServer{Env: testenv.Start(t, o), folder: folder, ca: o.TLSClientCA}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// as are the flags of a caller with those scopes.
func (s *closedServer) as(scopes string) string {
	return " -s " + s.Address + " --ca " + s.ca + " --token-file " + filepath.Join(s.folder, scopes)
}

func TestVerbsSayWhoAsks(t *testing.T) {
	t.Parallel()
	s := startClosed(t, nil)
	pair := " --cert " + filepath.Join(s.folder, "client", "tls.crt") + " --key " + filepath.Join(s.folder, "client", "tls.key")
	for args, want := range map[string]string{
		"predict 5.1 3.5 1.4 0.2" + s.as("predict,read"):                                          "setosa",
		"predict 5.1 3.5 1.4 0.2 -s https://" + s.Address + " --ca " + s.ca + pair:                "setosa",
		"predict --csv $TESTDATA/datasets/iris.csv" + s.as("admin"):                               "virginica",
		"models list" + s.as("read"):                                                              "v1.1.0",
		"models promote v1.1.0 --actor ada" + s.as("admin"):                                       "revision 1",
		"bench -n 20 --warmup 0s" + s.as("predict,read"):                                          "closed loop",
		"bench -n 20 --warmup 0s --protocol json" + s.as("predict,read"):                          "closed loop",
		"bench -n 20 --warmup 0s -s " + s.Address + " --ca " + s.ca + pair:                        "closed loop",
		"bench -n 20 --warmup 0s --call stream --protocol grpcweb" + s.as("admin"):                "closed loop",
		"bench -n 20 --warmup 0s --call batch-stream --http 2 --protocol connect" + s.as("admin"): "closed loop",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			if got := sepalCommand(t, "", strings.Fields(args)...); got.code != exitOK || !strings.Contains(got.stdout, want) {
				t.Errorf("got %v, expected %q", got, want)
			}
		})
	}
}

func TestDriftSaysWhoAsks(t *testing.T) {
	t.Parallel()
	s := startClosed(t, nil) // of its own: what others ask for counts
	if got := sepalCommand(t, "", strings.Fields("drift"+s.as("read"))...); got.code != exitOK || !strings.Contains(got.stdout, "not enough data") {
		t.Errorf("got %v", got)
	}
}

func TestVerbsSayWhyTheyAreTurnedAway(t *testing.T) {
	t.Parallel()
	s := startClosed(t, nil)
	server := "sepal: server https://" + s.Address
	bad := filepath.Join(s.folder, "bad")
	write(t, bad, "sepal_nonsense")
	anonymous := " -s " + s.Address + " --ca " + s.ca
	const who = " asks who you are: set SEPAL_TOKEN, or name a file that holds a token with --token-file, or show a certificate with --cert and --key\n"
	for args, want := range map[string]string{
		"predict 5.1 3.5 1.4 0.2" + anonymous:                                     server + who,
		"models list" + anonymous:                                                 server + who,
		"drift" + anonymous:                                                       server + who,
		"bench" + anonymous:                                                       server + who,
		"models list" + anonymous + " --token-file " + bad:                        server + " does not know you: the token is not valid here; send one that is\n",
		"models promote v1.1.0" + s.as("read"):                                    server + " knows you as read, who lacks the scope admin for this, and has: read; ask with another token\n",
		"predict 5.1 3.5 1.4 0.2" + s.as("predict"):                               server + " knows you as predict, who lacks the scope read for this, and has: predict; ask with another token\n",
		"predict 5.1 3.5 1.4 0.2" + s.as("read"):                                  server + " knows you as read, who lacks the scope predict for this, and has: read; ask with another token\n",
		"predict --csv $TESTDATA/datasets/iris.csv" + s.as("read"):                server + " knows you as read, who lacks the scope predict for this, and has: read; ask with another token\n",
		"models list -s https://" + s.Address:                                     server + " shows a certificate of an authority that is not trusted: name the authority's with --ca\n",
		"models list -s " + s.Address:                                             "sepal: server " + s.Address + " is no Sepal server, or one that speaks TLS: what answers there does not speak gRPC; with TLS it is https://" + s.Address + "\n",
		"models list --token-file " + filepath.Join(s.folder, "none") + anonymous: "sepal: --token-file: open " + filepath.Join(s.folder, "none") + ": no such file or directory\n",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			if got := sepalCommand(t, "", strings.Fields(args)...); got.code != exitFailure || got.stderr != want {
				t.Errorf("got %v, expected %s", got, want)
			}
		})
	}
}

func TestTheServerSpeaksNoTLS(t *testing.T) {
	t.Parallel()
	env := testenv.Start(t, testenv.Options())
	want := "sepal: server https://" + env.Address + " does not speak TLS; without, it is http://" + env.Address + "\n"
	for _, verb := range []string{"predict 1", "models list", "drift", "bench"} {
		if got := sepalCommand(t, "", strings.Fields(verb+" -s https://"+env.Address)...); got.code != exitFailure || got.stderr != want {
			t.Errorf("%s: got %v", verb, got)
		}
	}
}

// TestATokenInTheEnvironment sets variables of the process, and so is not parallel.
func TestATokenInTheEnvironment(t *testing.T) {
	s := startClosed(t, nil)
	token, err := os.ReadFile(filepath.Join(s.folder, "read"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEPAL_CA", s.ca)
	t.Setenv(tokenVariable, string(token)) // with the line break of a file
	if got := sepalCommand(t, "", "models", "list", "-s", s.Address); got.code != exitOK {
		t.Errorf("got %v", got)
	}
	// A file wins over it, and none matters without TLS or a server.
	if got := sepalCommand(t, "", strings.Fields("predict 5.1 3.5 1.4 0.2"+s.as("predict,read"))...); got.code != exitOK {
		t.Errorf("got %v", got)
	}
	plain := testenv.Start(t, testenv.Options())
	for _, args := range []string{"models list -s http://" + plain.Address, "models list -r $TESTDATA/models", "predict 5.1 3.5 1.4 0.2"} {
		if got := sepalCommand(t, "", strings.Fields(args)...); got.code != exitOK {
			t.Errorf("%s: got %v", args, got)
		}
	}
	t.Setenv(tokenVariable, "Bearer "+string(token))
	got := sepalCommand(t, "", "models", "list", "-s", s.Address)
	if got.code != exitFailure || !strings.HasPrefix(got.stderr, "sepal: SEPAL_TOKEN is no token: there is a space in it") || strings.Contains(got.stderr, strings.TrimSpace(string(token))) {
		t.Errorf("got %v", got)
	}
}

func TestTargetFlagsRefused(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, "secret")
	for args, want := range map[string]string{
		"predict 1 --ca ca.pem":                            "--ca is for a server, expected --server HOST:PORT (SEPAL_SERVER) too",
		"models list -r models --token-file token":         "--token-file is for a server",
		"drift rows.csv --cert cert.pem":                   "--cert is for a server",
		"drift -s http://localhost:1 --ca ca.pem":          "--ca is for TLS, which http:// is without, expected --server https://HOST:PORT",
		"bench -s localhost:1 --cert cert.pem":             "--cert needs the private key of the certificate: set --key (SEPAL_KEY)",
		"bench -s localhost:1 --key key.pem":               "--key needs the certificate of the key: set --cert (SEPAL_CERT)",
		"models list -s localhost:1 --ca none.pem":         "--ca, --cert and --key: open none.pem: no such file or directory",
		"predict 1 -s sepal.test:1 --token-file " + token:  "the token would go to sepal.test:1 in clear text, for anyone on the way to read: write https:// before the server, or allow that with --clear-text-token",
		"models list -s 192.0.2.1:1 --token-file " + token: "the token would go to 192.0.2.1:1 in clear text",
	} {
		got := sepalCommand(t, "", strings.Fields(args)...)
		if got.code != exitUsage || !strings.HasPrefix(got.stderr, "sepal: "+want) || strings.Contains(got.stderr, "secret") {
			t.Errorf("%s: got %v, expected %s", args, got, want)
		}
	}
}

// TestALimitIsWaitedFor classifies more rows than the server takes at once, and in a second.
func TestALimitIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := startClosed(t, func(o *server.Options) {
		o.RateLimit = ratelimit.Limit{Requests: 2000, Per: time.Second, Burst: 50}
		o.MaxBatchRows = 100
	})
	rows := manyRows(2500)
	got := sepalCommand(t, rows, strings.Fields("predict -o csv"+s.as("predict,read"))...)
	if got.code != exitOK || strings.Count(got.stdout, "\n") != 2501 || strings.Contains(got.stdout, "too many") {
		t.Errorf("exit %d, %d lines, stderr %s", got.code, strings.Count(got.stdout, "\n"), got.stderr)
	}
}
