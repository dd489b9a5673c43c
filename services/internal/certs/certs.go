// Package certs keeps a server's certificate, its key, and the authorities whose clients it knows,
// as files hold them, and takes them up anew when the files change.
//
// [Open] reads and checks them. [Store.Config] is what a TLS listener is made with: each handshake
// uses what is there then, and connections that are open go on with what they began with.
// [Store.Follow] looks at the files again when their folders change, and every few seconds. What is
// wrong with new files is logged once, and never takes the place of what is right: nor does a pair
// whose one half has not been replaced yet, nor a certificate that is not in force.
//
// A session is resumed only while the authorities are the same: when they change, every client has
// to show its certificate again.
package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Options say which files there are, and how they are used.
type Options struct {
	// Cert is the file of the certificate and those between it and the authority's, in PEM, its
	// own first. Key is the file of its private key, in PEM, as PKCS #8, PKCS #1 or SEC 1, and not
	// encrypted. Both may be one file.
	Cert, Key string
	// ClientCA is the file of the certificates of the authorities whose clients are known, in PEM.
	// A client may show a certificate then, and one that none of them has signed is refused.
	// Default: "", no client is asked for one.
	ClientCA string
	// MinVersion is the earliest version of TLS that is spoken, tls.VersionTLS12 or later; of 1.2,
	// only suites that keep past connections secret and authenticate what they encrypt. Default:
	// 0, TLS 1.3.
	MinVersion uint16
	// Poll is how often the files are looked at, besides when their folders tell. Default: 0, which
	// is 10 s.
	Poll time.Duration
	// Logger is told what is taken up, what is refused and why, and when the certificate ends.
	Logger zerolog.Logger
}

// defaultPoll is how often files are looked at where nobody says.
const defaultPoll = 10 * time.Second

// Store holds what was read last that is right. Make one with [Open].
type Store struct {
	options Options
	now     func() time.Time
	current atomic.Pointer[tls.Config]

	// The rest belongs to whoever reads the files: Open, then Follow.
	taken   material
	tickets *tls.Config // whose keys encrypt the tickets of sessions
	refused string      // why the files were refused that were looked at last, empty if they were not
	warned  stage       // what was last logged of the end of the certificate
}

// Open reads the files. The error says which of them is wrong, and how; a certificate whose time is
// over is one, since no client would accept it. Open logs nothing.
func Open(o Options) (*Store, error) {
	return open(o, time.Now)
}

func open(o Options, now func() time.Time) (*Store, error) {
	if (o.Cert == "") != (o.Key == "") {
		return nil, errors.New("there is a certificate without a key, or a key without a certificate; name both files, or none")
	}
	if o.MinVersion == 0 {
		o.MinVersion = tls.VersionTLS13
	}
	if o.MinVersion < tls.VersionTLS12 {
		return nil, fmt.Errorf("the earliest version of TLS is %s, expected TLS 1.2 or later", tls.VersionName(o.MinVersion))
	}
	if o.Poll <= 0 {
		o.Poll = defaultPoll
	}
	s := &Store{options: o, now: now}
	read, err := load(o)
	if err != nil {
		return nil, err
	}
	if end := read.leaf().NotAfter; now().After(end) {
		return nil, fmt.Errorf("%s: the certificate was valid until %s; renew it", o.Cert, when(end))
	}
	s.take(read)
	return s, nil
}

// Config returns what a TLS listener is made with. It speaks HTTP/2 and HTTP/1.1.
func (s *Store) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         s.options.MinVersion,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.current.Load(), nil },
	}
}

// suites are those of TLS 1.2 that are spoken. TLS 1.3 has no others than such.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// take makes what was read what new connections get.
func (s *Store) take(read material) {
	if s.tickets == nil || !bytes.Equal(read.clientCAText, s.taken.clientCAText) {
		// It makes keys of its own, and others in their place from day to day.
		s.tickets = new(tls.Config)
	}
	config := &tls.Config{
		Certificates:  []tls.Certificate{read.pair},
		NextProtos:    []string{"h2", "http/1.1"},
		MinVersion:    s.options.MinVersion,
		CipherSuites:  suites(),
		WrapSession:   s.tickets.EncryptTicket,
		UnwrapSession: s.tickets.DecryptTicket,
	}
	if read.clients != nil {
		config.ClientAuth = tls.VerifyClientCertIfGiven
		config.ClientCAs = read.clients
	}
	s.taken = read
	s.current.Store(config)
}

// renew takes up what the files hold now, if that is another thing, and right.
func (s *Store) renew() {
	read, err := load(s.options)
	if err == nil && !read.same(s.taken) {
		err = s.inForce(read.leaf())
	}
	if err != nil {
		if text := err.Error(); text != s.refused {
			s.refused = text
			s.options.Logger.Warn().Err(err).Msg("certificate not taken; the one before stays")
		}
		return
	}
	s.refused = ""
	if !read.same(s.taken) {
		s.take(read)
		s.warned = ageFine
		s.options.Logger.Info().Str("certificate", subject(read.leaf())).Time("not_after", read.leaf().NotAfter).Msg("certificate taken")
	}
}

// inForce returns why the certificate does not take the place of another yet, or any more.
func (s *Store) inForce(leaf *x509.Certificate) error {
	switch now := s.now(); {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("%s: the certificate was valid until %s; renew it", s.options.Cert, when(leaf.NotAfter))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("%s: the certificate is not valid before %s", s.options.Cert, when(leaf.NotBefore))
	}
	return nil
}

func when(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// subject returns for whom a certificate is.
func subject(leaf *x509.Certificate) string {
	if name := leaf.Subject.String(); name != "" {
		return name
	}
	if len(leaf.DNSNames) > 0 {
		return leaf.DNSNames[0]
	}
	return "serial number " + leaf.SerialNumber.String()
}
