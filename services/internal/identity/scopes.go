package identity

import (
	"fmt"
	"strconv"
	"strings"

	accessv1 "github.com/sepal-ml/sepal/gen/go/sepal/access/v1"
)

// Scopes is a set of what a caller was granted. The zero value is none.
type Scopes uint8

// The scopes, which the contract explains at sepal.access.v1.Scope.
const (
	Predict Scopes = 1 << iota
	Read
	Publish
	Admin
)

const scopeNames = "predict, read, publish, admin"

// ParseScopes reads names of scopes, separated by spaces or commas. There must be one at least.
func ParseScopes(text string) (Scopes, error) {
	var all Scopes
	for _, name := range strings.FieldsFunc(text, separates) {
		s := scopeOf(name)
		if s == 0 {
			return 0, fmt.Errorf("%s is no scope, expected some of %s", quoted(name), scopeNames)
		}
		all |= s
	}
	if all == 0 {
		return 0, fmt.Errorf("no scope is named, expected some of %s", scopeNames)
	}
	return all, nil
}

// quoted returns a word for an error, unless it is so long that it may be a secret.
func quoted(word string) string {
	const most = 20
	if len(word) > most {
		return fmt.Sprintf("a word of %d characters", len(word))
	}
	return strconv.Quote(word)
}

// separates tells what may stand between two scopes.
func separates(r rune) bool { return r == ' ' || r == ',' || r == '\t' }

// scopeOf returns the scope of that name; none, if there is no such scope.
func scopeOf(name string) Scopes {
	switch name {
	case "predict":
		return Predict
	case "read":
		return Read
	case "publish":
		return Publish
	case "admin":
		return Admin
	}
	return 0
}

// Names returns the names of the scopes in their order.
func (s Scopes) Names() []string {
	var names []string
	for _, name := range [...]string{"predict", "read", "publish", "admin"} {
		if s&scopeOf(name) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names as [ParseScopes] reads them, separated by commas; "none" for none.
func (s Scopes) String() string {
	if names := s.Names(); len(names) > 0 {
		return strings.Join(names, ",")
	}
	return "none"
}

// UnmarshalText sets the scopes to those of a text, as [ParseScopes] reads it.
func (s *Scopes) UnmarshalText(text []byte) error {
	parsed, err := ParseScopes(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// Allows reports whether the scopes are enough for an RPC that needs one. Publish includes Read, and
// Admin all. Nothing is needed for SCOPE_NONE; nothing is enough for SCOPE_UNSPECIFIED and for what
// this server does not know.
func (s Scopes) Allows(need accessv1.Scope) bool {
	switch need {
	case accessv1.Scope_SCOPE_NONE:
		return true
	case accessv1.Scope_SCOPE_PREDICT:
		return s&(Predict|Admin) != 0
	case accessv1.Scope_SCOPE_READ:
		return s&(Read|Publish|Admin) != 0
	case accessv1.Scope_SCOPE_PUBLISH:
		return s&(Publish|Admin) != 0
	case accessv1.Scope_SCOPE_ADMIN:
		return s&Admin != 0
	case accessv1.Scope_SCOPE_UNSPECIFIED:
		return false
	default:
		return false
	}
}
