package main

import (
	"time"

	"github.com/sepal-ml/sepal/services/internal/identity"
)

// identityFlags say whom the server takes for whom.
type identityFlags struct {
	Principals      string          `env:"SEPAL_PRINCIPALS" placeholder:"FILE" help:"Who may call what, by static tokens (sepal token new) or client certificates: a line for each, as NAME SCOPES CREDENTIAL. Read again when it changes. With none of these flags, callers need not say who they are."`
	JWTJWKS         string          `name:"jwt-jwks" env:"SEPAL_JWT_JWKS" placeholder:"URL|FILE" help:"Accept JWTs by these keys: a JSON Web Key Set, fetched by https, or a file. Needs --jwt-issuer and --jwt-audience."`
	JWTPublicKey    string          `name:"jwt-public-key" env:"SEPAL_JWT_PUBLIC_KEY" placeholder:"FILE" help:"Accept JWTs by these keys: public keys or certificates, in PEM."`
	JWTIssuer       string          `name:"jwt-issuer" env:"SEPAL_JWT_ISSUER" placeholder:"NAME" help:"Issuer whose JWTs count (claim iss)."`
	JWTAudience     string          `name:"jwt-audience" env:"SEPAL_JWT_AUDIENCE" placeholder:"NAME" help:"Audience that JWTs for this server have (claim aud)."`
	JWTLeeway       time.Duration   `name:"jwt-leeway" env:"SEPAL_JWT_LEEWAY" default:"${jwt_leeway}" help:"How far the clocks of issuer and server may differ, 5m at most."`
	JWTScopeClaim   string          `name:"jwt-scope-claim" env:"SEPAL_JWT_SCOPE_CLAIM" placeholder:"CLAIM" help:"Claim with the scopes of a JWT: predict, read, publish, admin; scope or scp by default."`
	TLSClientScopes identity.Scopes `name:"tls-client-scopes" env:"SEPAL_TLS_CLIENT_SCOPES" placeholder:"SCOPES" help:"Scopes of client certificates that the principals file does not name, such as predict,read; none by default."`
}

// check refuses flags that cannot be meant, before a file is read.
func (f *identityFlags) check() error { return f.identity().Check() }

func (f *identityFlags) identity() identity.Options {
	return identity.Options{
		PrincipalsFile:    f.Principals,
		JWKS:              f.JWTJWKS,
		PublicKeyFile:     f.JWTPublicKey,
		Issuer:            f.JWTIssuer,
		Audience:          f.JWTAudience,
		ScopeClaim:        f.JWTScopeClaim,
		Leeway:            f.JWTLeeway,
		CertificateScopes: f.TLSClientScopes,
	}
}
