package identity

import (
	"bytes"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// Inspected is what a JWT says.
type Inspected struct {
	Algorithm, KeyID string // KeyID is empty where it names none
	Issuer, Subject  string
	Audience         []string
	Scopes           Scopes
	// Made, Begins and Ends are times that it claims; Made and Begins are zero where it does not.
	Made, Begins, Ends time.Time
	// Verified tells that one of the keys has signed it.
	Verified bool
}

// Inspect reads a JWT, and verifies its signature where keys are given: the content of a JWKS or of
// a PEM file. It does not look at times, issuer and audience. The error says why a server would
// refuse it, and quotes nothing of the token's signature.
func Inspect(token, scopeClaim string, keys []byte) (*Inspected, error) {
	t, err := parseToken(token)
	if err != nil {
		return nil, err
	}
	payload := t.signed.UnsafePayloadWithoutVerification()
	if keys != nil {
		if payload, err = t.verifyBy(keys); err != nil {
			return nil, err
		}
	}
	c, err := readClaims(payload, scopeClaim)
	if err != nil {
		return nil, err
	}
	return &Inspected{
		Algorithm: string(t.algorithm), KeyID: t.keyID, Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, Scopes: c.scopes,
		Made: moment(c.IssuedAt), Begins: moment(c.NotBefore), Ends: moment(c.Expiry), Verified: keys != nil,
	}, nil
}

func moment(date *jwt.NumericDate) time.Time {
	if date == nil {
		return time.Time{}
	}
	return date.Time().UTC()
}

func (t *unverified) verifyBy(data []byte) ([]byte, error) {
	parse := parseJWKS
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		parse = parsePEM
	}
	ring, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	candidates := ring.candidates(t.algorithm, t.keyID)
	if len(candidates) == 0 {
		return nil, fmt.Errorf("none of the %d keys is for %s and has the kid %s", len(ring.keys), t.algorithm, shownID(t.keyID))
	}
	return t.verify(candidates)
}
