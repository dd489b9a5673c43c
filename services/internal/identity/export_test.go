package identity

import (
	"crypto/x509"
	"net/http"
	"time"
)

// Timing is what tests may change of how long things take; zero: as it is.
type Timing struct {
	Deaf                                                   bool
	Now                                                    func() time.Time
	Poll, Settle, Emptied, Cooldown, Retry, Refresh, Fetch time.Duration
}

// WithTiming returns the options with other times.
func (o Options) WithTiming(t Timing) Options {
	changed := defaultTiming()
	changed.deaf = t.Deaf
	if t.Now != nil {
		changed.now = t.Now
	}
	for _, d := range []struct {
		to   *time.Duration
		from time.Duration
	}{
		{&changed.poll, t.Poll}, {&changed.settle, t.Settle}, {&changed.emptied, t.Emptied}, {&changed.cooldown, t.Cooldown}, {&changed.retry, t.Retry},
		{&changed.refresh, t.Refresh}, {&changed.refreshLeast, t.Refresh}, {&changed.fetch, t.Fetch},
	} {
		if d.from > 0 {
			*d.to = d.from
		}
	}
	o.timing = &changed
	return o
}

// Remembered returns how many JWTs are remembered.
func (a *Authenticator) Remembered() int { return a.tokens.keys.Load().known.size() }

// CertificatesRemembered returns how many certificates are remembered.
func (a *Authenticator) CertificatesRemembered() int {
	known := &a.strangers
	if a.principals != nil {
		known = &a.principals.current().known
	}
	known.mu.RLock()
	defer known.mu.RUnlock()
	return len(known.known)
}

// MaxRemembered is how many JWTs are remembered at most.
const MaxRemembered = cacheParts * cachePerPart

// Bounds.
const (
	MaxToken        = maxToken
	MaxCertificates = maxCertificates
)

// ParseName is parseName.
func ParseName(text string) (string, error) { return parseName(text) }

// SubjectOf is subjectOf.
func SubjectOf(c *x509.Certificate) (string, bool) { return subjectOf(c) }

// CheckJWKS and CheckPEM return how many keys they find.
func CheckJWKS(data []byte) (int, []string, error) { return count(parseJWKS(data)) }

// CheckPEM is parsePEM.
func CheckPEM(data []byte) (int, []string, error) { return count(parsePEM(data)) }

func count(r *ring, err error) (int, []string, error) {
	if err != nil {
		return 0, nil, err
	}
	return len(r.keys), r.skipped, nil
}

// Freshness is how long keys are good that came with a header.
func Freshness(header http.Header) time.Duration {
	r := &remote{timing: defaultTiming()}
	return r.freshness(header)
}
