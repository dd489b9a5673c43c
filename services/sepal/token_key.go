package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// tokenKey is the verb token key.
type tokenKey struct {
	Out       string `short:"o" env:"SEPAL_TOKEN_OUT" default:"." placeholder:"FOLDER" help:"Folder to write token-key.pem and token-jwks.json to; this one by default."`
	Algorithm string `env:"SEPAL_TOKEN_ALGORITHM" default:"EdDSA" enum:"EdDSA,ES256,RS256" help:"Algorithm that the key signs by: ${enum}; EdDSA is Ed25519."`
	Force     bool   `env:"SEPAL_TOKEN_FORCE" help:"Replace the files that are there: what the old key signed is then good no longer."`
}

// Help returns what the help of the verb says beside its flags.
func (tokenKey) Help() string {
	return `Examples:
  sepal token key
  sepal token key --algorithm ES256 --out keys

token-key.pem is private: who has it can make tokens for anybody. token-jwks.json is public, and what
a server checks tokens by: --jwt-jwks token-jwks.json. It is read again when it changes.`
}

// Run makes the key and writes its files.
func (c *tokenKey) Run(p *process) error {
	private, public := filepath.Join(c.Out, signingKeyFile), filepath.Join(c.Out, publicKeysFile)
	// Before anything is written: a key without its other half helps nobody.
	if !c.Force {
		for _, path := range []string{private, public} {
			if _, err := os.Lstat(path); err == nil {
				return isThere(path)
			}
		}
	}
	key, err := mint.NewKey(c.Algorithm)
	if err != nil {
		return err
	}
	secret, err := key.PEM()
	if err != nil {
		return err
	}
	set, err := key.JWKS()
	if err != nil {
		return err
	}
	const onlyOwner, everybody = fs.FileMode(0o600), fs.FileMode(0o644)
	if err := writeNew(private, secret, onlyOwner, c.Force); err != nil {
		return err
	}
	if err := writeNew(public, set, everybody, c.Force); err != nil {
		if !c.Force {
			err = errors.Join(err, os.Remove(private))
		}
		return err
	}
	fmt.Fprintf(p.stdout, "wrote %s, private: whoever has it can make tokens\n", printable(private))
	fmt.Fprintf(p.stdout, "wrote %s, public: servers check tokens by it\n", printable(public))
	fmt.Fprintf(p.stdout, "key %s, %s\n", key.ID(), key.Algorithm())
	say(p.stderr, "make a token by it: sepal token sign --key %s", shellWord(private))
	return nil
}
