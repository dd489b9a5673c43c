package main

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readiness is a server that says something when asked whether it is ready.
func readiness(status int, says string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, says)
	})
	return mux
}

func TestHealth(t *testing.T) {
	t.Parallel()
	ready := httptest.NewServer(readiness(http.StatusOK, "ok\n"))
	defer ready.Close()
	draining := httptest.NewServer(readiness(http.StatusServiceUnavailable, "draining\n"))
	defer draining.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(ready.URL+"/readyz", http.StatusFound))
	defer elsewhere.Close()
	encrypted := httptest.NewTLSServer(readiness(http.StatusOK, "ok\n"))
	defer encrypted.Close()
	authority, foreign := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "none.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encrypted.Certificate().Raw})
	if err := os.WriteFile(authority, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(foreign, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(encrypted.URL, "https://")
	_, port, _ := strings.Cut(name, ":")
	tests := []struct {
		name, args     string
		code           int
		stdout, stderr string // the latter a part
	}{
		{"ready", "--server " + ready.URL, exitOK, "ok\n", ""},
		{"ready, by host and port", "--server " + strings.TrimPrefix(ready.URL, "http://"), exitOK, "ok\n", ""},
		{"draining", "--server " + draining.URL, exitFailure, "", "is not ready: draining (HTTP status 503)"},
		{"elsewhere", "--server " + elsewhere.URL, exitFailure, "", "(HTTP status 302)"},
		{"of another kind", "--server " + ready.URL + " --ca " + authority, exitUsage, "", "expected --server https://HOST:PORT"},
		{"encrypted", "--server " + encrypted.URL, exitOK, "ok\n", ""},
		{"encrypted, with the authority", "--server " + name + " --ca " + authority, exitOK, "ok\n", ""},
		{"encrypted, and not of the name", "--server localhost:" + port + " --ca " + authority, exitFailure, "", "certificate"},
		{"no authority", "--server " + encrypted.URL + " --ca " + foreign, exitUsage, "", "holds no certificate"},
		{"own", "--host 0.0.0.0 --port " + port + " --tls-cert any.pem", exitOK, "ok\n", ""},
		{"own, in clear text", "--host 127.0.0.1 --port " + port, exitFailure, "", "is not ready"},
		{"own, on any port", "--port 0", exitUsage, "", "say which with --server"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := sepalCommand(t, "", strings.Fields("health --timeout 50s "+test.args)...)
			if got.code != test.code || got.stdout != test.stdout || !strings.Contains(got.stderr, test.stderr) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestHealthOfASilentServer(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	defer silent.Close()
	defer close(released)
	got := sepalCommand(t, "", "health", "--timeout", "50ms", "--server", silent.URL)
	if got.code != exitFailure || !strings.HasSuffix(got.stderr, " does not answer within 50ms\n") {
		t.Errorf("got %v", got)
	}
}

func TestWhereTheOwnServerListens(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"0.0.0.0": "http://127.0.0.1:80/readyz", "::": "http://[::1]:80/readyz", "[::]": "http://[::1]:80/readyz",
		"localhost": "http://localhost:80/readyz", "192.0.2.1": "http://192.0.2.1:80/readyz",
	} {
		if got := (&healthCmd{Host: host, Port: 80}).own().String(); got != want {
			t.Errorf("at %s it is asked at %s, expected %s", host, got, want)
		}
	}
}

// TestForeignCertificates shows that only this machine is known without a certificate that fits.
func TestForeignCertificates(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]bool{"https://127.0.0.1": true, "https://[::1]:1": true, "https://localhost": true, "https://192.0.2.1": false, "https://localhost.example.com": false} {
		target, err := healthTarget(server, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&healthCmd{target: target}).tls().InsecureSkipVerify; got != want {
			t.Errorf("%s may show any certificate: %t", server, got)
		}
	}
}
