package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/sepal-ml/sepal/services/internal/atomicfile"
)

// tokenCmd is the verb token: its own verbs make what a server knows its callers by.
type tokenCmd struct {
	New  tokenNew  `cmd:"" help:"Make a static token, and the line for the principals file."`
	Key  tokenKey  `cmd:"" help:"Make a key pair that signs tokens, for development."`
	Sign tokenSign `cmd:"" help:"Make a token that ends by itself, signed by that key."`
	Show tokenShow `cmd:"" help:"Show what a token says and when it ends."`
}

// Help returns what the help of the verb says beside its flags.
func (tokenCmd) Help() string {
	return `Examples:
  sepal token new ada --scopes predict,read --file principals.txt
  sepal serve --principals principals.txt
  curl -H "Authorization: Bearer sepal_…" localhost:50051/…

  sepal token key
  TOKEN=$(sepal token sign --subject ada --scopes predict)
  sepal serve --jwt-jwks token-jwks.json --jwt-issuer sepal-dev --jwt-audience sepal

Scopes: predict has rows classified; read looks at models and what is watched; publish adds
versions, and may read; admin changes what answers, and may do all.

A principals file has a line for each credential:
  ada  predict,read  sha256:…                    a static token, as sepal token new prints it
  job  predict       subject:CN=job,O=Example    a client certificate, by its subject (RFC 2253)
  web  predict       san:web.example.com         or by a DNS name, URI or e-mail address of it

Static tokens are for few callers; they hold until their line is taken out. Where there is an
issuer of tokens (OpenID Connect), serve with its keys: --jwt-jwks https://…`
}

// Files that sepal token key writes, and sepal token sign reads.
const (
	signingKeyFile = "token-key.pem"
	publicKeysFile = "token-jwks.json"
)

// Issuer and audience of tokens for development.
const (
	developmentIssuer   = "sepal-dev"
	developmentAudience = "sepal"
)

// writeNew writes a file, which takes the place of another only if that is forced.
func writeNew(path string, data []byte, perm fs.FileMode, force bool) error {
	if force {
		return atomicfile.Write(path, data, perm)
	}
	err := atomicfile.Create(path, data, perm)
	if errors.Is(err, fs.ErrExist) {
		return isThere(path)
	}
	if errors.Is(err, atomicfile.ErrNoLinks) {
		return fmt.Errorf("%w; write it with --force, which replaces what is there", err)
	}
	return err
}

// isThere says that a file must not be replaced.
func isThere(path string) error {
	return fmt.Errorf("%s: is there already, and tokens may be in use that need it; name another folder with --out, or replace it with --force", path)
}
