package certs

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// maxBytes is the size of the largest file that is read. Bundles of all public authorities have
// about 200 KB.
const maxBytes = 4 << 20

// material is what the files hold.
type material struct {
	pair    tls.Certificate
	clients *x509.CertPool // nil: no client is asked for a certificate

	certText, keyText, clientCAText []byte
}

// leaf is the certificate of the server.
func (m material) leaf() *x509.Certificate { return m.pair.Leaf }

// same reports whether the files hold what they held.
func (m material) same(other material) bool {
	return bytes.Equal(m.certText, other.certText) && bytes.Equal(m.keyText, other.keyText) &&
		bytes.Equal(m.clientCAText, other.clientCAText)
}

// load reads the files and checks that they belong together.
func load(o Options) (m material, err error) {
	if m.certText, err = read(o.Cert); err != nil {
		return m, err
	}
	if m.keyText, err = read(o.Key); err != nil {
		return m, err
	}
	chain, err := certificates(o.Cert, m.certText)
	if err != nil {
		return m, err
	}
	key, err := privateKey(o.Key, m.keyText)
	if err != nil {
		return m, err
	}
	if err := fits(o, chain, key); err != nil {
		return m, err
	}
	if err := forServers(o.Cert, chain[0]); err != nil {
		return m, err
	}
	m.pair = tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		m.pair.Certificate = append(m.pair.Certificate, c.Raw)
	}
	if o.ClientCA == "" {
		return m, nil
	}
	if m.clientCAText, err = read(o.ClientCA); err != nil {
		return m, err
	}
	authorities, err := certificates(o.ClientCA, m.clientCAText)
	if err != nil {
		return m, err
	}
	m.clients = x509.NewCertPool()
	for _, c := range authorities {
		m.clients.AddCert(c)
	}
	return m, nil
}

// read returns what is in a file, which must be a regular one of a moderate size.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder, expected a file in PEM", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is no regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written to it
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		return nil, fmt.Errorf("%s: has more than %d bytes, expected a few certificates", path, maxBytes)
	}
	return text, err
}

// certificates returns those of a file, of which there is one at least.
func certificates(path string, text []byte) (list []*x509.Certificate, err error) {
	keys := false
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		keys = keys || strings.HasSuffix(block.Type, "PRIVATE KEY")
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d is none: %w", path, len(list)+1, err)
		}
		list = append(list, c)
	}
	switch {
	case len(list) > 0:
		return list, nil
	case keys:
		return nil, fmt.Errorf("%s: holds a private key and no certificate; are the two files exchanged?", path)
	}
	return nil, fmt.Errorf("%s: holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----", path)
}

// privateKey returns the first key of a file.
func privateKey(path string, text []byte) (crypto.Signer, error) {
	certificate := false
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate = certificate || block.Type == "CERTIFICATE"
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, fmt.Errorf("%s: the private key is encrypted, and nobody is here to give the passphrase; decrypt it with `openssl pkey`", path)
		}
		key, err := parseKey(block)
		if err != nil {
			return nil, fmt.Errorf("%s: the private key cannot be read: %w", path, err)
		}
		signer, signs := key.(crypto.Signer)
		if !signs {
			return nil, fmt.Errorf("%s: the private key cannot sign, expected one of RSA, ECDSA or Ed25519", path)
		}
		return signer, nil
	}
	if certificate {
		return nil, fmt.Errorf("%s: holds a certificate and no private key; are the two files exchanged?", path)
	}
	return nil, fmt.Errorf("%s: holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----", path)
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("it is of the kind %.40q, expected PKCS #8, PKCS #1 or SEC 1", block.Type)
}

// fits returns an error unless the key is that of the first certificate.
func fits(o Options, chain []*x509.Certificate, key crypto.Signer) error {
	public, known := key.Public().(interface{ Equal(x crypto.PublicKey) bool })
	place := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return known && public.Equal(c.PublicKey) })
	switch {
	case place == 0:
		return nil
	case place > 0:
		return fmt.Errorf("%s: the key in %s belongs to certificate %d, expected to the first; put that one first", o.Cert, o.Key, place+1)
	}
	return fmt.Errorf("%s: the key does not belong to the certificate in %s", o.Key, o.Cert)
}

// forServers returns an error if no client would take the certificate for a server's.
func forServers(path string, c *x509.Certificate) error {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return nil
	}
	return fmt.Errorf("%s: the certificate is not for servers: its extended key usage lacks serverAuth", path)
}
