package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sepal-ml/sepal/services/internal/identity"
	"github.com/sepal-ml/sepal/services/internal/identity/mint"
)

// tokenShow is the verb token show.
type tokenShow struct {
	Token string `arg:"" optional:"" help:"The token; read from standard input by default, where other users of the machine cannot see it."`

	JWKS       string `name:"jwks" env:"SEPAL_TOKEN_JWKS" placeholder:"FILE" help:"Verify the signature by these keys: a JSON Web Key Set, or PEM."`
	ScopeClaim string `env:"SEPAL_JWT_SCOPE_CLAIM" placeholder:"CLAIM" help:"Claim with the scopes; scope or scp by default."`
}

// Help returns what the help of the verb says beside its flags.
func (tokenShow) Help() string {
	return `Examples:
  sepal token sign | sepal token show
  sepal token show --jwks token-jwks.json < token.txt

A token that no server would take is refused, with the reason. Of a static token, the hash is shown
by which its line in the principals file is found.`
}

// Run shows what the token says.
func (c *tokenShow) Run(p *process) error {
	token, err := c.read(p)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if identity.IsStatic(token) {
		fmt.Fprintf(out, "kind\tstatic token: good while a principals file has its hash\n")
		fmt.Fprintf(out, "hash\t%s\n", mint.Credential(token))
		return out.Flush()
	}
	var keys []byte
	if c.JWKS != "" {
		if keys, err = os.ReadFile(c.JWKS); err != nil {
			return err
		}
	}
	t, err := identity.Inspect(token, c.ScopeClaim, keys)
	if err != nil {
		return fmt.Errorf("a server would refuse it: %w", err)
	}
	c.write(out, t)
	return out.Flush()
}

// read returns the token, without what people copy along with it.
func (c *tokenShow) read(p *process) (string, error) {
	text := c.Token
	if text == "" || text == "-" {
		const most = 64 << 10
		data, err := io.ReadAll(io.LimitReader(interruptible(p.ctx, p.stdin), most))
		if err != nil {
			return "", err
		}
		text = string(data)
	}
	words := strings.Fields(text)
	if len(words) == 2 && strings.EqualFold(words[0], "bearer") {
		words = words[1:]
	}
	if len(words) != 1 {
		return "", errors.New("expected one token on standard input")
	}
	return words[0], nil
}

func (c *tokenShow) write(out io.Writer, t *identity.Inspected) {
	fmt.Fprintf(out, "kind\tJWT, signed by %s\n", t.Algorithm)
	if t.KeyID != "" {
		fmt.Fprintf(out, "key\t%s\n", printable(t.KeyID))
	}
	if t.Verified {
		fmt.Fprintf(out, "signature\tverified by %s\n", printable(c.JWKS))
	} else {
		fmt.Fprintf(out, "signature\tnot verified (--jwks)\n")
	}
	fmt.Fprintf(out, "issuer\t%s\n", printable(t.Issuer))
	fmt.Fprintf(out, "audience\t%s\n", strings.Join(printables(t.Audience), ", "))
	fmt.Fprintf(out, "subject\t%s\n", printable(t.Subject))
	fmt.Fprintf(out, "scopes\t%s\n", t.Scopes)
	if !t.Made.IsZero() {
		fmt.Fprintf(out, "made\t%s\n", t.Made.Format(time.RFC3339))
	}
	now := time.Now()
	if !t.Begins.IsZero() && t.Begins != t.Made {
		fmt.Fprintf(out, "begins\t%s\n", when(t.Begins, now))
	}
	fmt.Fprintf(out, "ends\t%s\n", when(t.Ends, now))
}

// when returns an instant, and how far off it is.
func when(t, now time.Time) string {
	far := t.Sub(now).Round(time.Second)
	if far < 0 {
		return fmt.Sprintf("%s, %v ago", t.Format(time.RFC3339), -far)
	}
	return fmt.Sprintf("%s, in %v", t.Format(time.RFC3339), far)
}
