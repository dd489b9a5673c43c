package identity

import (
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// claims are those of a JWT that count.
type claims struct {
	jwt.Claims
	scopes Scopes
}

// expected is what tokens must claim.
type expected struct {
	issuer, audience string
	scopeClaim       string // empty: scope, or else scp
	leeway           time.Duration
}

// check returns whose token it is and when it ends, or why it is nobody's.
func (e expected) check(payload []byte, now time.Time) (*Principal, time.Time, error) {
	c, err := readClaims(payload, e.scopeClaim)
	if err != nil {
		return nil, time.Time{}, err
	}
	end := c.Expiry.Time().Add(e.leeway)
	early := now.Add(e.leeway)
	switch {
	case c.Issuer != e.issuer:
		return nil, end, &fault{ReasonWrongIssuer, publicElse, "the token is of the issuer " + shownID(c.Issuer)}
	case !c.Audience.Contains(e.audience):
		return nil, end, &fault{ReasonWrongAudience, publicElse, "the token is for others: " + shownID(strings.Join(c.Audience, " "))}
	case !now.Before(end):
		return nil, end, &fault{ReasonExpired, publicExpired, "the token ended at " + instant(c.Expiry)}
	case c.NotBefore != nil && early.Before(c.NotBefore.Time()):
		return nil, end, &fault{ReasonNotYetValid, publicEarly, "the token begins at " + instant(c.NotBefore)}
	case c.IssuedAt != nil && early.Before(c.IssuedAt.Time()):
		return nil, end, &fault{ReasonNotYetValid, publicEarly, "the token was made in the future, at " + instant(c.IssuedAt)}
	}
	return &Principal{Name: c.Subject, Kind: KindJWT, Scopes: c.scopes}, end, nil
}

func instant(date *jwt.NumericDate) string { return date.Time().UTC().Format(time.RFC3339) }

// readClaims reads the claims of a token whose signature is right.
func readClaims(payload []byte, scopeClaim string) (*claims, error) {
	members, err := object(payload)
	if err != nil {
		return nil, malformed("the payload of the token %v", err)
	}
	c := new(claims)
	for name, into := range map[string]any{
		"iss": &c.Issuer, "sub": &c.Subject, "aud": &c.Audience, "exp": &c.Expiry, "nbf": &c.NotBefore, "iat": &c.IssuedAt,
	} {
		raw, has := members[name]
		if has && (string(raw) == "null" || json.Unmarshal(raw, into) != nil) {
			return nil, malformed("the claim %s of the token is not what it should be", name)
		}
	}
	switch {
	case c.Expiry == nil:
		return nil, malformed("the token has no claim exp: it would be good for ever")
	case !plausible(c.Expiry) || !plausible(c.NotBefore) || !plausible(c.IssuedAt):
		return nil, malformed("a time in the token is none")
	case !printable(c.Subject) || len(c.Subject) > MaxName:
		return nil, malformed("the claim sub of the token is missing, has more than %d bytes, or has characters that cannot be printed", MaxName)
	}
	if _, has := members["cnf"]; has {
		return nil, unsupported("the token is bound to a key of its holder (claim cnf), which is not checked here")
	}
	if c.scopes, err = readScopes(members, scopeClaim); err != nil {
		return nil, malformed("scopes of the token: %v", err)
	}
	return c, nil
}

// plausible reports whether a time can be reckoned with: it is before the year 10000.
func plausible(date *jwt.NumericDate) bool {
	const end = 253402300800
	return date == nil || *date >= 0 && *date < end
}

// readScopes returns the scopes that the claim has, of which those are passed over that other servers
// know.
func readScopes(members map[string]json.RawMessage, claim string) (Scopes, error) {
	var raw json.RawMessage
	if claim != "" {
		raw = members[claim]
	} else if raw = members["scope"]; raw == nil {
		raw = members["scp"]
	}
	if raw == nil {
		return 0, nil
	}
	var names []string
	var one string
	switch {
	case raw[0] == '"' && json.Unmarshal(raw, &one) == nil:
		names = strings.Split(one, " ")
	case raw[0] == '[' && json.Unmarshal(raw, &names) == nil:
	default:
		return 0, errors.New("expected a text, or a list of texts")
	}
	var all Scopes
	for _, name := range names {
		all |= scopeOf(name)
	}
	return all, nil
}
