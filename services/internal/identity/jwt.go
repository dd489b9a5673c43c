package identity

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// maxToken is how long a token may be, in bytes. Those of issuers have one or two thousand.
const maxToken = 8 << 10

// fault is what is wrong with a token, before it is told to whom.
type fault struct {
	reason Reason
	public string
	text   string
}

// Error returns what is wrong.
func (f *fault) Error() string { return f.text }

func malformed(format string, args ...any) error {
	return &fault{ReasonMalformed, publicToken, fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &fault{ReasonUnsupported, publicToken, fmt.Sprintf(format, args...)}
}

// refusal returns the error for the caller of the package.
func refusal(err error) error {
	var f *fault
	if errors.As(err, &f) {
		return refuse(f.reason, f.public, f)
	}
	return refuse(ReasonMalformed, publicToken, err)
}

// unverified is a token whose form is right. Nothing that it says is known to be true.
type unverified struct {
	signed    *jose.JSONWebSignature
	algorithm jose.SignatureAlgorithm
	keyID     string // empty: it names no key
}

// parseToken reads a JWT in compact form. Keys that it brings along, or says where to find, are not
// looked at.
func parseToken(token string) (*unverified, error) {
	if len(token) > maxToken {
		return nil, malformed("the token has more than %d bytes", maxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, malformed("the token is no JWT of three parts")
	}
	strict := base64.RawURLEncoding.Strict()
	var header []byte
	for i, part := range parts {
		data, err := strict.DecodeString(part)
		if err != nil || len(data) == 0 || strings.ContainsAny(part, "\r\n") {
			return nil, malformed("part %d of the token is not in base64url", i+1)
		}
		if i == 0 {
			header = data
		}
	}
	t := new(unverified)
	if err := t.readHeader(header); err != nil {
		return nil, err
	}
	var err error
	if t.signed, err = jose.ParseSignedCompact(token, algorithms); err != nil {
		// What it says may quote the token.
		return nil, malformed("the token cannot be read")
	}
	return t, nil
}

// readHeader reads the members of the header that count.
func (t *unverified) readHeader(data []byte) error {
	members, err := object(data)
	if err != nil {
		return malformed("the header of the token %v", err)
	}
	algorithm := jose.SignatureAlgorithm(text(members["alg"]))
	if !slices.Contains(algorithms, algorithm) {
		return unsupported("the token is signed by %s, expected %s", quoted(string(algorithm)), algorithmNames)
	}
	t.algorithm = algorithm
	if _, has := members["crit"]; has {
		return unsupported("the header of the token has crit, and no extension is known here")
	}
	if _, has := members["b64"]; has {
		return unsupported("the header of the token has b64, which a JWT must not have")
	}
	if raw, has := members["typ"]; has && !isJWTType(text(raw)) {
		return unsupported("the header of the token has the typ %s, expected JWT or at+jwt", quoted(text(raw)))
	}
	if raw, has := members["kid"]; has {
		if json.Unmarshal(raw, &t.keyID) != nil || len(raw) > 0 && raw[0] != '"' {
			return malformed("the kid of the token is no text")
		}
		if len(t.keyID) > maxKeyID {
			return malformed("the kid of the token has %d bytes, at most %d are allowed", len(t.keyID), maxKeyID)
		}
	}
	return nil
}

// isJWTType reports whether a token of that type is one that grants access.
func isJWTType(typ string) bool {
	short := strings.TrimPrefix(strings.ToLower(typ), "application/")
	return short == "jwt" || short == "at+jwt"
}

// object reads a JSON object in which no member is twice.
func object(data []byte) (map[string]json.RawMessage, error) {
	if err := checkNesting(data); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if !utf8.Valid(data) || json.Unmarshal(data, &members) != nil || members == nil {
		return nil, errors.New("is no JSON object, or has a member twice")
	}
	return members, nil
}

// verify returns what the token claims, if one of the keys has signed it.
func (t *unverified) verify(keys []key) (claims []byte, err error) {
	for _, k := range keys {
		if claims, err := t.signed.Verify(k.public); err == nil {
			return claims, nil
		}
	}
	return nil, &fault{ReasonBadSignature, publicToken, "the signature is not that of the token by the key " + shownID(t.keyID)}
}
