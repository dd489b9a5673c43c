package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sepal-ml/sepal/services/internal/certs/certstest"
)

// TestServeTLSFlags shows which flags about connections cannot be meant.
func TestServeTLSFlags(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	for args, want := range map[string]string{
		"--tls-cert a":                        "--tls-cert needs the private key of the certificate: set --tls-key",
		"--tls-key a":                         "--tls-key needs the certificate of the key: set --tls-cert",
		"--tls-client-ca a":                   "--tls-client-ca needs TLS: set --tls-cert and --tls-key",
		"--tls-min-version 1.1":               `--tls-min-version must be one of "1.2","1.3" but got "1.1"`,
		"--max-streams 0":                     "--max-streams is 0, expected 1 or more",
		"--max-connections=-1":                "--max-connections is -1, expected 0 (as many as descriptors) or more",
		"--tls-cert " + none + " --tls-key a": "TLS: " + none + ": there is no such file",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			got := sepalCommand(t, "", strings.Fields("serve --port 0 "+args)...)
			if got.code == 0 || !strings.Contains(got.stderr, want) {
				t.Errorf("got %v, expected %q", got, want)
			}
		})
	}
}

// TestServeTLS serves with TLS as the environment says.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	authority := certstest.New(t, "authority")
	cert, key := certstest.WritePair(t, t.TempDir(), authority.Server(t))
	s := serve(t, "SEPAL_TLS_CERT="+cert, "SEPAL_TLS_KEY="+key, "SEPAL_TLS_MIN_VERSION=1.2")
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool(), MaxVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(strings.Replace(s.url, "http:", "https:", 1) + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != "ok\n" {
		t.Errorf("got %s %q, %v", response.Status, text, err)
	}
	s.signal(t, syscall.SIGINT)
	if status := s.wait(t); status.ExitStatus() != exitOK {
		t.Errorf("ended with %v", s.command.ProcessState)
	}
}
