package identity

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// DefaultLeeway is how far the clocks of issuer and server may differ by default.
const DefaultLeeway = 30 * time.Second

// maxLeeway bounds the leeway: with more, the end of a token would mean little.
const maxLeeway = 5 * time.Minute

// Options say whom a server takes for whom. The zero value knows nobody, and is not enabled.
type Options struct {
	// PrincipalsFile is the path of a principals file, see [ParsePrincipals]. Default: none.
	PrincipalsFile string

	// JWKS is where the keys are that JWTs are signed with, as a JSON Web Key Set: a URL with https,
	// or with http of this machine, or the path of a file. Default: none.
	JWKS string
	// PublicKeyFile is the path of a PEM file with public keys, or certificates, of which each signs
	// JWTs, in place of JWKS. Default: none.
	PublicKeyFile string
	// Issuer is the claim iss of JWTs. Required with JWKS and PublicKeyFile.
	Issuer string
	// Audience is what the claim aud of JWTs is or has. Required with JWKS and PublicKeyFile.
	Audience string
	// ScopeClaim is the claim that has the scopes of a JWT, as one text with spaces or as a list.
	// Default: "scope", or "scp" where that is missing.
	ScopeClaim string
	// Leeway is how far the clocks of issuer and server may differ, at most 5 min. Default: 0, none;
	// [DefaultLeeway] is a good one.
	Leeway time.Duration

	// CertificateScopes are the scopes of client certificates that the principals file does not
	// name. Default: 0, they are refused.
	CertificateScopes Scopes
	// CertificatesTrusted says that the server checks client certificates against a CA. Default:
	// false, they count for nothing.
	CertificatesTrusted bool

	// Logger tells of files and keys that were read again or could not be. The zero value writes
	// nothing.
	Logger zerolog.Logger
	// HTTPClient fetches the keys. Its redirects and a missing timeout are seen to. Default: one
	// that heeds the proxies of the environment.
	HTTPClient *http.Client

	timing *timing // of tests
}

// Enabled reports whether callers are to say who they are. A client CA alone does not ask that:
// then whoever could connect may call all.
func (o Options) Enabled() bool {
	return o.PrincipalsFile != "" || o.acceptsJWT() || o.CertificateScopes != 0
}

func (o Options) acceptsJWT() bool { return o.JWKS != "" || o.PublicKeyFile != "" }

// Check returns what is wrong with the options without a look at files or URLs. It does not look at
// CertificatesTrusted, as [New] does.
func (o Options) Check() error {
	switch {
	case o.JWKS != "" && o.PublicKeyFile != "":
		return errors.New("--jwt-jwks and --jwt-public-key are both set, expected one of them")
	case o.Leeway < 0 || o.Leeway > maxLeeway:
		return fmt.Errorf("--jwt-leeway is %v, expected 0s to %v", o.Leeway, maxLeeway)
	case o.acceptsJWT() && o.Issuer == "":
		return errors.New("--jwt-issuer is missing: name the issuer (claim iss) whose tokens count, or anybody with a key in that set could sign for others")
	case o.acceptsJWT() && o.Audience == "":
		return errors.New("--jwt-audience is missing: name the audience (claim aud) that tokens for this server have, or those made for other servers would be good here")
	case !o.acceptsJWT() && (o.Issuer != "" || o.Audience != "" || o.ScopeClaim != ""):
		return errors.New("--jwt-issuer, --jwt-audience and --jwt-scope-claim need the keys of tokens: set --jwt-jwks or --jwt-public-key")
	}
	if isURL(o.JWKS) {
		if _, err := parseURL(o.JWKS); err != nil {
			return fmt.Errorf("--jwt-jwks: %w", err)
		}
	}
	return nil
}
