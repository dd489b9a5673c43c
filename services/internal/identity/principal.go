package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is how a caller showed who it is. It is one of few, so that metrics can count by it.
type Kind string

// The kinds.
const (
	KindToken       Kind = "token"       // a static API token
	KindJWT         Kind = "jwt"         // a signed token that ends by itself
	KindCertificate Kind = "certificate" // a client certificate
)

// Principal is a caller that showed who it is. It is shared by requests and must not be changed.
type Principal struct {
	// Name is whom the credential was given to: the name in the principals file, the subject of a
	// JWT, or that of a certificate. It is not empty, has at most [MaxName] bytes, and only
	// characters that can be printed. Names are apart for each kind: the two that are called "ada"
	// by a JWT and by the principals file need not be one.
	Name string
	// Kind is how it showed that.
	Kind Kind
	// Scopes are what it was granted; none is possible.
	Scopes Scopes
}

// MaxName is the number of bytes that a name may have.
const MaxName = 256

// printable reports whether a text can be a name, but for its length. What stands for characters
// that could not be read cannot: two names would be one.
func printable(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
}

// bounded returns a name for what may be none: characters that cannot be printed become question
// marks, and a hash takes the place of what is beyond the bounds, so that names stay different.
func bounded(text string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != utf8.RuneError {
			return r
		}
		return '?'
	}, text)
	if name == text && len(name) <= MaxName {
		return name
	}
	sum := sha256.Sum256([]byte(text))
	mark := "~" + hex.EncodeToString(sum[:8])
	if most := MaxName - len(mark); len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return name + mark
}

// CheckName returns what is wrong with the name of a principal.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > MaxName:
		return fmt.Errorf("the name has %d bytes, at most %d are allowed", len(name), MaxName)
	case !printable(name):
		return errors.New("the name has characters that cannot be printed")
	}
	return nil
}
