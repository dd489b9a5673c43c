package sepal

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// WithTLSFiles sets how the server is checked and what certificate the client shows by files in
// PEM: ca has the authorities to trust in place of the system's, cert the certificate of the
// client, followed by those between it and its authority's, and key its private key, not
// encrypted. Empty names stand for none of them; a certificate needs its key.
//
// [Dial] reads them all, and fails where one is not as expected, or with a target in clear text.
// Certificate and key are read again for each connection, so that they may be renewed.
func WithTLSFiles(ca, cert, key string) Option {
	return func(s *settings) { s.tlsFiles = tlsFiles{ca, cert, key} }
}

// tlsFiles are the names of the files, empty for none.
type tlsFiles struct{ ca, cert, key string }

func (f tlsFiles) set() bool { return f != tlsFiles{} }

// load returns the configuration that the files make.
func (f tlsFiles) load() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: there is no certificate in it, expected those of authorities in PEM", f.ca)
		}
	}
	if f.cert == "" && f.key == "" {
		return config, nil
	}
	if f.cert == "" || f.key == "" {
		return nil, errors.New("a certificate without its key, or a key without its certificate: name both, or none")
	}
	if _, err := f.pair(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.pair() }
	return config, nil
}

func (f tlsFiles) pair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("the certificate %s and the key %s: %w", f.cert, f.key, err)
	}
	return &pair, nil
}

// LoadTLSFiles returns the configuration that [WithTLSFiles] makes, for connections that a [Client]
// does not make.
func LoadTLSFiles(ca, cert, key string) (*tls.Config, error) {
	return tlsFiles{ca, cert, key}.load()
}
