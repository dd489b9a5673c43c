package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
)

var (
	errCertExpiry = errors.New("the client certificate has ended since the connection began")
)

// certificate returns whose client certificate a connection has. Only a chain that TLS has verified
// counts; without one there is nothing.
func (a *Authenticator) certificate(state *tls.ConnectionState) (*Principal, error) {
	if state == nil || !a.options.CertificatesTrusted || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return nil, refuse(ReasonMissing, a.missing, errMissing)
	}
	leaf := state.VerifiedChains[0][0]
	// TLS looks at the end when the connection begins, which may be days ago.
	if a.now().After(leaf.NotAfter) {
		return nil, refuse(ReasonExpired, publicEnded, errCertExpiry)
	}
	if a.principals == nil {
		return a.strangers.find(leaf, a.stranger)
	}
	p := a.principals.current()
	return p.known.find(leaf, func(c *x509.Certificate) (*Principal, error) {
		if found := p.named(c); found != nil {
			return found, nil
		}
		return a.stranger(c)
	})
}

// stranger returns the principal of a certificate that the principals file does not name.
func (a *Authenticator) stranger(c *x509.Certificate) (*Principal, error) {
	name := certificateName(c)
	if a.options.CertificateScopes == 0 {
		return nil, refuse(ReasonUnknownCertificate, publicStranger, fmt.Errorf("no line of the principals file has the certificate of %s", name))
	}
	return &Principal{Name: name, Kind: KindCertificate, Scopes: a.options.CertificateScopes}, nil
}

// certificateName returns the subject of a certificate, or where that is empty an alternative name.
func certificateName(c *x509.Certificate) string {
	subject, ok := subjectOf(c)
	if !ok {
		subject = c.Subject.String()
	}
	if subject != "" {
		return bounded(subject)
	}
	if names := alternatives(c); len(names) > 0 {
		return bounded(names[0])
	}
	return "serial:" + bounded(c.SerialNumber.String())
}

// named returns the principal of the first line that a certificate fits; nil if there is none.
func (p *principals) named(c *x509.Certificate) *Principal {
	var first ranked
	consider := func(r ranked, found bool) {
		if found && (first.Principal == nil || r.line < first.line) {
			first = r
		}
	}
	if subject, ok := subjectOf(c); ok {
		r, found := p.subjects[subject]
		consider(r, found)
	}
	for _, name := range alternatives(c) {
		r, found := p.names[name]
		consider(r, found)
	}
	return first.Principal
}

// certificateCache remembers whose certificate is whose, so that a request costs no parsing of names.
// The key is the address of a parsed certificate: it never changes, all requests of a connection have
// the same, and no other takes its place while it is kept here.
type certificateCache struct {
	mu    sync.RWMutex
	known map[*x509.Certificate]*Principal
}

// maxCertificates bounds the cache; connections beyond it work, at some µs a request.
const maxCertificates = 4096

func (c *certificateCache) find(leaf *x509.Certificate, name func(*x509.Certificate) (*Principal, error)) (*Principal, error) {
	c.mu.RLock()
	p := c.known[leaf]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	p, err := name(leaf)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[*x509.Certificate]*Principal{}
	}
	if len(c.known) >= maxCertificates {
		for some := range c.known {
			delete(c.known, some)
			break
		}
	}
	c.known[leaf] = p
	return p, nil
}
