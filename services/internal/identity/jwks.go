package identity

import (
	"bytes"
	"crypto"
	"encoding/base64"
	standard "encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// secretMembers are those of a JSON Web Key that only a private or a symmetric one has.
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// parseJWKS reads a JSON Web Key Set (RFC 7517). Keys that are not for signing, or for other
// algorithms, are passed over; a set with a private or a symmetric key in it is refused as a whole,
// since whoever can read it can make tokens.
func parseJWKS(data []byte) (*ring, error) {
	if err := checkNesting(data); err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errors.New(`is not a JSON Web Key Set, expected {"keys": [...]}`)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("there are %d keys, at most %d are allowed", len(set.Keys), maxKeys)
	}
	r := new(ring)
	for i, raw := range set.Keys {
		k, err := parseJWK(raw)
		var refused *secretError
		switch {
		case errors.As(err, &refused):
			return nil, fmt.Errorf("key %d is %w", i+1, err)
		case err != nil:
			r.skipped = append(r.skipped, fmt.Sprintf("key %d: %v", i+1, err))
		default:
			r.keys = append(r.keys, k)
		}
	}
	if len(r.keys) == 0 {
		return nil, fmt.Errorf("there is no key for %s in it%s", algorithmNames, because(r.skipped))
	}
	return r, nil
}

// because returns the first reason why keys were passed over.
func because(skipped []string) string {
	if len(skipped) == 0 {
		return ""
	}
	return " (" + skipped[0] + ")"
}

// secretError says that a key is one that nobody may read.
type secretError struct{ what string }

func (e *secretError) Error() string { return e.what }

// parseJWK reads one key, or says why it is not for JWTs.
func parseJWK(raw json.RawMessage) (key, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return key{}, errors.New("is not an object, or has a member twice")
	}
	if text(members["kty"]) == "oct" {
		return key{}, &secretError{"symmetric, so that whoever checks tokens could make them; publish public keys only"}
	}
	for _, name := range secretMembers {
		if _, has := members[name]; has {
			return key{}, &secretError{"private; make a new one, since this was seen, and publish public keys only"}
		}
	}
	if use := text(members["use"]); use != "" && use != "sig" {
		return key{}, errors.New("is not for signatures")
	}
	if operations, has := members["key_ops"]; has {
		var all []string
		if err := json.Unmarshal(operations, &all); err != nil || !slices.Contains(all, "verify") {
			return key{}, errors.New("is not to verify by")
		}
	}
	// Certificates of a key are not looked at: whoever publishes the set vouches for it.
	clean := map[string]standard.RawMessage{}
	for name, value := range members {
		if !strings.HasPrefix(name, "x5") {
			clean[name] = standard.RawMessage(value)
		}
	}
	return decodeJWK(clean)
}

func decodeJWK(members map[string]standard.RawMessage) (key, error) {
	clean, err := standard.Marshal(members)
	if err != nil {
		return key{}, errors.New("cannot be read")
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(clean); err != nil || !jwk.IsPublic() || !jwk.Valid() {
		return key{}, errors.New("is of a kind that is not known, or broken")
	}
	algorithm, err := Algorithm(jwk.Key)
	switch {
	case err != nil:
		return key{}, fmt.Errorf("is %w", err)
	case jwk.Algorithm != "" && jwk.Algorithm != string(algorithm):
		return key{}, fmt.Errorf("is for %.20q, expected %s", jwk.Algorithm, algorithm)
	case len(jwk.KeyID) > maxKeyID:
		return key{}, fmt.Errorf("has a kid of %d bytes, at most %d are allowed", len(jwk.KeyID), maxKeyID)
	}
	return key{id: jwk.KeyID, algorithm: algorithm, public: jwk.Key}, nil
}

// text returns a JSON string; none for what is not one.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// Thumbprint returns the name of a public key that follows from the key (RFC 7638): the SHA-256 in
// base64url.
func Thumbprint(public any) (string, error) {
	jwk := jose.JSONWebKey{Key: public}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", errors.New("the key has no thumbprint")
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// maxNesting is how deep objects and lists may stand within each other.
const maxNesting = 16

var errNesting = fmt.Errorf("is nested deeper than %d levels", maxNesting)

// checkNesting bounds what reading a JSON text may cost. It does not tell whether it is one.
func checkNesting(data []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return errNesting
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return errors.New("has a zero byte")
	}
	return nil
}
