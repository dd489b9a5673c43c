package certs_test

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepal-ml/sepal/services/internal/certs"
	"github.com/sepal-ml/sepal/services/internal/certs/certstest"
)

func block(kind string, der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// TestFilesThatCannotBeUsed says of each what is wrong, and in which file.
func TestFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	authority := certstest.New(t, "authority")
	pair, other := authority.Server(t), authority.Server(t)
	cert, key := pair.CertPEM(), pair.KeyPEM(t)
	expired := authority.Sign(t, &x509.Certificate{NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(1.5e9, 0)})
	client := authority.Client(t, "client")
	agreement, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	agreementDER, err := x509.MarshalPKCS8PrivateKey(agreement)
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte{1}})
	tests := map[string]struct {
		cert, key, clientCA []byte
		want                string
	}{
		"no certificate in it":     {[]byte("hello"), key, nil, "tls.crt: holds no certificate in PEM"},
		"DER":                      {pair.Leaf.Raw, key, nil, "tls.crt: holds no certificate in PEM"},
		"empty":                    {[]byte{}, key, nil, "tls.crt: holds no certificate in PEM"},
		"cut short":                {cert[:len(cert)/2], key, nil, "tls.crt: holds no certificate in PEM"},
		"broken certificate":       {block("CERTIFICATE", []byte{1, 2, 3}, nil), key, nil, "tls.crt: certificate 1 is none: x509: malformed certificate"},
		"exchanged":                {key, cert, nil, "tls.crt: holds a private key and no certificate; are the two files exchanged?"},
		"key is a certificate":     {cert, cert, nil, "tls.key: holds a certificate and no private key; are the two files exchanged?"},
		"no key in it":             {cert, []byte("hello"), nil, "tls.key: holds no private key in PEM"},
		"encrypted":                {cert, block("ENCRYPTED PRIVATE KEY", []byte{1}, nil), nil, "tls.key: the private key is encrypted"},
		"encrypted as OpenSSL did": {cert, encrypted, nil, "tls.key: the private key is encrypted"},
		"OpenSSH's":                {cert, block("OPENSSH PRIVATE KEY", []byte{1}, nil), nil, `tls.key: the private key cannot be read: it is of the kind "OPENSSH PRIVATE KEY", expected PKCS #8, PKCS #1 or SEC 1`},
		"broken key":               {cert, block("PRIVATE KEY", []byte{1}, nil), nil, "tls.key: the private key cannot be read: "},
		"key that cannot sign":     {cert, block("PRIVATE KEY", agreementDER, err), nil, "tls.key: the private key cannot sign, expected one of RSA, ECDSA or Ed25519"},
		"another's key":            {cert, other.KeyPEM(t), nil, "tls.key: the key does not belong to the certificate in "},
		"wrong order":              {append(authority.PEM(), cert...), key, nil, "belongs to certificate 2, expected to the first; put that one first"},
		"expired":                  {expired.CertPEM(), expired.KeyPEM(t), nil, "tls.crt: the certificate was valid until 2017-07-14T02:40:00Z; renew it"},
		"for clients":              {client.CertPEM(), client.KeyPEM(t), nil, "tls.crt: the certificate is not for servers: its extended key usage lacks serverAuth"},
		"authorities without any":  {cert, key, []byte("none"), "ca.crt: holds no certificate in PEM"},
		"large":                    {make([]byte, 5<<20), key, nil, "tls.crt: has more than 4194304 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			o := certs.Options{
				Cert: certstest.Write(t, folder, "tls.crt", test.cert),
				Key:  certstest.Write(t, folder, "tls.key", test.key),
			}
			if test.clientCA != nil {
				o.ClientCA = certstest.Write(t, folder, "ca.crt", test.clientCA)
			}
			requireRefused(t, o, test.want)
		})
	}
}

func requireRefused(t *testing.T, o certs.Options, want string) {
	t.Helper()
	if _, err := certs.Open(o); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, expected a line with %q", err, want)
	}
}

func TestOptionsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	cert, key := certstest.WritePair(t, folder, certstest.New(t, "authority").Server(t))
	missing := filepath.Join(folder, "none")
	for name, test := range map[string]struct {
		options certs.Options
		want    string
	}{
		"certificate alone": {certs.Options{Cert: cert}, "there is a certificate without a key"},
		"key alone":         {certs.Options{Key: key}, "or a key without a certificate"},
		"old version":       {certs.Options{Cert: cert, Key: key, MinVersion: tls.VersionTLS11}, "the earliest version of TLS is TLS 1.1, expected TLS 1.2 or later"},
		"no such file":      {certs.Options{Cert: missing, Key: key}, missing + ": there is no such file"},
		"a folder":          {certs.Options{Cert: cert, Key: folder}, folder + ": is a folder, expected a file in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRefused(t, test.options, test.want)
		})
	}
}

// TestKeys reads a key of each kind in each form, beside other blocks.
func TestKeys(t *testing.T) {
	t.Parallel()
	ec := certstest.New(t, "authority").Server(t).Key
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return block("PRIVATE KEY", der, err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	for name, test := range map[string]struct {
		public, private any
		text            []byte
	}{
		"ECDSA, PKCS #8":   {&ec.PublicKey, ec, pkcs8(ec)},
		"ECDSA, SEC 1":     {&ec.PublicKey, ec, append(block("EC PARAMETERS", []byte{5, 0}, nil), block("EC PRIVATE KEY", sec1, err)...)},
		"RSA, PKCS #8":     {&rsaKey.PublicKey, rsaKey, pkcs8(rsaKey)},
		"RSA, PKCS #1":     {&rsaKey.PublicKey, rsaKey, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil)},
		"Ed25519, PKCS #8": {edKey.Public(), edKey, pkcs8(edKey)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server"}, NotAfter: time.Now().Add(time.Hour)}
			der, err := x509.CreateCertificate(rand.Reader, template, template, test.public, test.private)
			// One file of both, as HAProxy has it.
			path := certstest.Write(t, t.TempDir(), "both.pem", append(test.text, block("CERTIFICATE", der, err)...))
			if _, err := certs.Open(certs.Options{Cert: path, Key: path}); err != nil {
				t.Error(err)
			}
		})
	}
}
