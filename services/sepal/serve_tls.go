package main

import (
	"errors"
	"fmt"

	"github.com/sepal-ml/sepal/services/server"
)

// tlsFlags are the flags of serve about connections: TLS, and how many there may be.
type tlsFlags struct {
	TLSCert       string `name:"tls-cert" env:"SEPAL_TLS_CERT" placeholder:"FILE" help:"Certificate of the server and those between it and the authority's, in PEM: the port then speaks TLS and nothing else. Read again when it changes."`
	TLSKey        string `name:"tls-key" env:"SEPAL_TLS_KEY" placeholder:"FILE" help:"Private key of the certificate, in PEM, not encrypted."`
	TLSClientCA   string `name:"tls-client-ca" env:"SEPAL_TLS_CLIENT_CA" placeholder:"FILE" help:"Authorities whose clients are known by their certificates, in PEM. Read again when it changes."`
	TLSMinVersion string `name:"tls-min-version" env:"SEPAL_TLS_MIN_VERSION" default:"${tls_min_version}" enum:"1.2,1.3" help:"Earliest version of TLS that is spoken: ${enum}."`

	HTTP2          string `name:"http2" env:"SEPAL_HTTP2" enum:"native,nethttp" default:"${http2}" help:"Server of HTTP/2: native (Sepal's own) or nethttp (Go's)."`
	MaxStreams     int    `env:"SEPAL_MAX_STREAMS" default:"${max_streams}" help:"Largest number of requests in flight on one HTTP/2 connection."`
	MaxConnections int    `env:"SEPAL_MAX_CONNECTIONS" default:"${max_connections}" help:"Largest number of open connections, as far as the process may have as many descriptors; more are closed at once. 0 is as many as those."`
}

// check returns what is wrong with the flags.
func (f *tlsFlags) check() error {
	switch {
	case f.TLSCert != "" && f.TLSKey == "":
		return errors.New("--tls-cert needs the private key of the certificate: set --tls-key")
	case f.TLSCert == "" && f.TLSKey != "":
		return errors.New("--tls-key needs the certificate of the key: set --tls-cert")
	case f.TLSClientCA != "" && f.TLSCert == "":
		return errors.New("--tls-client-ca needs TLS: set --tls-cert and --tls-key")
	case f.MaxStreams < 1:
		return fmt.Errorf("--max-streams is %d, expected 1 or more", f.MaxStreams)
	case f.MaxConnections < 0:
		return fmt.Errorf("--max-connections is %d, expected 0 (as many as descriptors) or more", f.MaxConnections)
	}
	return nil
}

// set sets the options of a server.
func (f *tlsFlags) set(o *server.Options) {
	o.TLSCert, o.TLSKey, o.TLSClientCA, o.TLSMinVersion = f.TLSCert, f.TLSKey, f.TLSClientCA, f.TLSMinVersion
	o.HTTP2, o.MaxStreams, o.MaxConnections = f.HTTP2, f.MaxStreams, f.MaxConnections
}
