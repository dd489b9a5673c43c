package sepal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
)

// selfSigned writes a certificate that is its own authority, and its key, and returns the names of
// the files.
func selfSigned(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// serveTLS starts a server that asks its clients for the certificate of authority.
func serveTLS(t *testing.T, cert, key, authority string) (*httptest.Server, *seen) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(authority)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(pem)
	arrived := new(seen)
	server := httptest.NewUnstartedServer(arrived.around((&fakeService{}).handler()))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet()
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, arrived
}

func TestTLSFilesOnEveryWire(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, "server")
	clientCert, clientKey := selfSigned(t, "ada")
	for _, wire := range wires {
		t.Run(wire.name, func(t *testing.T) {
			t.Parallel()
			server, arrived := serveTLS(t, cert, key, clientCert)
			checkAllMethods(t, dial(t, server.URL, append([]Option{WithTLSFiles(cert, clientCert, clientKey)}, wire.options...)...))
			for _, r := range arrived.all() {
				if r.ProtoMajor != 2 || len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != "ada" {
					t.Errorf("%s came over HTTP/%d with certificates %v", r.URL.Path, r.ProtoMajor, r.TLS.PeerCertificates)
				}
			}
		})
	}
}

func TestTLSFilesTrustOnlyTheirAuthorities(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, "server")
	other, _ := selfSigned(t, "other")
	server, arrived := serveTLS(t, cert, key, other)
	_, err := dial(t, server.URL, WithTLSFiles(other, "", ""), WithRetry(RetryPolicy{MaxAttempts: 1})).Health(t.Context())
	if e := asError(t, err); e.Code != connect.CodeUnavailable || !strings.Contains(e.Message, "certificate") || len(arrived.all()) != 0 {
		t.Errorf("error is %v, and %d requests arrived", e, len(arrived.all()))
	}
}

func TestTLSFilesRefused(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, "server")
	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		target  string
		options []Option
		want    string
	}{
		{"https://localhost:1", []Option{WithTLSFiles(none, "", "")}, "none: no such file"},
		{"https://localhost:1", []Option{WithTLSFiles(key, "", "")}, "server.key: there is no certificate in it"},
		{"https://localhost:1", []Option{WithTLSFiles("", cert, "")}, "a certificate without its key"},
		{"https://localhost:1", []Option{WithTLSFiles("", cert, cert)}, "the certificate " + cert + " and the key"},
		{"localhost:1", []Option{WithTLSFiles(cert, "", "")}, "the target is in clear text"},
		{"https://localhost:1", []Option{WithTLSFiles(cert, "", ""), WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12})}, "expected one of them"},
	} {
		_, err := Dial(c.target, c.options...)
		if err == nil || !strings.HasPrefix(err.Error(), "sepal: WithTLSFiles") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want %q", err, c.want)
		}
	}
	if _, err := Dial("localhost:1", WithTLSFiles("", "", "")); err != nil {
		t.Errorf("without files: %v", err)
	}
}
